/* SPDX-License-Identifier: Apache-2.0 */
/* The last events of the log, in order, and those of each space in a chain, so that collecting for
 * one space looks at no other. It never shows a gap: who is behind it is told so. */
#include "core/hub_internal.h"

#include <assert.h>

#define LOOK_MAX 16 /* events of a space that are looked at before something is taken for news */

static bool wants_event(const struct hub_waiter *w, const struct event *e)
{
    return (w->types & 1u << e->type) != 0;
}

static size_t size_of(const struct event *e)
{
    return sizeof *e + e->len + 1;
}

static void evict(struct hub *h)
{
    struct hub_slot *slot = hub_ring_slot(h, ++h->floor);
    struct hub_space *s = slot->space;

    s->floor = h->floor;
    if (slot->behind != 0)
        hub_ring_slot(h, slot->behind)->before = 0;
    else
        s->newest = 0;
    h->bytes -= size_of(slot->event);
    event_unref(slot->event);
    hub_space_unref(h, s);
    *slot = (struct hub_slot){.event = NULL};
}

static void cut(struct hub *h, uint64_t seq)
{
    while (h->floor < seq)
        evict(h);
}

void hub_ring_fini(struct hub *h)
{
    cut(h, h->head);
}

/* Nothing is known of what came before `seq`. */
static void restart(struct hub *h, uint64_t seq)
{
    cut(h, h->head);
    h->head = h->floor = h->gap = seq;
}

/* A message that is changed takes what the ring has of its texts with it. */
static void forget(struct hub *h, const struct hub_space *s, uint64_t target)
{
    for (uint64_t seq = s->newest; seq >= target && seq != 0; seq = hub_ring_slot(h, seq)->before) {
        const struct event *e = hub_ring_slot(h, seq)->event;

        if (e->seq == target || e->target == target) {
            cut(h, seq);
            return;
        }
    }
}

void hub_ring_add(struct hub *h, struct event *e)
{
    struct hub_slot *slot;
    struct hub_space *s;

    assert(e->seq > h->head);
    if (e->seq != h->head + 1)
        restart(h, e->seq - 1);
    s = hub_space_get(h, e->space_id);
    if (s == NULL) {
        restart(h, e->seq);
        return;
    }
    if (e->target != 0)
        forget(h, s, e->target);
    while (h->head > h->floor &&
           (h->head - h->floor >= SG_HUB_EVENTS || h->bytes + size_of(e) > SG_HUB_EVENT_BYTES))
        evict(h);
    slot = hub_ring_slot(h, e->seq);
    *slot = (struct hub_slot){.event = e, .space = s, .before = s->newest};
    event_ref(e);
    if (s->newest != 0)
        hub_ring_slot(h, s->newest)->behind = e->seq;
    s->newest = h->head = e->seq;
    h->bytes += size_of(e);
    hub_wake_dirty(h, s);
}

bool hub_ring_behind(const struct hub *h, const struct hub_waiter *w)
{
    const struct hub_space *s;

    if (w->after >= h->floor)
        return false;
    if (w->after < h->gap)
        return true;
    if (w->space_id != 0) {
        s = w->space != NULL ? w->space : hub_space_find(h, w->space_id);
        return s == NULL || w->after < s->floor;
    }
    /* Others filled the ring while there was nothing in its own spaces. */
    for (size_t i = 0; i < w->view->count; i++) {
        s = hub_space_find(h, w->view->space[i].id);
        if (s == NULL || w->after < s->floor)
            return true;
    }
    return false;
}

bool hub_ring_space_news(const struct hub *h, const struct hub_space *s, const struct hub_waiter *w)
{
    unsigned looked = 0;

    if (w->after < s->floor || w->after < h->gap)
        return true;
    for (uint64_t seq = s->newest; seq > w->after; seq = hub_ring_peek(h, seq)->before)
        if (wants_event(w, hub_ring_peek(h, seq)->event) || ++looked == LOOK_MAX)
            return true;
    return false;
}

static uint64_t start_of(const struct hub *h, const struct hub_waiter *w)
{
    return w->after > h->floor ? w->after : h->floor;
}

bool hub_ring_news(const struct hub *h, const struct hub_waiter *w)
{
    if (w->after >= h->head)
        return false;
    if (hub_ring_behind(h, w))
        return true;
    if (w->space_id != 0) {
        const struct hub_space *s = w->space != NULL ? w->space : hub_space_find(h, w->space_id);

        return s != NULL && hub_ring_space_news(h, s, w);
    }
    for (uint64_t seq = start_of(h, w) + 1; seq <= h->head; seq++) {
        const struct event *e = hub_ring_peek(h, seq)->event;

        if (wants_event(w, e) && hub_view_name(w->view, e->space_id) != NULL)
            return true;
    }
    return false;
}

/* What an answer may still hold. */
struct room {
    struct event **events;
    size_t max, bytes, used;
};

/* False when it does not fit. */
static bool put(struct room *room, struct event *e, struct hub_news *ret)
{
    if (ret->count == room->max || (ret->count > 0 && e->len > room->bytes - room->used)) {
        ret->more = true;
        return false;
    }
    event_ref(e);
    room->events[ret->count++] = e;
    room->used = e->len > room->bytes - room->used ? room->bytes : room->used + e->len;
    return true;
}

static void collect_space(struct hub *h, struct hub_waiter *w, struct room *room,
                          struct hub_news *ret)
{
    const struct hub_space *s = w->space != NULL ? w->space : hub_space_find(h, w->space_id);
    uint64_t first = 0;

    for (uint64_t seq = s != NULL ? s->newest : 0; seq > w->after;
         seq = hub_ring_slot(h, seq)->before)
        first = seq;
    for (uint64_t seq = first; seq != 0; seq = hub_ring_slot(h, seq)->behind) {
        struct event *e = hub_ring_slot(h, seq)->event;

        if (wants_event(w, e) && !put(room, e, ret))
            return;
        w->after = seq;
    }
}

static void collect_view(struct hub *h, struct hub_waiter *w, struct room *room,
                         struct hub_news *ret)
{
    for (uint64_t seq = start_of(h, w) + 1; seq <= h->head; seq++) {
        struct event *e = hub_ring_slot(h, seq)->event;

        if (wants_event(w, e) && hub_view_name(w->view, e->space_id) != NULL && !put(room, e, ret))
            return;
        w->after = seq;
    }
}

void hub_ring_collect(struct hub *h, struct hub_waiter *w, size_t max, size_t bytes,
                      struct event **events, struct hub_news *ret)
{
    struct room room = {.events = events, .max = max, .bytes = bytes};

    if (w->after >= h->head)
        return;
    if (hub_ring_behind(h, w)) {
        ret->behind = true;
        return;
    }
    if (w->space_id != 0)
        collect_space(h, w, &room, ret);
    else
        collect_view(h, w, &room, ret);
    if (!ret->more)
        w->after = h->head;
}
