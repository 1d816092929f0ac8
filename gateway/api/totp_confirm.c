/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/users/me/totp/confirm: the authenticator has the secret; from now on its codes are asked
 * for. */
#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/totp_request.h"
#include "core/identity.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE], *code = NULL;
    const struct json_field fields[] = {
        {NULL, "code", SG_JSON_STRING, true, 1, 64, {.string = &code}, NULL},
    };
    unsigned wait_s = 0;
    enum sg_err err = json_in_read(r, fields, 1);

    if (err != SG_OK) {
        json_in_wipe(code);
        return err;
    }
    /* No password goes with it, and the recovery codes are the answer. */
    err = identity_try_factor(api->identity, who, request_address(r), &wait_s);
    if (err == SG_OK)
        err = secondfactor_confirm(api->factors, who->user_id, code, codes);
    json_in_wipe(code);
    audit_act(r, SG_AUDIT_TOTP_ENABLED, NULL, err);
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err,
                            "There is no secret to confirm, or it is older than 15 minutes.");
    if (err == SG_ERR_BAD_FACTOR)
        (void)request_fail(r, err, "code: is not the authenticator's");
    return err == SG_OK ? totp_request_codes(r, codes) : answer_error(r, err, wait_s);
}

const struct operation totp_confirm_operation = {.run = run};
