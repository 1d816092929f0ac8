/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/spaces/{space}: one space, and where its events begin and end. */
#include "api/api.h"
#include "api/operations.h"
#include "api/space_request.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct space_info info;
    enum space_role role;
    const char *name;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = spaces_info(api->spaces, request_principal(r), name, &info, &role);
    return err == SG_OK ? space_request_reply(r, 200, &info, role) : err;
}

const struct operation spaces_get_operation = {.run = run};
