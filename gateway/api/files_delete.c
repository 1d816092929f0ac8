/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/files/{path}: removes a file or directory; never one that is not empty unless told so.
 */
#include "api/api.h"
#include "api/file_request.h"
#include "api/operations.h"
#include "core/files.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct entry_condition condition;
    bool recursive = false;
    struct path path;
    enum sg_err err = file_request_path(r, &path);

    if (err == SG_OK)
        err = file_request_condition(r, false, &condition);
    if (err == SG_OK)
        err = request_query_bool(r, "recursive", &recursive);
    if (err == SG_OK)
        err = files_remove(api->files, request_principal(r), &path, recursive, &condition);
    if (err == SG_ERR_NOT_EMPTY)
        return request_fail(r, err, "The directory is not empty: recursive=true deletes it.");
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err, "A space itself cannot be deleted, only what is in it.");
    if (err == SG_OK)
        reply_empty(r, 204);
    return err;
}

const struct operation files_delete_operation = {.run = run};
