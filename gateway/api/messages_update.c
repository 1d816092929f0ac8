/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH /v1/chat/{space}/messages/{seq}: another text for a message; the answer is the event of the
 * change. */
#include "api/api.h"
#include "api/eventjson.h"
#include "api/message_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct event *event = NULL;
    struct space_record space;
    uint64_t seq;
    const char *name;
    char *text = NULL;
    size_t len = 0;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = message_request_seq(r, &seq);
    if (err == SG_OK)
        err = message_request_text(r, &text, &len);
    if (err == SG_OK)
        err = chat_revise(api->chat, request_principal(r), name, seq, text, len, &event, &space);
    if (err == SG_OK)
        err = eventjson_reply_event(r, 200, space.name, event);
    event_unref(event);
    return err;
}

const struct operation messages_update_operation = {.run = run};
