/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of possession (RFC 9449): a JWT that the holder of a key makes for one request. Pure but
 * for the memory of proofs that were seen, which is of fixed size and refuses what it could not
 * remember. Any thread may call; nothing blocks.
 *
 * That memory begins with the process. A proof that may have been used before it began, by its
 * `iat` and the clocks that may differ, must hold a nonce of this process (section 8), which shows
 * that it was made since. Nonces are not stored: they are a time and its MAC under a key that is
 * made at start.
 */
#ifndef SG_CORE_DPOP_H
#define SG_CORE_DPOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_DPOP_PROOF_MAX 4000
#define SG_DPOP_AGE_S     60     /* how far `iat` may be from our clock */
#define SG_DPOP_RATE      60000  /* proofs of one key in SG_DPOP_AGE_S */
#define SG_DPOP_MEMORY    262144 /* proofs of either kind that can be remembered at one time */

#define SG_DPOP_NONCE_S    300 /* a nonce is good for so long */
#define SG_DPOP_NONCE_SIZE 33  /* with NUL */

struct dpop;
/* `now_s`: the time by the clock that the others are told; proofs are remembered from now on. NULL
 * without memory. */
struct dpop *dpop_new(int64_t now_s);
void dpop_free(struct dpop *d);

/* A proof that is right, and may have been used before. Plain data. */
struct dpop_proof {
    uint8_t key_sha256[32]; /* thumbprint of its key (RFC 7638) */
    uint8_t id[32];         /* of key and jti */
    int64_t iat_s;
    bool asks;      /* it is for a token that is asked for, not for one that is shown */
    bool old_nonce; /* it holds a nonce that is good still, but will not be for long */
};

/* A nonce to give to whoever is to make proofs. */
void dpop_nonce(const struct dpop *d, int64_t now_s, char ret[SG_DPOP_NONCE_SIZE]);

/* Checks a proof for `method` and `uri` (without query and fragment) and, where one is shown, an
 * access token (`ath`); `token` NULL: at the token endpoint. ES256, EdDSA (Ed25519) or RS256 with
 * 2048 to 4096 bits. SG_ERR_BAD_PROOF; PROOF_NONCE when all is right but that it needs a nonce, or
 * another one. */
enum sg_err dpop_verify(struct dpop *d, const char *proof, size_t proof_len, const char *method,
                        const char *uri, const char *token, size_t token_len, int64_t now_s,
                        struct dpop_proof *ret) SG_MUST_CHECK;
/* Uses it up: each jti once per key. For a token that is shown only after that token was found to
 * be bound to this key; so strangers cannot fill the memory that its holder needs.
 * SG_ERR_BAD_PROOF (seen before), SG_ERR_THROTTLED (too many of one key), SG_ERR_OVERLOADED (of
 * all). */
enum sg_err dpop_use(struct dpop *d, const struct dpop_proof *proof, int64_t now_s) SG_MUST_CHECK;

#endif
