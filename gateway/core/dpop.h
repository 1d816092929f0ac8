/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of possession (RFC 9449): a JWT that the holder of a key makes for one request. Pure but
 * for the memory of proofs that were seen, which is of fixed size and refuses what it could not
 * remember. Any thread may call; nothing blocks.
 */
#ifndef SG_CORE_DPOP_H
#define SG_CORE_DPOP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_DPOP_PROOF_MAX 4000
#define SG_DPOP_AGE_S     60     /* how far `iat` may be from our clock */
#define SG_DPOP_RATE      60000  /* proofs of one key in SG_DPOP_AGE_S */
#define SG_DPOP_MEMORY    262144 /* proofs that can be remembered at one time */

struct dpop;
struct dpop *dpop_new(void); /* NULL without memory */
void dpop_free(struct dpop *d);

/* Checks a proof for `method` and `uri` (without query and fragment) and, where one is shown, an
 * access token (`ath`); `token` NULL: at the token endpoint. ES256, EdDSA (Ed25519) or RS256 with
 * 2048 to 4096 bits; each jti once per key. *ret: SHA-256 thumbprint of the key (RFC 7638).
 * SG_ERR_BAD_PROOF, SG_ERR_THROTTLED (too many of one key), SG_ERR_OVERLOADED (of all). */
enum sg_err dpop_check(struct dpop *d, const char *proof, size_t proof_len, const char *method,
                       const char *uri, const char *token, size_t token_len, int64_t now_s,
                       uint8_t ret_sha256[32]) SG_MUST_CHECK;

#endif
