/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/chat/{space}/messages/{seq}: one event: what comes first after the place before it. */
#include "api/api.h"
#include "api/eventjson.h"
#include "api/eventpoll.h"
#include "api/message_request.h"
#include "api/operations.h"

#define EVENT_TYPES ((1u << SG_EVENT_TYPE_COUNT) - 1)

struct state {
    struct eventpoll poll;
    uint64_t seq;
    char after[SG_EVENTCURSOR_SIZE];
};

static enum sg_err reply(struct request *r, const struct state *s, const struct chat_page *page)
{
    const char *space;

    if (page->count == 0 || page->events[0]->seq != s->seq)
        return SG_ERR_NOT_FOUND;
    space = chat_space_name(&s->poll.listener, page->events[0]->space_id);
    return space != NULL ? eventjson_reply_event(r, 200, space, page->events[0]) : SG_ERR_NOT_FOUND;
}

static enum sg_err look(struct request *r, struct state *s, bool at_once, bool *ret_done)
{
    enum chat_state state = SG_CHAT_NOTHING;
    struct chat_page page;
    enum sg_err err = eventpoll_listen(&s->poll, at_once, ret_done);

    /* What is not there yet is not there. */
    if (err == SG_ERR_CURSOR_FUTURE) {
        request_problem(r, NULL);
        return SG_ERR_NOT_FOUND;
    }
    if (err != SG_OK || !*ret_done)
        return err;
    err = eventpoll_next(&s->poll, false, at_once, &page, &state);
    if (err != SG_OK)
        return eventpoll_fail(&s->poll, err, &page.bounds);
    *ret_done = state != SG_CHAT_BLOCKS;
    if (*ret_done)
        err = reply(r, s, &page);
    chat_page_fini(&page);
    return err;
}

static enum sg_err run_at_once(struct request *r, bool *ret_done)
{
    const struct api *api = request_app(r);
    struct state *s = request_state(r);
    struct eventcursor before = {.seq = 0};
    enum sg_err err = request_param(r, "space", &s->poll.space);

    if (err == SG_OK)
        err = message_request_seq(r, &s->seq);
    if (err != SG_OK)
        return err;
    before.seq = s->seq - 1;
    eventcursor_format(chat_epoch(api->chat), &before, s->after);
    s->poll.request = r;
    s->poll.after = s->after;
    s->poll.types = EVENT_TYPES;
    s->poll.limit = 1;
    return look(r, s, true, ret_done);
}

static enum sg_err run(struct request *r)
{
    bool done;

    return look(r, request_state(r), false, &done);
}

static void end(struct request *r)
{
    struct state *s = request_state(r);

    eventpoll_end(&s->poll);
}

const struct operation messages_get_operation = {
    .state_size = sizeof(struct state), .run_at_once = run_at_once, .run = run, .end = end};
