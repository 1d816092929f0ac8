/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/spaces/{space}: a shared space with all that is in it, by an owner. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "core/files.h"
#include "core/spaces.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const char *name;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = spaces_remove(api->spaces, request_principal(r), name);
    if (err == SG_ERR_FIXED_MEMBERS)
        return request_fail(r, err, "Only shared spaces can be removed.");
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_SPACE_REMOVED, name, SG_OK);
    files_collect_soon(api->files);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation spaces_delete_operation = {.run = run};
