/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/spaces/{space}/members/{user}: one member, for those who may see it. */
#include "api/api.h"
#include "api/operations.h"
#include "api/space_request.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct member_record member;
    const char *space, *user;
    enum sg_err err = space_request_member(r, &space, &user);

    if (err == SG_OK)
        err = spaces_member(api->spaces, request_principal(r), space, user, &member);
    return err == SG_OK ? space_request_reply_member(r, 200, &member) : err;
}

const struct operation members_get_operation = {.run = run};
