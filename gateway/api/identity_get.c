/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/identity: the public key that vouches for sealed channels. */
#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/channels.h"
#include "core/sha256.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    uint8_t key[SG_IDENTITY_KEY_SIZE], digest[SG_SHA256_SIZE];
    struct json_out o;

    channels_identity_key(api->channels, key);
    sha256_digest(key, sizeof key, digest);
    json_out_init(&o, 512);
    json_out_object(&o, NULL);
    json_out_string(&o, "algorithm", "Ed25519");
    json_out_base64(&o, "key", key, sizeof key);
    json_out_hex(&o, "sha256", digest, sizeof digest);
    json_out_close(&o, '}');
    return json_out_reply_cached(r, 200, &o, "public, max-age=300");
}

const struct operation identity_get_operation = {.run = run};
