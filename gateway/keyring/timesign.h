/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed time: a signed note (tlog/note.h) over a nonce and the keyring's clock,
 *
 *   NAME                          the key's name: issuer without scheme, and "/time"
 *   nonce BASE64URL
 *   time 2026-11-21T12:00:00.123456789Z
 *   error_us N                    the kernel's bound, and what was added to stay ahead
 *   synchronized true|false
 *
 * Each statement is later than all before it, also over restarts: DATA/keyring/time.state holds a
 * mark that no statement has reached, written ahead of them. Any thread may call.
 */
#ifndef SG_KEYRING_TIMESIGN_H
#define SG_KEYRING_TIMESIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tlog/note.h"

struct kek;
struct timesign;

struct timesign_options {
    const char *data; /* the data directory */
    const char *issuer;
    const struct kek *kek; /* its key is sealed with it */
};

/* Opens or makes key and mark. */
enum sg_err timesign_open(const struct timesign_options *options,
                          struct timesign **ret) SG_MUST_CHECK;
void timesign_close(struct timesign *t); /* NULL is legal */

const struct note_key *timesign_key(const struct timesign *t);

/* Appends the note; *ret_ns is the time it states. SG_ERR_BAD_FIELD for a nonce that is not of 16
 * to 64 bytes; SG_ERR_CLOCK when the clock is more than a second behind what has been stated. */
enum sg_err timesign_make(struct timesign *t, const uint8_t *nonce, size_t len, struct buf *out,
                          int64_t *ret_ns) SG_MUST_CHECK;

#endif
