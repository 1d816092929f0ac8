/* SPDX-License-Identifier: Apache-2.0 */
/* GET /log/checkpoint: the published checkpoint of the transparency log, a signed note. */
#include "api/api.h"
#include "api/operations.h"
#include "core/logread.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct logread_head head;
    char *text;
    enum sg_err err = logread_head(api->log, &head);

    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, err, "the log has no checkpoint yet");
    if (err != SG_OK)
        return err;
    text = arena_memdup(request_arena(r), head.note, head.note_len);
    if (text == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Cache-Control", "no-cache");
    reply_bytes(r, 200, "text/plain; charset=utf-8", text, head.note_len);
    return SG_OK;
}

const struct operation log_checkpoint_operation = {.run = run};
