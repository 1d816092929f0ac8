/* SPDX-License-Identifier: Apache-2.0 */
/* GET /readyz: asks what the gateway depends on; it never shows more than a public reason. */
#include "api/api.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    static const char body[] = "{\"status\":\"ready\"}";
    const struct api *api = request_app(r);
    const char *reason = NULL;
    enum sg_err err = api->ready(api->ready_ctx, &reason);

    reply_header(r, "Cache-Control", "no-store");
    if (err != SG_OK) {
        /* Whatever the cause, to the one who asks it is "not now". */
        if (err_status(err) != 503)
            err = SG_ERR_UNAVAILABLE;
        return reason != NULL ? request_fail(r, err, "%s", reason) : err;
    }
    reply_bytes(r, 200, "application/json", body, sizeof body - 1);
    return SG_OK;
}

const struct operation ready_get_operation = {.run = run};
