/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/chat/{space}/messages/{seq}: removes the text of a message; the answer is the event of
 * the deletion. */
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
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = message_request_seq(r, &seq);
    if (err == SG_OK)
        err = chat_revise(api->chat, request_principal(r), name, seq, NULL, 0, &event, &space);
    if (err == SG_OK)
        err = eventjson_reply_event(r, 200, space.name, event);
    event_unref(event);
    return err;
}

const struct operation messages_delete_operation = {.run = run};
