/* SPDX-License-Identifier: Apache-2.0 */
/* Listens, waits and answers for polls; it never blocks but where it is told that it may, and shows
 * nothing after authority has ended. */
#include "api/eventpoll.h"

#include <stddef.h>

#include "api/api.h"
#include "api/client_request.h"
#include "api/eventjson.h"
#include "base/clock.h"

#define LIMIT    100
#define WAIT_MAX 60 /* seconds */

#define EVENT_TYPES ((1u << SG_EVENT_TYPE_COUNT) - 1)
#define ALL_TYPES                                                                                  \
    (EVENT_TYPES | SG_HUB_NOTE_BIT(SG_NOTE_PRESENCE_JOINED) |                                      \
     SG_HUB_NOTE_BIT(SG_NOTE_PRESENCE_LEFT) | SG_HUB_NOTE_BIT(SG_NOTE_TYPING))

static enum sg_err read_types(struct request *r, struct eventpoll *p)
{
    const char *text;
    enum sg_err err = request_query(r, "types", &text);

    p->types = p->notes ? ALL_TYPES : EVENT_TYPES;
    if (err != SG_OK || text == NULL)
        return err;
    err = chat_types_parse(text, &p->types);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "types: must be types of events with commas between them");
    if (!p->notes)
        p->types &= EVENT_TYPES;
    if (err == SG_OK && p->types == 0)
        return request_fail(r, SG_ERR_BAD_FIELD, "types: none of these is shown here");
    return err;
}

enum sg_err eventpoll_read(struct request *r, struct eventpoll *p, bool notes)
{
    int64_t limit = LIMIT, wait = 0;
    enum sg_err err = request_query(r, "after", &p->after);

    p->request = r;
    p->notes = notes;
    if (err == SG_OK)
        err = request_query_int(r, "limit", 1, SG_CHAT_LIMIT_MAX, LIMIT, &limit);
    if (err == SG_OK)
        err = request_query_int(r, "wait", 0, WAIT_MAX, 0, &wait);
    if (err == SG_OK)
        err = read_types(r, p);
    if (err != SG_OK)
        return err;
    if (wait > 0 && p->after == NULL)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "wait: needs after; an answer without it has next, to begin with");
    p->limit = (size_t)limit;
    /* Nobody sees what a HEAD would wait for. */
    if (wait > 0 && request_method(r) != SG_METHOD_HEAD)
        p->deadline_ns = clock_monotonic_ns() + wait * SG_NS_PER_S;
    return SG_OK;
}

static void wake(struct hub_waiter *w)
{
    struct eventpoll *p =
        (struct eventpoll *)(void *)((char *)w - offsetof(struct eventpoll, listener.waiter));

    request_wake(p->request);
}

enum sg_err eventpoll_fail(struct eventpoll *p, enum sg_err err, const struct chat_bounds *bounds)
{
    const struct api *api = request_app(p->request);

    return eventjson_fail(p->request, err, chat_epoch(api->chat), bounds);
}

enum sg_err eventpoll_listen(struct eventpoll *p, bool at_once, bool *ret_done)
{
    const struct api *api = request_app(p->request);
    struct chat_bounds bounds = {.oldest = {.seq = 0}};
    enum sg_err err;

    *ret_done = true;
    if (p->listens)
        return SG_OK;
    err = chat_listen(api->chat, request_principal(p->request), p->space, p->after, p->types,
                      request_address(p->request), at_once, &p->listener, &bounds, ret_done);
    if (err != SG_OK)
        return eventpoll_fail(p, err, &bounds);
    if (*ret_done) {
        p->listens = true;
        p->listener.waiter.wake = wake;
    }
    return SG_OK;
}

unsigned eventpoll_time(const struct eventpoll *p, int64_t most)
{
    const struct principal *who = request_principal(p->request);
    int64_t left = who->token_expires_s * 1000 - clock_now_ns() / SG_NS_PER_MS;

    left = left < most ? left : most;
    return left > 1 ? (unsigned)left : 1;
}

static enum sg_err reply(struct eventpoll *p, const struct chat_page *page)
{
    const struct api *api = request_app(p->request);
    struct eventjson_names names = {.listener = &p->listener};

    return eventjson_reply_page(p->request, chat_epoch(api->chat), &names, page, p->notes);
}

/* One look; *ret_done false when the store must be read first. */
static enum sg_err look(struct eventpoll *p, bool wait, bool at_once, bool *ret_done)
{
    struct chat_page page;
    enum chat_state state = SG_CHAT_NOTHING;
    enum sg_err err = client_request_again(p->request);

    page.bounds = (struct chat_bounds){.oldest = {.seq = 0}};
    if (err == SG_OK)
        err = chat_next(&p->listener, wait, at_once, p->limit, &page, &state);
    *ret_done = true;
    if (err != SG_OK)
        return eventpoll_fail(p, err, &page.bounds);
    switch (state) {
    case SG_CHAT_NEWS:
    case SG_CHAT_NOTHING:
        err = reply(p, &page);
        break;
    case SG_CHAT_WAITS:
        request_wait(p->request,
                     eventpoll_time(p, (p->deadline_ns - clock_monotonic_ns()) / SG_NS_PER_MS + 1),
                     true);
        break;
    case SG_CHAT_BLOCKS:
        *ret_done = false;
        break;
    }
    chat_page_fini(&page);
    return err;
}

static bool may_wait(const struct eventpoll *p)
{
    return p->deadline_ns != 0 && clock_monotonic_ns() < p->deadline_ns;
}

enum sg_err eventpoll_run(struct eventpoll *p, bool at_once, bool *ret_done)
{
    enum sg_err err = eventpoll_listen(p, at_once, ret_done);

    if (err != SG_OK || !*ret_done)
        return err;
    return look(p, may_wait(p), at_once, ret_done);
}

enum sg_err eventpoll_woken(struct eventpoll *p, enum request_wake why)
{
    bool wait = why != SG_WAKE_DRAIN && may_wait(p), done = false;
    enum sg_err err = look(p, wait, true, &done);

    /* A poll that fell behind what is in memory: the others of this event loop do not wait for it.
     */
    if (err == SG_OK && !done)
        request_defer(p->request);
    return err;
}

void eventpoll_end(struct eventpoll *p)
{
    chat_listen_end(&p->listener);
}
