/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/chat/{space}/messages: a page of a space's events, or a poll that waits for what comes
 * after a cursor. */
#include "api/api.h"
#include "api/eventjson.h"
#include "api/eventpoll.h"
#include "api/operations.h"

struct state {
    struct eventpoll poll;
    const char *before;
};

static enum sg_err read_input(struct request *r, struct state *s)
{
    enum sg_err err = request_param(r, "space", &s->poll.space);

    if (err == SG_OK)
        err = eventpoll_read(r, &s->poll, false);
    if (err == SG_OK)
        err = request_query(r, "before", &s->before);
    if (err == SG_OK && s->before != NULL && s->poll.after != NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "before: not together with after");
    return err;
}

static enum sg_err page(struct request *r, const struct state *s)
{
    const struct api *api = request_app(r);
    const char *epoch = chat_epoch(api->chat);
    struct eventjson_names names = {.listener = NULL};
    struct space_record space;
    struct chat_page found = {.count = 0};
    enum sg_err err = chat_page(api->chat, request_principal(r), s->poll.space, s->before,
                                s->poll.limit, s->poll.types, &found, &space);

    if (err != SG_OK)
        return eventjson_fail(r, err, epoch, &found.bounds);
    names.space = space.name;
    err = eventjson_reply_page(r, epoch, &names, &found, false);
    chat_page_fini(&found);
    return err;
}

static enum sg_err run_at_once(struct request *r, bool *ret_done)
{
    struct state *s = request_state(r);
    enum sg_err err = read_input(r, s);

    if (err != SG_OK || s->poll.after == NULL)
        return err;
    return eventpoll_run(&s->poll, true, ret_done);
}

static enum sg_err run(struct request *r)
{
    struct state *s = request_state(r);
    bool done;

    return s->poll.after == NULL ? page(r, s) : eventpoll_run(&s->poll, false, &done);
}

static enum sg_err woken(struct request *r, enum request_wake why)
{
    struct state *s = request_state(r);

    return eventpoll_woken(&s->poll, why);
}

static void end(struct request *r)
{
    struct state *s = request_state(r);

    eventpoll_end(&s->poll);
}

const struct operation messages_list_operation = {.state_size = sizeof(struct state),
                                                  .run_at_once = run_at_once,
                                                  .run = run,
                                                  .woken = woken,
                                                  .end = end};
