/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be signed, from what was typed: files, directories with all that is in them, stored
 * paths; and where the signatures of each go. */
#ifndef SG_CLI_SIGNLIST_H
#define SG_CLI_SIGNLIST_H

#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

/* Items of one request, and files of a directory. */
#define SG_SIGNLIST_BATCH 10000

struct signlist_item {
    char *path;   /* local, or the full stored one */
    char *name;   /* as it goes into the record; of a stored one its base name */
    char *target; /* the signatures' path without extension; of a stored directory the one that
                     names are put below */
    int64_t size; /* in bytes, as far as it is known */
};

enum signlist_kind {
    SG_SIGNLIST_FILES,     /* local files */
    SG_SIGNLIST_DIRECTORY, /* a local directory, all of it */
    SG_SIGNLIST_STORED,    /* stored files */
    SG_SIGNLIST_PREFIX     /* one stored directory */
};

/* Neighbouring items that are signed together. */
struct signlist_group {
    enum signlist_kind kind;
    size_t first, count;
    char *shown;     /* in "List of files in ..." */
    char *directory; /* that the manifest is for; NULL: none */
    char *manifest;  /* path of the manifest's lines; NULL: none */
};

struct signlist {
    struct signlist_item *items;
    size_t count, room;
    struct signlist_group *groups;
    size_t n_groups;
    size_t left_out; /* signatures of others that were passed over */
};

/* All below is reported; the list is to be freed in any case. `out` NULL: beside the content. */

/* The files of the current directory, not below and not hidden. */
enum cli_status signlist_add_current(struct signlist *l, const char *out) SG_CLI_MUST_CHECK;
/* A local file or directory. */
enum cli_status signlist_add(struct signlist *l, const char *path,
                             const char *out) SG_CLI_MUST_CHECK;
/* A stored file, or directory when it ends in a slash, as typed. */
enum cli_status signlist_add_stored(struct signlist *l, const char *typed,
                                    const char *out) SG_CLI_MUST_CHECK;
/* Whether two items would have their signatures in one place. */
enum cli_status signlist_check(const struct signlist *l) SG_CLI_MUST_CHECK;
void signlist_free(struct signlist *l);

/* Path of the signatures of file `name` below a stored directory, whose item is given, in fresh
 * memory; NULL: reported. */
char *signlist_below(const struct signlist_item *prefix, const char *name);

#endif
