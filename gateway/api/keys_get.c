/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/keys/{name}: a key and its versions. */
#include <stdlib.h>

#include "api/api.h"
#include "api/key_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct key_info *info = calloc(1, sizeof *info);
    const char *name;
    enum sg_err err = info != NULL ? request_param(r, "name", &name) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = keys_get(api->keys, request_principal(r), name, info);
    if (err == SG_OK)
        err = key_request_reply(r, 200, info);
    free(info);
    return err;
}

const struct operation keys_get_operation = {.run = run};
