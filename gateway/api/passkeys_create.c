/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/passkeys: registers the passkey that a browser has made after passkeys_options. */
#include <string.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/passkeys_request.h"
#include "api/records.h"
#include "base/text.h"
#include "core/identity.h"
#include "http/request.h"

#define NAME_MAX_CHARACTERS 64
_Static_assert(SG_PASSKEY_NAME_SIZE > 4 * NAME_MAX_CHARACTERS, "every name fits its record");

static enum sg_err read_input(struct request *r, char **ret_name, char **ret_id,
                              struct passkey_attestation *ret)
{
    char *client_data = NULL, *attestation = NULL;
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, true, 1, NAME_MAX_CHARACTERS, {.string = ret_name}, NULL},
        {NULL, "id", SG_JSON_STRING, true, 1, 1400, {.string = ret_id}, NULL},
        {NULL, "client_data", SG_JSON_STRING, true, 1, 6000, {.string = &client_data}, NULL},
        {NULL, "attestation", SG_JSON_STRING, true, 1, 12000, {.string = &attestation}, NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK && text_has_control(*ret_name, strlen(*ret_name)))
        err = request_fail(r, SG_ERR_BAD_FIELD, "name: has a control character");
    if (err == SG_OK)
        err = passkeys_request_bytes(r, "id", *ret_id, SG_PASSKEY_ID_MAX, &ret->id);
    if (err == SG_OK)
        err = passkeys_request_bytes(r, "client_data", client_data, SG_PASSKEY_CLIENT_DATA_MAX,
                                     &ret->client_data);
    if (err == SG_OK)
        err = passkeys_request_bytes(r, "attestation", attestation, SG_PASSKEY_ATTESTATION_MAX,
                                     &ret->attestation);
    return err;
}

static enum sg_err refuse(struct request *r, enum sg_err err, const char *reason)
{
    if (err == SG_ERR_BAD_FACTOR) /* what came is wrong, not who asks */
        return request_fail(r, SG_ERR_BAD_FIELD, "%s", reason);
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err, "This passkey is registered already.");
    if (err == SG_ERR_NAME_TAKEN)
        return request_fail(r, err, "You have a passkey of this name.");
    if (err == SG_ERR_LIMIT)
        return request_fail(r, err, "There are %d passkeys: remove one first.",
                            SG_PASSKEYS_PER_USER);
    return answer_error(r, err == SG_ERR_NOT_FOUND ? SG_ERR_SESSION_ENDED : err, 0);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct passkey_attestation in;
    struct passkey_record key;
    const char *reason = "";
    char *name = NULL, *id = NULL;
    struct json_out o;
    enum sg_err err = read_input(r, &name, &id, &in);

    if (err != SG_OK)
        return err;
    err = passkeys_register(api->passkeys, who->user_id, name, &in, &key, &reason);
    audit_act_detail(r, SG_AUDIT_PASSKEY_ADDED, name, err, "id", id);
    if (err != SG_OK)
        return refuse(r, err, reason);
    json_out_init(&o, SG_RECORD_MAX);
    passkeys_request_put(&o, NULL, &key);
    return json_out_reply(r, 201, &o);
}

const struct operation passkeys_create_operation = {.run = run};
