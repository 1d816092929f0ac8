/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of possession in headers; it never looks at the token itself. */
#include "api/dpop_request.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "core/dpop.h"
#include "core/oauth.h"
#include "http/request.h"

const char *dpop_request_uri(struct request *r)
{
    const struct api *api = request_app(r);
    const char *issuer = oauth_issuer(api->oauth), *path = request_path(r);
    size_t origin = strlen(issuer), len = strlen(path);
    char *uri;

    while (origin > 0 && issuer[origin - 1] == '/')
        origin--;
    uri = arena_alloc(request_arena(r), origin + len + 1);
    if (uri == NULL)
        return NULL;
    memcpy(uri, issuer, origin);
    memcpy(uri + origin, path, len + 1);
    return uri;
}

/* RFC 9449, sections 8 and 8.2. */
static void give_nonce(struct request *r, int64_t now_s)
{
    const struct api *api = request_app(r);
    char nonce[SG_DPOP_NONCE_SIZE];

    dpop_nonce(api->dpop, now_s, nonce);
    reply_header(r, "DPoP-Nonce", nonce);
}

/* *ret_given false: there is no header. */
static enum sg_err verify(struct request *r, const char *token, size_t len, struct dpop_proof *ret,
                          bool *ret_given)
{
    const struct api *api = request_app(r);
    const char *proof = request_header(r, "DPoP"), *uri;
    int64_t now_s = clock_now_s();
    enum sg_err err;

    *ret_given = proof != NULL;
    if (proof == NULL)
        return SG_OK;
    if (request_header_repeated(r, "DPoP") || api->dpop == NULL || api->oauth == NULL)
        return SG_ERR_BAD_PROOF;
    uri = dpop_request_uri(r);
    if (uri == NULL)
        return SG_ERR_NO_MEMORY;
    err = dpop_verify(api->dpop, proof, strlen(proof), http_method_name(request_method(r)), uri,
                      token, len, now_s, ret);
    if (err == SG_ERR_PROOF_NONCE || (err == SG_OK && ret->old_nonce))
        give_nonce(r, now_s);
    return err;
}

enum sg_err dpop_request(struct request *r, uint8_t ret_sha256[32], bool *ret_given)
{
    struct dpop_proof proof;
    enum sg_err err = verify(r, NULL, 0, &proof, ret_given);

    if (err != SG_OK || !*ret_given)
        return err;
    memcpy(ret_sha256, proof.key_sha256, sizeof proof.key_sha256);
    return dpop_request_use(r, &proof);
}

enum sg_err dpop_request_shown(struct request *r, const char *token, size_t len,
                               struct dpop_proof *ret)
{
    bool given = false;
    enum sg_err err = verify(r, token, len, ret, &given);

    return err == SG_OK && !given ? request_fail(r, SG_ERR_BAD_PROOF, "The header DPoP is missing.")
                                  : err;
}

enum sg_err dpop_request_use(struct request *r, const struct dpop_proof *proof)
{
    const struct api *api = request_app(r);

    return dpop_use(api->dpop, proof, clock_now_s());
}
