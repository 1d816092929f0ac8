/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.yaml: the contract itself, as it was when the gateway started. */
#include "api/operations.h"
#include "api/web_reply.h"

static enum sg_err run(struct request *r)
{
    return web_reply(r, "openapi.yaml");
}

const struct operation openapi_get_operation = {.run = run};
