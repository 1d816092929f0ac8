/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/users/me/totp/recovery: new recovery codes, in the place of all others. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "api/totp_request.h"
#include "core/identity.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE];
    enum sg_err err = totp_request_confirm(r, SG_TOTP_CODE_ALWAYS, SG_AUDIT_RECOVERY_CREATED);

    if (err != SG_OK)
        return err;
    err = secondfactor_renew(api->factors, who->user_id, codes);
    audit_act(r, SG_AUDIT_RECOVERY_CREATED, NULL, err);
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err, "No codes are asked for.");
    return err == SG_OK ? totp_request_codes(r, codes) : err;
}

const struct operation recovery_create_operation = {.run = run};
