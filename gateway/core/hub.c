/* SPDX-License-Identifier: Apache-2.0 */
/* Entering, collecting, waiting and rechecks. It wakes nobody itself (hub_wake.c) and remembers
 * nobody who has left. */
#include "core/hub_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/place.h"
#include "base/thread.h"

/* -- views ---------------------------------------------------------------------------------------
 */
void hub_view_ref(struct hub_view *v)
{
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
}

void hub_view_unref(struct hub_view *v)
{
    if (v != NULL && atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) == 1)
        free(v);
}

const char *hub_view_name(const struct hub_view *v, int64_t space_id)
{
    size_t low = 0, high = v->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (v->space[middle].id == space_id)
            return v->space[middle].name;
        if (v->space[middle].id < space_id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* -- life ----------------------------------------------------------------------------------------
 */
static enum sg_err start(struct hub *h)
{
    pthread_condattr_t monotonic;
    pthread_mutexattr_t adaptive;
    enum sg_err err;

    pthread_mutexattr_init(&adaptive);
    pthread_mutexattr_settype(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&h->lock, &adaptive);
    pthread_mutexattr_destroy(&adaptive);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&h->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    err = thread_start(&h->thread, hub_wake_run, h);
    if (err == SG_OK)
        return SG_OK;
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
    return err;
}

enum sg_err hub_new(const struct hub_config *config, uint64_t head, struct hub **ret)
{
    struct hub *h = calloc(1, sizeof *h);
    enum sg_err err;

    if (h == NULL)
        return SG_ERR_NO_MEMORY;
    h->config = *config;
    h->head = h->floor = head;
    hub_table_init(&h->spaces);
    hub_table_init(&h->users);
    hub_table_init(&h->addresses);
    hub_table_init(&h->heres);
    hub_list_init(&h->now);
    hub_list_init(&h->due);
    hub_list_init(&h->dirty);
    hub_list_init(&h->joined);
    hub_list_init(&h->idle);
    hub_list_init(&h->idle_watches);
    hub_list_init(&h->announcing);
    h->announce_ns = clock_monotonic_ns();
    err = start(h);
    if (err) {
        free(h);
        return err;
    }
    *ret = h;
    return SG_OK;
}

void hub_free(struct hub *h)
{
    if (h == NULL)
        return;
    hub_lock(h);
    assert(h->entered == 0);
    h->stop = true;
    hub_wake_signal(h);
    hub_unlock(h);
    pthread_join(h->thread, NULL);
    hub_ring_fini(h);
    hub_presence_fini(h);
    hub_table_fini(&h->heres);
    hub_table_fini(&h->addresses);
    hub_table_fini(&h->users);
    hub_table_fini(&h->spaces);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* -- spaces and users ----------------------------------------------------------------------------
 */
struct hub_space *hub_space_find(const struct hub *h, int64_t id)
{
    return (struct hub_space *)hub_table_find(&h->spaces, (uint64_t)id, 0);
}

struct hub_space *hub_space_get(struct hub *h, int64_t id)
{
    bool made = false;
    struct hub_space *s = hub_table_get(&h->spaces, (uint64_t)id, 0, sizeof *s, &made);

    if (s == NULL)
        return NULL;
    if (made) {
        s->floor = h->floor;
        hub_list_init(&s->waiting);
        hub_list_init(&s->heres);
    }
    s->refs++;
    return s;
}

void hub_space_unref(struct hub *h, struct hub_space *s)
{
    if (--s->refs == 0)
        hub_table_remove(&h->spaces, &s->node);
}

struct hub_user *hub_user_get(struct hub *h, int64_t id, const char *name)
{
    bool made = false;
    struct hub_user *u = hub_table_get(&h->users, (uint64_t)id, 0, sizeof *u, &made);

    if (u == NULL)
        return NULL;
    if (made) {
        (void)snprintf(u->name, sizeof u->name, "%s", name);
        hub_list_init(&u->waiters);
        hub_list_init(&u->waiting);
        hub_list_init(&u->watches);
    }
    u->refs++;
    return u;
}

void hub_user_unref(struct hub *h, struct hub_user *u)
{
    if (--u->refs == 0)
        hub_table_remove(&h->users, &u->node);
}

/* -- addresses -----------------------------------------------------------------------------------
 */
/* The text of a place as two numbers: an IPv4 address is at most 15 characters, the rest four
 * groups of 16 bits. */
static void place_key(const char *address, uint64_t ret[2])
{
    char text[SG_PLACE_SIZE];
    char *at = text;

    place_text(address, text);
    ret[0] = ret[1] = 0;
    if (strchr(text, ':') == NULL) {
        memcpy(ret, text, strnlen(text, 16));
        return;
    }
    ret[1] = UINT64_MAX;
    for (unsigned i = 0; i < 4; i++, at++)
        ret[0] = ret[0] << 16 | strtoul(at, &at, 16);
}

static enum sg_err count_address(struct hub *h, struct hub_waiter *w)
{
    uint64_t key[2];
    struct hub_address *a;

    if (h->config.waiters_per_address == 0 || w->address == NULL)
        return SG_OK;
    place_key(w->address, key);
    a = hub_table_get(&h->addresses, key[0], key[1], sizeof *a, NULL);
    if (a == NULL)
        return SG_ERR_NO_MEMORY;
    if (a->entered >= h->config.waiters_per_address)
        return SG_ERR_TOO_MANY_WAITERS;
    a->entered++;
    w->counted = a;
    return SG_OK;
}

static void uncount_address(struct hub *h, struct hub_waiter *w)
{
    if (w->counted != NULL && --w->counted->entered == 0)
        hub_table_remove(&h->addresses, &w->counted->node);
    w->counted = NULL;
}

/* -- entering and leaving ------------------------------------------------------------------------
 */
static enum sg_err enter(struct hub *h, struct hub_waiter *w)
{
    enum sg_err err;

    if (h->entered >= h->config.waiters ||
        (h->config.waiters_per_user != 0 && w->owner->entered >= h->config.waiters_per_user))
        return SG_ERR_TOO_MANY_WAITERS;
    err = count_address(h, w);
    if (err)
        return err;
    err = hub_presence_enter(h, w);
    if (err) {
        uncount_address(h, w);
        return err;
    }
    h->entered++;
    w->owner->entered++;
    w->rechecked = h->rechecks;
    w->waiting = false;
    w->entered = true;
    hub_list_init(&w->of_wait);
    hub_list_add(&w->owner->waiters, &w->of_user);
    return SG_OK;
}

enum sg_err hub_enter(struct hub *h, struct hub_waiter *w)
{
    enum sg_err err = SG_ERR_NO_MEMORY;

    assert(!w->entered && w->wake != NULL && (w->space_id != 0 || w->view != NULL));
    w->space = NULL;
    w->watch = NULL;
    w->counted = NULL;
    hub_lock(h);
    w->owner = hub_user_get(h, w->user_id, w->user);
    if (w->owner != NULL) {
        err = enter(h, w);
        if (err)
            hub_user_unref(h, w->owner);
    }
    hub_unlock(h);
    if (!err)
        metrics_add(SG_METRIC_WAITERS, 1);
    return err;
}

static void stop_waiting(struct hub_waiter *w)
{
    if (w->waiting)
        hub_list_remove(&w->of_wait);
    w->waiting = false;
}

void hub_leave(struct hub *h, struct hub_waiter *w)
{
    if (!w->entered)
        return;
    hub_lock(h);
    stop_waiting(w);
    hub_list_remove(&w->of_user);
    hub_presence_leave(h, w);
    uncount_address(h, w);
    h->entered--;
    w->owner->entered--;
    hub_user_unref(h, w->owner);
    w->owner = NULL;
    w->entered = false;
    hub_unlock(h);
    metrics_add(SG_METRIC_WAITERS, -1);
}

unsigned hub_count(struct hub *h)
{
    unsigned count;

    hub_lock(h);
    count = h->entered;
    hub_unlock(h);
    return count;
}

/* -- events --------------------------------------------------------------------------------------
 */
void hub_publish(void *hub, struct event *const *events, size_t count)
{
    struct hub *h = hub;

    hub_lock(h);
    for (size_t i = 0; i < count; i++)
        hub_ring_add(h, events[i]);
    hub_unlock(h);
    metrics_add(SG_METRIC_EVENTS, (int64_t)count);
}

uint64_t hub_position(struct hub *h)
{
    uint64_t position;

    hub_lock(h);
    position = h->head;
    hub_unlock(h);
    return position;
}

uint64_t hub_note_position(struct hub *h)
{
    uint64_t position;

    hub_lock(h);
    position = h->note_head;
    hub_unlock(h);
    return position;
}

void hub_collect(struct hub *h, struct hub_waiter *w, size_t max, size_t bytes,
                 struct event **events, size_t max_notes, struct hub_note *notes,
                 struct hub_news *ret)
{
    struct hub_news news = {.count = 0};

    hub_lock(h);
    if (w->entered) {
        stop_waiting(w);
        news.recheck = hub_recheck_due(h, w);
        w->rechecked = h->rechecks;
    }
    if (!news.recheck)
        hub_ring_collect(h, w, max, bytes, events, &news);
    if (!news.recheck && !news.behind)
        hub_notes_collect(h, w, max_notes, notes, &news);
    hub_unlock(h);
    *ret = news;
}

bool hub_wait(struct hub *h, struct hub_waiter *w)
{
    bool waits;

    hub_lock(h);
    assert(w->entered);
    stop_waiting(w);
    if (!hub_recheck_due(h, w) && hub_presence_follow(h, w) == SG_OK && !hub_ring_news(h, w) &&
        !hub_notes_news(h, w, w->space)) {
        /* At the front: a walk in progress is for news that it has seen. */
        hub_list_add(w->space != NULL ? w->space->waiting.next : w->owner->waiting.next,
                     &w->of_wait);
        w->waiting = true;
    }
    waits = w->waiting; /* it may be woken as soon as the lock is free */
    hub_unlock(h);
    return waits;
}

void hub_typing(struct hub *h, int64_t space_id, int64_t user_id, const char *user)
{
    struct hub_space *s;

    hub_lock(h);
    s = hub_space_find(h, space_id);
    if (s != NULL && hub_presence_announced(s) && !hub_notes_typed(h, s, user_id))
        hub_notes_add(h, SG_NOTE_TYPING, s, user_id, user);
    hub_unlock(h);
}

/* -- rechecks ------------------------------------------------------------------------------------
 */
bool hub_recheck_due(const struct hub *h, const struct hub_waiter *w)
{
    return h->recheck_all > w->rechecked || w->owner->recheck > w->rechecked ||
           (w->space != NULL && w->space->recheck > w->rechecked);
}

void hub_recheck_user(struct hub *h, int64_t user_id)
{
    struct hub_user *u;

    hub_lock(h);
    u = (struct hub_user *)hub_table_find(&h->users, (uint64_t)user_id, 0);
    if (u != NULL) {
        u->recheck = ++h->rechecks;
        for (struct hub_link *l = u->waiters.next; l != &u->waiters; l = l->next) {
            struct hub_waiter *w = HUB_OF(l, struct hub_waiter, of_user);

            if (w->waiting) {
                hub_list_remove(&w->of_wait);
                hub_list_add(&h->now, &w->of_wait);
            }
        }
        hub_wake_signal(h);
    }
    hub_unlock(h);
}

void hub_recheck_space(struct hub *h, int64_t space_id)
{
    struct hub_space *s;

    hub_lock(h);
    s = hub_space_find(h, space_id);
    if (s != NULL) {
        s->recheck = ++h->rechecks;
        hub_list_splice(&h->now, &s->waiting);
        for (struct hub_link *l = s->heres.next; l != &s->heres; l = l->next) {
            struct hub_user *u = HUB_OF(l, struct hub_here, of_space)->user;

            if (u == NULL || hub_list_empty(&u->watches))
                continue;
            u->recheck = h->rechecks;
            hub_list_splice(&h->now, &u->waiting);
        }
        hub_wake_signal(h);
    }
    hub_unlock(h);
}

void hub_recheck_all(struct hub *h)
{
    hub_lock(h);
    h->recheck_all = ++h->rechecks;
    for (size_t i = 0; i < h->spaces.size; i++)
        for (struct hub_node *n = h->spaces.buckets[i]; n != NULL; n = n->chain)
            hub_list_splice(&h->now, &((struct hub_space *)n)->waiting);
    for (size_t i = 0; i < h->users.size; i++)
        for (struct hub_node *n = h->users.buckets[i]; n != NULL; n = n->chain)
            hub_list_splice(&h->now, &((struct hub_user *)n)->waiting);
    hub_wake_signal(h);
    hub_unlock(h);
}
