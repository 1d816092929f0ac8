/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/users/{name}: removes a user with the space ~name, by an admin. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "core/files.h"
#include "core/identity.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const char *name;
    enum sg_err err = request_param(r, "name", &name);

    if (err != SG_OK)
        return err;
    if (!identity_user_name_ok(name))
        return SG_ERR_NOT_FOUND;
    err = identity_remove_user(api->identity, name);
    if (err == SG_OK) {
        audit_act(r, SG_AUDIT_USER_REMOVED, name, SG_OK);
        files_collect_soon(api->files); /* what only the user's space referred to */
        reply_empty(r, 204);
    }
    return err;
}

const struct operation users_delete_operation = {.run = run};
