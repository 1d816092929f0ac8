/* SPDX-License-Identifier: Apache-2.0 */
/* Who listens in which space, with a grace for those who are between two polls, and who is told of
 * it. The same record leads from a space to those who listen to all of theirs. It wakes nobody. */
#include "core/hub_internal.h"

#include <stdlib.h>
#include <string.h>

/* -- one user in one space -----------------------------------------------------------------------
 */
static struct hub_here *here_find(const struct hub *h, int64_t space_id, const struct hub_user *u)
{
    return (struct hub_here *)hub_table_find(&h->heres, (uint64_t)space_id, u->node.a);
}

static enum sg_err here_enter(struct hub *h, int64_t space_id, struct hub_user *u)
{
    bool made = false;
    struct hub_here *here =
        hub_table_get(&h->heres, (uint64_t)space_id, u->node.a, sizeof *here, &made);

    if (here == NULL)
        return SG_ERR_NO_MEMORY;
    if (made) {
        here->space = hub_space_get(h, space_id);
        if (here->space == NULL) {
            hub_table_remove(&h->heres, &here->node);
            return SG_ERR_NO_MEMORY;
        }
        here->user = u;
        u->refs++;
        here->since_ns = clock_now_ns();
        hub_list_init(&here->of_idle);
        hub_list_add(here->space->heres.next, &here->of_space);
        here->space->present++;
        if (hub_list_empty(&h->joined))
            hub_wake_signal(h);
        hub_list_add(&h->joined, &here->of_joined);
    }
    if (here->count++ == 0)
        hub_list_remove(&here->of_idle);
    return SG_OK;
}

static void here_leave(struct hub *h, struct hub_here *here, bool grace)
{
    if (--here->count > 0)
        return;
    if (hub_list_empty(&h->idle) || !grace)
        hub_wake_signal(h);
    here->until_ns =
        grace ? clock_monotonic_ns() + h->config.presence_grace_ms * SG_NS_PER_MS : INT64_MIN;
    hub_list_add(grace ? &h->idle : h->idle.next, &here->of_idle);
}

bool hub_presence_announced(const struct hub_space *s)
{
    return s->present > 0 && s->present <= SG_PRESENCE_ANNOUNCED;
}

static void here_end(struct hub *h, struct hub_here *here)
{
    struct hub_space *s = here->space;
    struct hub_user *u = here->user;

    hub_list_remove(&here->of_space);
    hub_list_remove(&here->of_idle);
    s->present--;
    if (hub_list_in(&here->of_joined))
        hub_list_remove(&here->of_joined);
    else if (hub_presence_announced(s))
        hub_notes_add(h, SG_NOTE_PRESENCE_LEFT, s, (int64_t)u->node.a, u->name);
    hub_table_remove(&h->heres, &here->node);
    hub_space_unref(h, s);
    hub_user_unref(h, u);
}

/* -- one user in all of his spaces ---------------------------------------------------------------
 */
static bool same_spaces(const struct hub_view *a, const struct hub_view *b)
{
    if (a == b)
        return true;
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->space[i].id != b->space[i].id)
            return false;
    return true;
}

/* Out of the first `count` spaces of a view. */
static void leave_spaces(struct hub *h, struct hub_user *u, const struct hub_view *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        here_leave(h, here_find(h, v->space[i].id, u), false);
}

static void watch_end(struct hub *h, struct hub_watch *watch)
{
    struct hub_user *u = watch->user;

    leave_spaces(h, u, watch->view, watch->view->count);
    hub_list_remove(&watch->of_user);
    hub_list_remove(&watch->of_idle);
    hub_view_unref(watch->view);
    free(watch);
    hub_user_unref(h, u);
}

/* One that is idle, and that another takes the place of, has no grace. */
static void expire_idle(struct hub *h, struct hub_user *u)
{
    for (struct hub_link *l = u->watches.next; l != &u->watches; l = l->next) {
        struct hub_watch *watch = HUB_OF(l, struct hub_watch, of_user);

        if (watch->count == 0) {
            watch->until_ns = INT64_MIN;
            hub_list_remove(&watch->of_idle);
            hub_list_add(h->idle_watches.next, &watch->of_idle);
            hub_wake_signal(h);
        }
    }
}

static enum sg_err watch_new(struct hub *h, struct hub_user *u, struct hub_view *v,
                             struct hub_watch **ret)
{
    struct hub_watch *watch = calloc(1, sizeof *watch);

    if (watch == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < v->count; i++) {
        enum sg_err err = here_enter(h, v->space[i].id, u);

        if (err) {
            leave_spaces(h, u, v, i);
            free(watch);
            return err;
        }
    }
    expire_idle(h, u);
    watch->user = u;
    u->refs++;
    watch->view = v;
    hub_view_ref(v);
    hub_list_init(&watch->of_idle);
    hub_list_add(&u->watches, &watch->of_user);
    *ret = watch;
    return SG_OK;
}

static enum sg_err watch_enter(struct hub *h, struct hub_waiter *w)
{
    struct hub_watch *watch = NULL;

    for (struct hub_link *l = w->owner->watches.next; l != &w->owner->watches; l = l->next) {
        watch = HUB_OF(l, struct hub_watch, of_user);
        if (same_spaces(watch->view, w->view))
            break;
        watch = NULL;
    }
    if (watch == NULL) {
        enum sg_err err = watch_new(h, w->owner, w->view, &watch);

        if (err)
            return err;
    } else if (watch->view != w->view) {
        hub_view_ref(w->view);
        hub_view_unref(watch->view);
        watch->view = w->view;
    }
    if (watch->count++ == 0)
        hub_list_remove(&watch->of_idle);
    w->watch = watch;
    return SG_OK;
}

static void watch_leave(struct hub *h, struct hub_watch *watch)
{
    if (--watch->count > 0)
        return;
    if (hub_list_empty(&h->idle_watches))
        hub_wake_signal(h);
    watch->until_ns = clock_monotonic_ns() + h->config.presence_grace_ms * SG_NS_PER_MS;
    hub_list_add(&h->idle_watches, &watch->of_idle);
}

/* -- waiters -------------------------------------------------------------------------------------
 */
enum sg_err hub_presence_enter(struct hub *h, struct hub_waiter *w)
{
    enum sg_err err;

    if (w->space_id == 0)
        return watch_enter(h, w);
    w->space = hub_space_get(h, w->space_id);
    if (w->space == NULL)
        return SG_ERR_NO_MEMORY;
    err = here_enter(h, w->space_id, w->owner);
    if (err) {
        hub_space_unref(h, w->space);
        w->space = NULL;
    }
    return err;
}

void hub_presence_leave(struct hub *h, struct hub_waiter *w)
{
    if (w->watch != NULL) {
        watch_leave(h, w->watch);
    } else {
        here_leave(h, here_find(h, w->space_id, w->owner), true);
        hub_space_unref(h, w->space);
    }
    w->watch = NULL;
    w->space = NULL;
}

enum sg_err hub_presence_follow(struct hub *h, struct hub_waiter *w)
{
    struct hub_watch *old = w->watch;
    enum sg_err err;

    if (old == NULL || old->view == w->view)
        return SG_OK;
    err = watch_enter(h, w);
    if (err)
        return err;
    watch_leave(h, old);
    if (old->count == 0 && old != w->watch)
        expire_idle(h, w->owner);
    return SG_OK;
}

/* -- announcing ----------------------------------------------------------------------------------
 */
static struct hub_here *idle_here(const struct hub *h)
{
    return hub_list_empty(&h->idle) ? NULL : HUB_OF(h->idle.next, struct hub_here, of_idle);
}

static struct hub_watch *idle_watch(const struct hub *h)
{
    return hub_list_empty(&h->idle_watches)
               ? NULL
               : HUB_OF(h->idle_watches.next, struct hub_watch, of_idle);
}

int64_t hub_presence_next(const struct hub *h)
{
    const struct hub_here *here = idle_here(h);
    const struct hub_watch *watch = idle_watch(h);
    int64_t next = INT64_MAX;

    if (h->in_batch)
        return INT64_MIN;
    if (here != NULL)
        next = here->until_ns;
    if (watch != NULL && watch->until_ns < next)
        next = watch->until_ns;
    if (!hub_list_empty(&h->joined))
        next = INT64_MIN;
    return next > h->announce_ns ? next : h->announce_ns;
}

/* The next thing of a batch; false at its end. */
static bool batch_next(struct hub *h, int64_t now_ns)
{
    if (!hub_list_empty(&h->announcing)) {
        struct hub_here *here = HUB_OF(h->announcing.next, struct hub_here, of_joined);

        hub_list_remove(&here->of_joined);
        if (hub_presence_announced(here->space))
            hub_notes_add(h, SG_NOTE_PRESENCE_JOINED, here->space, (int64_t)here->user->node.a,
                          here->user->name);
        return true;
    }
    if (idle_watch(h) != NULL && idle_watch(h)->until_ns <= now_ns) {
        watch_end(h, idle_watch(h));
        return true;
    }
    if (idle_here(h) != NULL && idle_here(h)->until_ns <= now_ns) {
        here_end(h, idle_here(h));
        return true;
    }
    return false;
}

bool hub_presence_step(struct hub *h, int64_t now_ns)
{
    if (hub_presence_next(h) > now_ns)
        return false;
    if (!h->in_batch) {
        h->in_batch = true;
        hub_list_splice(&h->announcing, &h->joined);
    }
    for (unsigned i = 0; i < SG_HUB_BATCH; i++) {
        if (!batch_next(h, now_ns)) {
            h->in_batch = false;
            h->announce_ns = now_ns + SG_HUB_ANNOUNCE_NS;
            break;
        }
    }
    return true;
}

void hub_presence_fini(struct hub *h)
{
    while (idle_watch(h) != NULL)
        watch_end(h, idle_watch(h));
    while (idle_here(h) != NULL)
        here_end(h, idle_here(h));
}

/* -- asking --------------------------------------------------------------------------------------
 */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct hub_present *)a)->user, ((const struct hub_present *)b)->user);
}

size_t hub_presence(struct hub *h, int64_t space_id, struct hub_present *ret, size_t max)
{
    struct hub_present *all = NULL;
    struct hub_space *s;
    size_t count = 0;

    hub_lock(h);
    s = hub_space_find(h, space_id);
    if (s != NULL && s->present > 0)
        all = calloc(s->present, sizeof *all);
    for (struct hub_link *l = all != NULL ? s->heres.next : NULL; l != NULL && l != &s->heres;
         l = l->next) {
        const struct hub_here *here = HUB_OF(l, struct hub_here, of_space);

        if (here->user == NULL)
            continue;
        memcpy(all[count].user, here->user->name, sizeof all[count].user);
        all[count++].since_ns = here->since_ns;
    }
    hub_unlock(h);
    if (all == NULL)
        return 0;
    qsort(all, count, sizeof *all, by_name);
    if (count > max)
        count = max;
    memcpy(ret, all, count * sizeof *all);
    free(all);
    return count;
}
