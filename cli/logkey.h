/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier keys of log and signed time: given, pinned, or met for the first time. */
#ifndef SG_CLI_LOGKEY_H
#define SG_CLI_LOGKEY_H

#include "cli/trusted.h"
#include "tlog/note.h"

struct json_object;

/* Reads a verifier key, or the first line of a file that holds one. SG_CLI_USAGE, reported. */
enum cli_status logkey_parse(const char *text, struct note_key *ret) SG_CLI_MUST_CHECK;

/*
 * The key to use: `given` (NULL: none), else the pinned one, else that of the gateway's /v1/log,
 * which is pinned then. *ret_found is false when there is none, with `offline`. When the gateway
 * names another one than was pinned: SG_CLI_HISTORY, reported loudly. `ret_log` (may be NULL) gets
 * the gateway's answer.
 */
enum cli_status logkey_get(struct cli *cli, struct trusted *trusted, enum trusted_role role,
                           const char *given, bool offline, struct note_key *ret, bool *ret_found,
                           struct json_object **ret_log) SG_CLI_MUST_CHECK;

#endif
