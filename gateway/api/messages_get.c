/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/chat/{space}/messages/{seq}: one event of a space. */
#include "api/api.h"
#include "api/eventjson.h"
#include "api/message_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct chat_bounds bounds = {.oldest = {.seq = 0}};
    struct event *event = NULL;
    struct space_record space;
    uint64_t seq;
    const char *name;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = message_request_seq(r, &seq);
    if (err != SG_OK)
        return err;
    err = chat_get(api->chat, request_principal(r), name, seq, &event, &space, &bounds);
    if (err != SG_OK)
        return eventjson_fail(r, err, chat_epoch(api->chat), &bounds);
    err = eventjson_reply_event(r, 200, space.name, event);
    event_unref(event);
    return err;
}

const struct operation messages_get_operation = {.run = run};
