/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/spaces/{space}/members/{user}: removes a member of a shared space, or leaves it. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "api/space_request.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const char *space, *user;
    enum sg_err err = space_request_member(r, &space, &user);

    if (err == SG_OK)
        err = spaces_member_remove(api->spaces, request_principal(r), space, user);
    if (err != SG_OK)
        return err;
    audit_act_member(r, space, user, "none");
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation members_delete_operation = {.run = run};
