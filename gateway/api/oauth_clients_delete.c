/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/oauth/clients/{id}: its sessions end. */
#include "api/audit_act.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const char *id = NULL;
    enum sg_err err = request_param(r, "id", &id);

    if (err == SG_OK)
        err = oauth_client_remove(api->oauth, id);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_CLIENT_REMOVED, id, SG_OK);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation oauth_clients_delete_operation = {.run = run};
