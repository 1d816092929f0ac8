/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Password hashing with argon2id (RFC 9106) in its encoded form. Each hash takes much memory and
 * time on purpose, so only a few run at once: a caller enters, hashes or verifies, and leaves.
 * Passwords are hashed in Unicode normalization form C (RFC 8265), so that one password typed on
 * two systems is one password.
 */
#ifndef SG_CORE_PASSWORD_H
#define SG_CORE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "core/phcstring.h"

#define SG_PASSWORD_HASH_SIZE SG_PHC_SIZE /* bytes of an encoded hash with NUL */
#define SG_PASSWORD_WAITERS   64          /* callers that may wait to enter */
#define SG_PASSWORD_BYTES_MAX 1024        /* longer ones match nothing, at the same cost */

struct password_params {
    unsigned memory_kib, passes, parallel;
    unsigned concurrent; /* hashes at once, 1 or more */
};

struct password_hasher;

/* NULL with costs that phcstring_check refuses, and without memory for one hash: it makes one. */
struct password_hasher *password_new(const struct password_params *params);
void password_free(struct password_hasher *h);

/* Waits for a turn; SG_ERR_OVERLOADED when SG_PASSWORD_WAITERS wait already. Blocks. */
enum sg_err password_enter(struct password_hasher *h) SG_MUST_CHECK;
void password_leave(struct password_hasher *h);

/* Between enter and leave only. */
enum sg_err password_hash(struct password_hasher *h, const char *password,
                          char ret[SG_PASSWORD_HASH_SIZE]) SG_MUST_CHECK;
/* Compares; `encoded` NULL stands for an unknown user: the same work, never a match. *ret_stale:
 * the hash was made with other costs than today's. SG_ERR_CORRUPT for what phcstring_read refuses,
 * SG_ERR_NO_MEMORY. */
enum sg_err password_verify(struct password_hasher *h, const char *encoded, const char *password,
                            bool *ret_match, bool *ret_stale) SG_MUST_CHECK;

#endif
