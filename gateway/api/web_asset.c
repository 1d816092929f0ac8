/* SPDX-License-Identifier: Apache-2.0 */
/* GET /web/{file}: a file of the page; names are looked up in memory and never reach the file
 * system. */
#include <string.h>

#include "api/operations.h"
#include "api/web_reply.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const char *name;
    enum sg_err err = request_param(r, "file", &name);

    if (err != SG_OK)
        return err;
    /* The document has an address of its own. */
    return strcmp(name, "openapi.yaml") != 0 ? web_reply(r, name) : SG_ERR_NOT_FOUND;
}

const struct operation web_asset_operation = {.run = run};
