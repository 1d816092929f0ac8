/* SPDX-License-Identifier: Apache-2.0 */
/* GET /.well-known/jwks.json: the public keys of access tokens (RFC 7517); no private part is in
 * this process. */
#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/identity.h"
#include "http/request.h"

#define JWKS_MAX (SG_TOKEN_KEYS_MAX * 2048) /* bytes */

static void put_key(struct json_out *o, const struct token_key *key)
{
    json_out_object(o, NULL);
    json_out_string(o, "kty", "RSA");
    json_out_string(o, "use", "sig");
    json_out_string(o, "alg", "RS256");
    json_out_string(o, "kid", key->kid);
    json_out_base64url(o, "n", key->n, key->n_len);
    json_out_base64url(o, "e", key->e, key->e_len);
    json_out_close(o, '}');
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    struct json_out o;
    size_t count;
    enum sg_err err = identity_token_keys(api->identity, keys, &count);

    if (err != SG_OK)
        return err;
    json_out_init(&o, JWKS_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "keys");
    for (size_t i = 0; i < count; i++)
        put_key(&o, &keys[i]);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply_cached(r, 200, &o, "public, max-age=300");
}

const struct operation jwks_get_operation = {.run = run};
