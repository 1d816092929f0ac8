/* SPDX-License-Identifier: Apache-2.0 */
/* What sign does with an answer: lines or JSON on standard output, files beside the content. */
#ifndef SG_CLI_SIGNWRITE_H
#define SG_CLI_SIGNWRITE_H

#include "cli/cli.h"
#include "cli/sidecar.h"

struct json_object;
struct signlist;
struct signlist_group;

struct signwrite {
    const struct sidecar_choice *choice;
    bool force;
    bool json;
    bool quiet;
    bool begun;                    /* something of the JSON document is out */
    struct json_object *manifests; /* for its end */
};

void signwrite_init(struct signwrite *w, const struct sidecar_choice *choice, bool force, bool json,
                    bool quiet);
/* Ends the JSON document. */
void signwrite_end(struct signwrite *w);

/* "List of files in DIR:" and the names. */
void signwrite_list(struct signwrite *w, const struct signlist *l,
                    const struct signlist_group *group);

/* Whether the files of `target` (a path without extension) may be written; reported. */
enum cli_status signwrite_may(const struct signwrite *w, const char *target) SG_CLI_MUST_CHECK;
enum cli_status signwrite_may_manifest(const struct signwrite *w,
                                       const char *lines) SG_CLI_MUST_CHECK;

/* Writes the files of one signature, prints `name` and the record. */
enum cli_status signwrite_signature(struct signwrite *w, struct json_object *signature,
                                    const char *name, const char *target) SG_CLI_MUST_CHECK;
/* The lines of a manifest to the file `lines`, its signatures beside that. */
enum cli_status signwrite_manifest(struct signwrite *w, struct json_object *manifest,
                                   const char *lines) SG_CLI_MUST_CHECK;

#endif
