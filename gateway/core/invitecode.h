/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes that people type: 20 characters of Crockford's base32 in four groups (100 random bits).
 * Case, dashes, blanks and look-alikes (O for 0, I and L for 1) do not count. Only the SHA-256 of
 * the plain form is stored.
 */
#ifndef SG_CORE_INVITECODE_H
#define SG_CORE_INVITECODE_H

#include "core/identity.h"

/* Makes a fresh code "XXXXX-XXXXX-XXXXX-XXXXX" and its digest. */
void invitecode_make(char ret_code[SG_CODE_SIZE], uint8_t ret_sha256[SG_DIGEST_SIZE]);
/* The digest of a typed code; SG_ERR_BAD_CODE when it cannot be one. */
enum sg_err invitecode_digest(const char *code, uint8_t ret_sha256[SG_DIGEST_SIZE]) SG_MUST_CHECK;

#endif
