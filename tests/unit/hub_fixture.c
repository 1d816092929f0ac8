/* SPDX-License-Identifier: Apache-2.0 */
/* Events, views and listeners for tests of the hub. */
#include "hub_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct hub *hub_fixture_new(uint64_t head, unsigned grace_ms)
{
    struct hub_config config = {.waiters = 10000, .presence_grace_ms = grace_ms};
    struct hub *h = NULL;

    assert_int_equal(hub_new(&config, head, &h), SG_OK);
    return h;
}

struct event *hub_fixture_event(uint64_t seq, int64_t space_id, enum event_type type,
                                uint64_t target, size_t len)
{
    struct event *e = calloc(1, sizeof *e + len + 1);

    assert_non_null(e);
    atomic_init(&e->refs, 1);
    e->seq = seq;
    e->space_id = space_id;
    e->type = type;
    e->target = target;
    e->len = len;
    memset(e->json, 'x', len);
    return e;
}

void hub_fixture_publish_as(struct hub *h, uint64_t seq, int64_t space_id, enum event_type type,
                            uint64_t target)
{
    struct event *e = hub_fixture_event(seq, space_id, type, target, 10);

    hub_publish(h, &e, 1);
    event_unref(e);
}

void hub_fixture_publish(struct hub *h, uint64_t seq, int64_t space_id)
{
    hub_fixture_publish_as(h, seq, space_id, SG_EVENT_MESSAGE, 0);
}

struct hub_view *hub_fixture_view(int64_t first, ...)
{
    struct hub_view *v = calloc(1, sizeof *v + 64 * sizeof v->space[0]);
    va_list ap;

    assert_non_null(v);
    atomic_init(&v->refs, 1);
    va_start(ap, first);
    for (int64_t id = first; id != 0 && v->count < 64; id = va_arg(ap, int)) {
        v->space[v->count].name[0] = (char)('a' + id);
        v->space[v->count++].id = id;
    }
    va_end(ap);
    return v;
}

static void on_wake(struct hub_waiter *w)
{
    struct listener *l = (struct listener *)w;

    atomic_fetch_add(&l->wakes, 1);
    sem_post(&l->woken);
}

void listener_init(struct listener *l, int64_t user_id, const char *user, int64_t space_id,
                   struct hub_view *view)
{
    memset(l, 0, sizeof *l);
    l->w.wake = on_wake;
    l->w.user_id = user_id;
    l->w.user = user;
    l->w.space_id = space_id;
    l->w.view = view;
    l->w.types = HUB_ALL_EVENTS;
    assert_int_equal(sem_init(&l->woken, 0, 0), 0);
}

static void forget(struct listener *l)
{
    for (size_t i = 0; i < l->news.count; i++)
        event_unref(l->events[i]);
    l->news = (struct hub_news){.count = 0};
}

void listener_collect_bytes(struct listener *l, struct hub *h, size_t bytes)
{
    forget(l);
    hub_collect(h, &l->w, 16, bytes, l->events, 16, l->notes, &l->news);
}

void listener_collect(struct listener *l, struct hub *h)
{
    listener_collect_bytes(l, h, 1 << 20);
}

void listener_wait(struct listener *l, struct hub *h)
{
    assert_true(hub_wait(h, &l->w));
}

bool listener_woken(struct listener *l)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 20;
    while (sem_timedwait(&l->woken, &at) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

bool listener_asleep(struct listener *l)
{
    hub_fixture_sleep_ms(30);
    return sem_trywait(&l->woken) != 0;
}

void listener_fini(struct listener *l, struct hub *h)
{
    hub_leave(h, &l->w);
    forget(l);
    sem_destroy(&l->woken);
}

void hub_fixture_sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    while (nanosleep(&t, &t) != 0)
        continue;
}
