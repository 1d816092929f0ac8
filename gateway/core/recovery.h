/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery codes: twelve characters of Crockford's base32 in three groups (60 random bits), for who
 * has lost the authenticator. Case, hyphens, blanks and look-alikes (O for 0, I and L for 1) do not
 * count. Kept as HMAC-SHA-256 under a key of the keyring's over user and code, so that the database
 * alone tells nothing. Pure but for the random bytes.
 */
#ifndef SG_CORE_RECOVERY_H
#define SG_CORE_RECOVERY_H

#include <stdint.h>

#include "base/err.h"
#include "core/secondfactor.h"

/* A fresh code and its digest for a user. Wipe the code. */
void recovery_make(const uint8_t key[SG_FACTOR_KEY_SIZE], int64_t user_id,
                   char ret_code[SG_RECOVERY_CODE_SIZE], uint8_t ret_digest[SG_DIGEST_SIZE]);
/* The digest of a typed code; SG_ERR_BAD_FACTOR when it cannot be one. */
enum sg_err recovery_digest(const uint8_t key[SG_FACTOR_KEY_SIZE], int64_t user_id,
                            const char *code, uint8_t ret[SG_DIGEST_SIZE]) SG_MUST_CHECK;

#endif
