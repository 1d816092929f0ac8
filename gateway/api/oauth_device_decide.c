/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/device: lets a device in, or does not. */
#include "api/answer.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char *code = NULL;
    bool approve = false;
    const struct json_field fields[] = {
        {NULL, "user_code", SG_JSON_STRING, true, 1, 32, {.string = &code}, NULL},
        {NULL, "approve", SG_JSON_BOOLEAN, true, 0, 0, {.boolean = &approve}, NULL},
    };
    struct device_grant grant;
    unsigned wait_s = 0;
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err != SG_OK)
        return err;
    err = oauth_device_decide(api->oauth, request_principal(r), code, approve, request_address(r),
                              &grant, &wait_s);
    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, err, "No device waits with this code.");
    if (err != SG_OK)
        return answer_error(r, err, wait_s);
    audit_act_detail(r, approve ? SG_AUDIT_DEVICE_APPROVED : SG_AUDIT_DEVICE_DENIED,
                     grant.client_id, SG_OK, "device_address", grant.address);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation oauth_device_decide_operation = {.run = run};
