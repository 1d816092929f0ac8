/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/users/me/totp/disable: no more codes at my logins. */
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
    enum sg_err err = totp_request_confirm(r, SG_TOTP_CODE_ALWAYS, SG_AUDIT_TOTP_DISABLED);

    if (err != SG_OK)
        return err;
    err = secondfactor_disable(api->factors, who->user_id);
    audit_act(r, SG_AUDIT_TOTP_DISABLED, NULL, err);
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err, "No codes are asked for.");
    if (err == SG_OK)
        reply_empty(r, 204);
    return err;
}

const struct operation totp_disable_operation = {.run = run};
