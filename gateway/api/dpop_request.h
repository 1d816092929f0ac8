/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of possession of a request (RFC 9449). */
#ifndef SG_API_DPOP_REQUEST_H
#define SG_API_DPOP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/dpop.h"

struct request;

/* Checks the header DPoP of a request for tokens, and uses the proof up. *ret_given false: there is
 * none. SG_ERR_BAD_PROOF, PROOF_NONCE, THROTTLED, OVERLOADED. Of the headers of the answer it sets
 * DPoP-Nonce, where one is needed or the client's will soon be too old. Does not block. */
enum sg_err dpop_request(struct request *r, uint8_t ret_sha256[32], bool *ret_given) SG_MUST_CHECK;
/* The same for an access token that came with it: SG_ERR_BAD_PROOF also when there is no header.
 * The proof is not used up before the token was found to be good with this key. */
enum sg_err dpop_request_shown(struct request *r, const char *token, size_t len,
                               struct dpop_proof *ret) SG_MUST_CHECK;
enum sg_err dpop_request_use(struct request *r, const struct dpop_proof *proof) SG_MUST_CHECK;

/* The URI of a request as proofs name it: the issuer's, whatever the client calls us. In the arena;
 * NULL without memory. */
const char *dpop_request_uri(struct request *r);

#endif
