/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/passkeys/options: what a browser needs to make a passkey
 * (PublicKeyCredentialCreationOptions as JSON, WebAuthn level 3), once the password was given, and
 * a code where logins ask for one: a passkey is a login without either. */
#include <stdlib.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/passkeys_request.h"
#include "api/records.h"
#include "api/totp_request.h"
#include "core/identity.h"
#include "http/request.h"

#define ANSWER_MAX (SG_RECORD_MAX + (size_t)SG_PASSKEYS_PER_USER * 2 * SG_PASSKEY_ID_MAX)

static void put_user(const struct passkeys *p, const struct principal *who, struct json_out *o)
{
    uint8_t handle[SG_PASSKEY_HANDLE_SIZE];

    passkeys_handle(p, who->user_id, handle);
    json_out_object(o, "user");
    json_out_base64url(o, "id", handle, sizeof handle);
    json_out_string(o, "name", who->user);
    json_out_string(o, "displayName", who->user);
    json_out_close(o, '}');
}

static void put_algorithms(struct json_out *o)
{
    json_out_array(o, "pubKeyCredParams");
    for (size_t i = 0; i < SG_PASSKEY_ALGORITHMS; i++) {
        json_out_object(o, NULL);
        json_out_string(o, "type", "public-key");
        json_out_integer(o, "alg", passkeys_algorithms[i]);
        json_out_close(o, '}');
    }
    json_out_close(o, ']');
}

/* The authenticators that have one already. */
static void put_excluded(const struct passkey_record *keys, size_t count, struct json_out *o)
{
    json_out_array(o, "excludeCredentials");
    for (size_t i = 0; i < count; i++) {
        json_out_object(o, NULL);
        json_out_string(o, "type", "public-key");
        passkeys_request_put_id(o, "id", keys[i].id, keys[i].id_len);
        json_out_close(o, '}');
    }
    json_out_close(o, ']');
}

static enum sg_err reply(struct request *r, const struct passkey_record *keys, size_t count)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    struct json_out o;

    passkeys_challenge_create(api->passkeys, who->user_id, challenge);
    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_object(&o, "rp");
    json_out_string(&o, "id", passkeys_rp_id(api->passkeys));
    json_out_string(&o, "name", passkeys_rp_id(api->passkeys));
    json_out_close(&o, '}');
    put_user(api->passkeys, who, &o);
    json_out_base64url(&o, "challenge", challenge, sizeof challenge);
    put_algorithms(&o);
    json_out_integer(&o, "timeout", SG_PASSKEY_CHALLENGE_S * 1000);
    put_excluded(keys, count, &o);
    json_out_object(&o, "authenticatorSelection");
    json_out_string(&o, "residentKey", "required");
    json_out_boolean(&o, "requireResidentKey", true);
    json_out_string(&o, "userVerification", "required");
    json_out_close(&o, '}');
    json_out_string(&o, "attestation", "none");
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct passkey_record *keys;
    size_t count = 0;
    enum sg_err err = totp_request_confirm(r, SG_TOTP_CODE_IF_ON, SG_AUDIT_PASSKEY_ADDED);

    if (err != SG_OK)
        return err;
    keys = calloc(SG_PASSKEYS_PER_USER, sizeof *keys);
    if (keys == NULL)
        return SG_ERR_NO_MEMORY;
    err = passkeys_list(api->passkeys, who->user_id, keys, &count);
    if (err == SG_OK && count == SG_PASSKEYS_PER_USER)
        err = request_fail(r, SG_ERR_LIMIT, "There are %d passkeys: remove one first.",
                           SG_PASSKEYS_PER_USER);
    if (err == SG_OK)
        err = reply(r, keys, count);
    free(keys);
    return err;
}

const struct operation passkeys_options_operation = {.run = run};
