/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics: the process's metrics in the Prometheus text format; who may ask is the guard's
 * business. */
#include <stdlib.h>

#include "api/operations.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "http/request.h"

#define METRICS_MAX (1024 * 1024) /* bytes */

static enum sg_err run(struct request *r)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;
    size_t len;
    char *text;

    buf_init(&b, METRICS_MAX);
    metrics_render(&b);
    err = buf_status(&b);
    if (err != SG_OK)
        return err;
    text = buf_take(&b, &len);
    if (text == NULL)
        return SG_ERR_INTERNAL;
    reply_header(r, "Cache-Control", "no-store");
    reply_take(r, 200, "text/plain; version=0.0.4; charset=utf-8", text, len, free, text);
    return SG_OK;
}

const struct operation metrics_get_operation = {.run = run};
