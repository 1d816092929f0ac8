/* SPDX-License-Identifier: Apache-2.0 */
/* Checks who asks before a second factor is changed. Password and codes are wiped once they have
 * been used. */
#include "api/totp_request.h"

#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/records.h"
#include "base/secret.h"
#include "core/identity.h"
#include "http/request.h"

enum sg_err totp_request_confirm(struct request *r, enum totp_code coded, enum audit_type type)
{
    const struct api *api = request_app(r);
    char *password = NULL, *code = NULL;
    const struct json_field fields[] = {
        {NULL, "password", SG_JSON_STRING, true, 1, 256, {.string = &password}, NULL},
        {NULL,
         "code",
         SG_JSON_STRING,
         coded == SG_TOTP_CODE_ALWAYS,
         1,
         64,
         {.string = &code},
         NULL},
    };
    bool recovery = false;
    unsigned wait_s = 0;
    enum sg_err err = json_in_read(r, fields, coded == SG_TOTP_CODE_NONE ? 1 : 2);

    if (err == SG_OK) {
        err = identity_confirm_password(api->identity, request_principal(r), password,
                                        coded == SG_TOTP_CODE_IF_ON && code == NULL ? "" : code,
                                        request_address(r), &recovery, &wait_s);
        if (recovery)
            audit_act(r, SG_AUDIT_RECOVERY_USED, NULL, SG_OK);
        if (err == SG_ERR_BAD_CREDENTIALS)
            (void)request_fail(r, err, "password: is wrong");
        else if (err == SG_ERR_BAD_FACTOR)
            (void)request_fail(r, err, "code: is wrong, or was used before");
        if (err != SG_OK && err != SG_ERR_FACTOR_NEEDED)
            audit_act(r, type, NULL, err);
        err = answer_error(r, err, wait_s);
    }
    json_in_wipe(password);
    json_in_wipe(code);
    return err;
}

enum sg_err totp_request_codes(struct request *r,
                               char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE])
{
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "recovery_codes");
    for (size_t i = 0; i < SG_RECOVERY_CODES; i++)
        json_out_string(&o, NULL, codes[i]);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    secret_wipe(codes, (size_t)SG_RECOVERY_CODES * SG_RECOVERY_CODE_SIZE);
    return json_out_reply(r, 200, &o);
}
