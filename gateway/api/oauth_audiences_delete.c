/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/oauth/audiences/{audience}: no tokens are made for it any more. */
#include "api/audit_act.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const char *audience = NULL;
    enum sg_err err = request_param(r, "audience", &audience);

    if (err == SG_OK)
        err = oauth_audience_remove(api->oauth, audience);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_AUDIENCE_REMOVED, audience, SG_OK);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation oauth_audiences_delete_operation = {.run = run};
