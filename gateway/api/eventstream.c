/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the frames of a stream, a few at a time, when the connection takes more; a client that
 * reads slowly keeps its place in the log, not the events in memory. */
#include "api/eventstream.h"

#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/client_request.h"
#include "api/eventjson.h"
#include "api/json_out.h"
#include "base/clock.h"
#include "base/metrics.h"

#define EVENTS_MAX    16    /* of one look: a client that does not read holds no more */
#define RETRY_MS      2000  /* before a browser connects again */
#define KEEP_ALIVE_MS 15000 /* a proxy ends what is silent for a minute */
#define PROBLEM_MAX   4096  /* bytes */
#define LOOKS_MAX     8     /* without a frame, in one go */

static void put_id(struct eventstream *s, const char *epoch, uint64_t seq)
{
    struct eventcursor cursor = {.seq = seq};
    char id[SG_EVENTCURSOR_SIZE];

    eventcursor_format(epoch, &cursor, id);
    buf_printf(&s->out, "id: %s\n", id);
}

static void put_page(struct eventstream *s, const struct eventpoll *p, const char *epoch,
                     const struct chat_page *page)
{
    const char *space;

    for (size_t i = 0; i < page->count; i++) {
        space = chat_space_name(&p->listener, page->events[i]->space_id);
        if (space == NULL)
            continue;
        put_id(s, epoch, page->events[i]->seq);
        buf_printf(&s->out, "event: %s\ndata: ", event_type_name(page->events[i]->type));
        eventjson_event(&s->out, space, page->events[i]);
        buf_puts(&s->out, "\n\n");
    }
    for (size_t i = 0; i < page->note_count; i++) {
        space = chat_space_name(&p->listener, page->notes[i].space_id);
        if (space == NULL)
            continue;
        buf_printf(&s->out, "event: %s\ndata: ", chat_note_name(page->notes[i].type));
        eventjson_note(&s->out, space, &page->notes[i]);
        buf_puts(&s->out, "\n\n");
    }
}

/* The last frame: why there will be no more (RFC 9457). */
static enum sg_err put_problem(struct eventstream *s, const struct eventpoll *p, const char *epoch,
                               enum sg_err why, const struct chat_bounds *bounds)
{
    char text[SG_EVENTCURSOR_SIZE + 128];
    struct json_out o;
    enum sg_err err;

    json_out_init(&o, PROBLEM_MAX);
    json_out_object(&o, NULL);
    (void)snprintf(text, sizeof text, "urn:secgate:error:%s", err_code(why));
    json_out_string(&o, "type", text);
    json_out_string(&o, "title", err_title(why));
    json_out_integer(&o, "status", err_status(why));
    (void)snprintf(text, sizeof text, "%s.", err_title(why));
    json_out_string(&o, "detail", text);
    json_out_string(&o, "code", err_code(why));
    json_out_string(&o, "request_id", request_id(p->request));
    if (why == SG_ERR_CURSOR_PRUNED) {
        eventcursor_format(epoch, &bounds->oldest, text);
        json_out_string(&o, "oldest", text);
        eventcursor_format(epoch, &bounds->newest, text);
        json_out_string(&o, "newest", text);
    }
    json_out_close(&o, '}');
    err = buf_status(&o.buf);
    if (err == SG_OK)
        buf_printf(&s->out, "event: error\ndata: %s\n\n", buf_str(&o.buf));
    json_out_fini(&o);
    s->over = true;
    return err;
}

enum sg_err eventstream_start(struct eventstream *s, struct eventpoll *p, bool at_once,
                              enum sg_err (*fill)(struct request *r, char *to, size_t max,
                                                  size_t *ret_len, bool *ret_end),
                              bool *ret_done)
{
    const struct api *api = request_app(p->request);
    const char *epoch = chat_epoch(api->chat);
    enum chat_state state = SG_CHAT_NOTHING;
    struct chat_page page;
    uint64_t from;
    enum sg_err err = eventpoll_listen(p, at_once, ret_done);

    if (err != SG_OK || !*ret_done)
        return err;
    if (request_method(p->request) == SG_METHOD_HEAD) {
        reply_header(p->request, "Cache-Control", "no-store");
        reply_bytes(p->request, 200, "text/event-stream", "", 0);
        return SG_OK;
    }
    p->limit = EVENTS_MAX;
    from = p->listener.waiter.after;
    page.bounds = (struct chat_bounds){.oldest = {.seq = 0}};
    err = chat_listen_enter(&p->listener);
    if (err == SG_OK)
        err = chat_next(&p->listener, true, at_once, p->limit, &page, &state);
    if (err != SG_OK)
        return eventpoll_fail(p, err, &page.bounds);
    *ret_done = state != SG_CHAT_BLOCKS;
    if (*ret_done) {
        buf_init(&s->out, SG_EVENT_PAGE_MAX);
        buf_printf(&s->out, "retry: %d\n\n", RETRY_MS);
        put_id(s, epoch, from);
        buf_puts(&s->out, "event: ready\ndata: {}\n\n");
        put_page(s, p, epoch, &page);
        err = buf_status(&s->out);
    }
    chat_page_fini(&page);
    if (err != SG_OK || !*ret_done)
        return err;
    s->open = true;
    s->spoke_ns = clock_monotonic_ns();
    metrics_add(SG_METRIC_EVENT_STREAMS, 1);
    reply_header(p->request, "Cache-Control", "no-store");
    reply_header(p->request, "X-Accel-Buffering", "no");
    reply_stream(p->request, "text/event-stream", fill);
    return SG_OK;
}

/* Makes what is to be said now. Nothing: it waits, or the store is read first, or *ret_again. */
static enum sg_err speak(struct eventstream *s, struct eventpoll *p, bool *ret_again)
{
    const struct api *api = request_app(p->request);
    const char *epoch = chat_epoch(api->chat);
    enum chat_state state = SG_CHAT_NOTHING;
    struct chat_page page;
    int64_t silent;
    enum sg_err err = client_request_again(p->request);

    *ret_again = false;
    page.bounds = (struct chat_bounds){.oldest = {.seq = 0}};
    if (err == SG_OK)
        err = chat_next(&p->listener, true, true, p->limit, &page, &state);
    if (err != SG_OK)
        return put_problem(s, p, epoch, err, &page.bounds);
    put_page(s, p, epoch, &page);
    chat_page_fini(&page);
    silent = (clock_monotonic_ns() - s->spoke_ns) / SG_NS_PER_MS;
    if (s->out.len == 0 && silent >= KEEP_ALIVE_MS)
        buf_puts(&s->out, ": keep-alive\n\n");
    *ret_again = s->out.len == 0 && state != SG_CHAT_WAITS && state != SG_CHAT_BLOCKS;
    if (s->out.len == 0 && state == SG_CHAT_WAITS)
        request_wait(p->request, eventpoll_time(p, KEEP_ALIVE_MS - silent), true);
    if (s->out.len == 0 && state == SG_CHAT_BLOCKS)
        request_defer(p->request);
    return SG_OK;
}

enum sg_err eventstream_read(struct eventstream *s, struct eventpoll *p)
{
    const struct api *api = request_app(p->request);
    const char *epoch = chat_epoch(api->chat);
    enum chat_state state = SG_CHAT_NOTHING;
    struct chat_page page;
    enum sg_err err = client_request_again(p->request);

    page.bounds = (struct chat_bounds){.oldest = {.seq = 0}};
    if (err == SG_OK)
        err = chat_next(&p->listener, false, false, p->limit, &page, &state);
    if (err != SG_OK)
        return put_problem(s, p, epoch, err, &page.bounds);
    put_page(s, p, epoch, &page);
    chat_page_fini(&page);
    return buf_status(&s->out);
}

/* Fills the empty buffer unless there is nothing to say. */
static enum sg_err refill(struct eventstream *s, struct eventpoll *p)
{
    enum sg_err err = SG_OK;
    bool again = true;

    if (request_woken_by(p->request) == SG_WAKE_DRAIN)
        s->over = true;
    for (int looks = 0; err == SG_OK && again && !s->over; looks++) {
        err = speak(s, p, &again);
        /* What none of its spaces shows makes no frame; others want the event loop, too. */
        if (again && looks == LOOKS_MAX)
            buf_puts(&s->out, ":\n\n");
        again = again && s->out.len == 0;
    }
    return err == SG_OK ? buf_status(&s->out) : err;
}

enum sg_err eventstream_fill(struct eventstream *s, struct eventpoll *p, char *to, size_t max,
                             size_t *ret_len, bool *ret_end)
{
    enum sg_err err = SG_OK;
    size_t len;

    *ret_len = 0;
    *ret_end = false;
    if (s->out.len == 0 && !s->over)
        err = refill(s, p);
    if (err != SG_OK)
        return err;
    if (s->out.len == 0) {
        *ret_end = s->over;
        return SG_OK;
    }
    len = s->out.len - s->sent < max ? s->out.len - s->sent : max;
    memcpy(to, s->out.data + s->sent, len);
    s->sent += len;
    s->spoke_ns = clock_monotonic_ns();
    *ret_len = len;
    if (s->sent == s->out.len) {
        buf_fini(&s->out);
        s->sent = 0;
    }
    return SG_OK;
}

void eventstream_end(struct eventstream *s)
{
    if (s->open)
        metrics_add(SG_METRIC_EVENT_STREAMS, -1);
    s->open = false;
    buf_fini(&s->out);
}
