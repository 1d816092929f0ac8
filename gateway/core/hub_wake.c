/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that wakes. It holds the lock for a batch of small steps, lets the others in, and
 * sleeps when nothing is left to do and nothing is to be announced later. */
#include "core/hub_internal.h"

#include <sched.h>

#include "base/metrics.h"

#define LET_IN_SPINS 2000 /* some 50 us, for one that must be woken first */

void hub_wake_signal(struct hub *h)
{
    if (h->asleep)
        pthread_cond_signal(&h->work);
    h->asleep = false;
}

void hub_wake_dirty(struct hub *h, struct hub_space *s)
{
    if (s->dirty || (hub_list_empty(&s->waiting) && hub_list_empty(&s->heres)))
        return;
    s->dirty = true;
    s->refs++;
    hub_list_add(&h->dirty, &s->of_dirty);
    hub_wake_signal(h);
}

static void wake(struct hub_waiter *w)
{
    w->waiting = false;
    w->wake(w);
}

static void wake_now(struct hub *h)
{
    unsigned count = 0;

    for (; count < SG_HUB_BATCH && !hub_list_empty(&h->now); count++) {
        struct hub_link *link = h->now.next;

        hub_list_remove(link);
        wake(HUB_OF(link, struct hub_waiter, of_wait));
    }
    metrics_add(SG_METRIC_EVENT_WAKES, count);
}

static bool concerned(const struct hub *h, const struct hub_waiter *w)
{
    const struct hub_space *s = h->walked;

    if (hub_recheck_due(h, w))
        return true;
    if (w->watch != NULL && hub_view_name(w->watch->view, (int64_t)s->node.a) == NULL)
        return false;
    return hub_ring_space_news(h, s, w) || hub_notes_news(h, w, s);
}

static void wake_due(struct hub *h)
{
    unsigned count = 0;

    for (unsigned i = 0; i < SG_HUB_BATCH && !hub_list_empty(&h->due); i++) {
        struct hub_link *link = h->due.next;
        struct hub_waiter *w = HUB_OF(link, struct hub_waiter, of_wait);

        hub_list_remove(link);
        if (concerned(h, w)) {
            wake(w);
            count++;
        } else {
            hub_list_add(w->space != NULL ? &w->space->waiting : &w->owner->waiting, link);
        }
    }
    metrics_add(SG_METRIC_EVENT_WAKES, count);
}

static void walk_begin(struct hub *h)
{
    struct hub_space *s = HUB_OF(h->dirty.next, struct hub_space, of_dirty);

    hub_list_remove(&s->of_dirty);
    s->dirty = false;
    h->walked = s;
    hub_list_splice(&h->due, &s->waiting);
    hub_list_add(s->heres.next, &h->mark.of_space);
}

/* On to the next users who listen to all of their spaces. New ones come before the mark and have
 * seen the news; whoever is put back after it is due again only for later news. */
static void walk_on(struct hub *h)
{
    struct hub_space *s = h->walked;

    for (unsigned i = 0; i < SG_HUB_BATCH && h->mark.of_space.next != &s->heres; i++) {
        struct hub_link *next = h->mark.of_space.next;

        hub_list_splice(&h->due, &HUB_OF(next, struct hub_here, of_space)->user->waiting);
        hub_list_remove(&h->mark.of_space);
        hub_list_add(next->next, &h->mark.of_space);
    }
    if (h->mark.of_space.next == &s->heres && hub_list_empty(&h->due)) {
        hub_list_remove(&h->mark.of_space);
        h->walked = NULL;
        hub_space_unref(h, s);
    }
}

/* Does a batch of what is most urgent; false when there is nothing. */
static bool step(struct hub *h)
{
    if (!hub_list_empty(&h->now))
        wake_now(h);
    else if (!hub_list_empty(&h->due))
        wake_due(h);
    else if (h->walked != NULL)
        walk_on(h);
    else if (hub_presence_step(h, clock_monotonic_ns()))
        return true;
    else if (!hub_list_empty(&h->dirty))
        walk_begin(h);
    else
        return false;
    return true;
}

static void let_in(struct hub *h)
{
    unsigned before = atomic_load_explicit(&h->let_in, memory_order_relaxed);

    hub_unlock(h);
    for (unsigned i = 0; i < LET_IN_SPINS; i++) {
        if (atomic_load_explicit(&h->wanting, memory_order_relaxed) == 0 ||
            atomic_load_explicit(&h->let_in, memory_order_relaxed) != before)
            break;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    pthread_mutex_lock(&h->lock);
}

static void sleep_until(struct hub *h, int64_t ns)
{
    struct timespec at = {.tv_sec = ns / SG_NS_PER_S, .tv_nsec = ns % SG_NS_PER_S};

    h->asleep = true;
    if (ns == INT64_MAX)
        pthread_cond_wait(&h->work, &h->lock);
    else
        pthread_cond_timedwait(&h->work, &h->lock, &at);
    h->asleep = false;
}

void *hub_wake_run(void *hub)
{
    struct hub *h = hub;

    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        if (step(h))
            let_in(h);
        else
            sleep_until(h, hub_presence_next(h));
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}
