/* SPDX-License-Identifier: Apache-2.0 */
/* GET /: the page; it holds nothing of any user. */
#include "api/operations.h"
#include "api/web_reply.h"

static enum sg_err run(struct request *r)
{
    return web_reply(r, "index.html");
}

const struct operation web_index_operation = {.run = run};
