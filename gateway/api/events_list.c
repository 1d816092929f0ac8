/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/events: what happens in all spaces of the user, as a poll or as a stream. */
#include "api/api.h"
#include "api/eventjson.h"
#include "api/eventpoll.h"
#include "api/eventstream.h"
#include "api/operations.h"
#include "http/fields.h"

struct state {
    struct eventpoll poll;
    struct eventstream stream;
    bool streams;
};

static enum sg_err read_accept(struct request *r, bool *ret_streams)
{
    const char *accept = request_header(r, "Accept");
    unsigned json = 1000, stream = 0;

    reply_header(r, "Vary", "Accept");
    if (accept != NULL) {
        json = fields_accepts(accept, "application/json");
        stream = fields_accepts(accept, "text/event-stream");
    }
    if (json == 0 && stream == 0)
        return request_fail(r, SG_ERR_NOT_ACCEPTABLE,
                            "There are application/json and text/event-stream.");
    *ret_streams = stream > json;
    return SG_OK;
}

static enum sg_err read_input(struct request *r, struct state *s)
{
    const char *last;
    enum sg_err err = read_accept(r, &s->streams);

    if (err == SG_OK)
        err = request_query(r, "space", &s->poll.space);
    if (err == SG_OK)
        err = eventpoll_read(r, &s->poll, true);
    if (err != SG_OK || !s->streams)
        return err;
    /* What a browser says when it connects again is later than its address. */
    last = request_header(r, "Last-Event-ID");
    if (last != NULL && last[0] != 0)
        s->poll.after = last;
    return SG_OK;
}

static enum sg_err fill(struct request *r, char *to, size_t max, size_t *ret_len, bool *ret_end)
{
    struct state *s = request_state(r);

    return eventstream_fill(&s->stream, &s->poll, to, max, ret_len, ret_end);
}

static enum sg_err go_on(struct state *s, bool at_once, bool *ret_done)
{
    return s->streams ? eventstream_start(&s->stream, &s->poll, at_once, fill, ret_done)
                      : eventpoll_run(&s->poll, at_once, ret_done);
}

static enum sg_err run_at_once(struct request *r, bool *ret_done)
{
    struct state *s = request_state(r);
    enum sg_err err = read_input(r, s);

    return err == SG_OK ? go_on(s, true, ret_done) : err;
}

static enum sg_err run(struct request *r)
{
    struct state *s = request_state(r);
    bool done;

    return s->stream.open ? eventstream_read(&s->stream, &s->poll) : go_on(s, false, &done);
}

static enum sg_err woken(struct request *r, enum request_wake why)
{
    struct state *s = request_state(r);

    return eventpoll_woken(&s->poll, why);
}

static void end(struct request *r)
{
    struct state *s = request_state(r);

    eventstream_end(&s->stream);
    eventpoll_end(&s->poll);
}

const struct operation events_list_operation = {.state_size = sizeof(struct state),
                                                .run_at_once = run_at_once,
                                                .run = run,
                                                .woken = woken,
                                                .end = end};
