/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies what lies beside a content: all signatures and the proof of the log. */
#ifndef SG_CLI_SIGCHECK_H
#define SG_CLI_SIGCHECK_H

#include "cli/cli.h"
#include "cli/sigkeys.h"
#include "tlog/note.h"

#include <stddef.h>

struct json_object;

struct sigcheck {
    struct sigkeys *keys;
    const char *signature; /* only this file; NULL: those beside the content */
    bool has_log_key;
    struct note_key log_key;
};

/*
 * Verifies the content `path`; a `manifest` is the file of lines of a directory. *ret is its
 * report: {"file","valid","signatures":[{"file","format","valid","reason"?}],"key"?,"key_version"?,
 * "timestamp"?,"log"?:{"index","size"},"state_asked","reasons":[{"code","detail"}]}. Only what kept
 * it from being verified is reported.
 */
enum cli_status sigcheck_file(struct sigcheck *c, const char *path, bool manifest,
                              struct json_object **ret) SG_CLI_MUST_CHECK;

/* Whether `name` is the last part, or the last parts, of the absolute path `real`. */
bool sigcheck_name_matches(const char *real, const char *name);

#endif
