/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/passkeys/challenge: what a browser needs to log in with a passkey
 * (PublicKeyCredentialRequestOptions as JSON). It tells nobody which names exist. */
#include "api/api.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/identity.h"
#include "core/passkeys.h"
#include "http/request.h"

/* -1 for a name that nobody has: no passkey fits that challenge. */
static enum sg_err find_user(const struct api *api, const char *name, int64_t *ret)
{
    struct user_record user;
    enum sg_err err =
        identity_user_name_ok(name) ? identity_user(api->identity, name, &user) : SG_ERR_NOT_FOUND;

    if (err == SG_OK)
        *ret = user.id;
    else if (err == SG_ERR_NOT_FOUND)
        *ret = -1;
    return err == SG_ERR_NOT_FOUND ? SG_OK : err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char *username = NULL;
    const struct json_field fields[] = {
        {NULL, "username", SG_JSON_STRING, false, 1, 256, {.string = &username}, NULL},
    };
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    int64_t user_id = 0;
    struct json_out o;
    enum sg_err err = json_in_read(r, fields, 1);

    if (err == SG_OK && username != NULL)
        err = find_user(api, username, &user_id);
    if (err != SG_OK)
        return err;
    passkeys_challenge_get(api->passkeys, user_id, challenge);
    json_out_init(&o, SG_RECORD_MAX);
    json_out_object(&o, NULL);
    json_out_base64url(&o, "challenge", challenge, sizeof challenge);
    json_out_integer(&o, "timeout", SG_PASSKEY_CHALLENGE_S * 1000);
    json_out_string(&o, "rpId", passkeys_rp_id(api->passkeys));
    json_out_array(&o, "allowCredentials");
    json_out_close(&o, ']');
    json_out_string(&o, "userVerification", "required");
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation passkeys_challenge_operation = {.run = run};
