/* SPDX-License-Identifier: Apache-2.0 */
/* A signed statement about the time: a note with the key's name, nonce, time and error bound. No
 * input or output. */
#ifndef SG_CLI_TIMESTATEMENT_H
#define SG_CLI_TIMESTATEMENT_H

#include "tlog/note.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timestatement {
    char time[48]; /* RFC 3339 with nanoseconds */
    int64_t error_us;
    bool synchronized;
};

/* Whether the note is signed with `key`, about `nonce` (base64url), and well formed; *ret_why says
 * why not. Static storage. */
bool timestatement_verify(const char *note, const struct note_key *key, const char *nonce,
                          struct timestatement *ret, const char **ret_why);
/* The same for the body of a note that is signed by `name`. */
bool timestatement_read(const char *body, size_t len, const char *name, const char *nonce,
                        struct timestatement *ret, const char **ret_why);

#endif
