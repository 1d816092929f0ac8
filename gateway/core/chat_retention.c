/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: removing old events in small steps, and knowing up to where that has gone. It never
 * lets a poll believe that less was removed than was.
 */
#include "core/chat_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define SPACES_PAGE 64
#define BATCH       500 /* events removed in one transaction */
#define BATCHES     20  /* transactions in one call */

/* -- what has been pruned -----------------------------------------------------------------------
 */

/* Where the space is in the list, or would be. Lock held. */
static size_t place_of(const struct chat_retention *r, int64_t space_id)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->list[middle].space_id < space_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* `seq` SG_CHAT_UNKNOWN: only the store knows. */
static enum sg_err note_pruned(struct chat_retention *r, int64_t space_id, uint64_t seq)
{
    enum sg_err err = SG_OK;
    pthread_mutex_lock(&r->lock);
    size_t at = place_of(r, space_id);
    bool there = at < r->count && r->list[at].space_id == space_id;
    if (!there && r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct chat_pruned *larger = realloc(r->list, room * sizeof(*larger));
        if (larger) {
            r->list = larger;
            r->room = room;
        } else {
            err = SG_ERR_NO_MEMORY;
        }
    }
    if (!err && !there)
        memmove(&r->list[at + 1], &r->list[at], (r->count++ - at) * sizeof(*r->list));
    if (!err)
        r->list[at] = (struct chat_pruned){space_id, seq};
    pthread_mutex_unlock(&r->lock);
    return err;
}

enum sg_err chat_retention_pruned(struct chat *c, int64_t space_id, uint64_t *ret)
{
    struct chat_retention *r = &c->retention;
    pthread_mutex_lock(&r->lock);
    size_t at = place_of(r, space_id);
    uint64_t seq = at < r->count && r->list[at].space_id == space_id ? r->list[at].seq : 0;
    pthread_mutex_unlock(&r->lock);
    if (seq == SG_CHAT_UNKNOWN) {
        struct event_range range;
        enum sg_err err = c->events.vt->range(c->events.self, space_id, &range);
        if (err && err != SG_ERR_NOT_FOUND)
            return err;
        seq = err ? 0 : range.pruned_seq;
    }
    *ret = seq;
    return SG_OK;
}

/* -- every space --------------------------------------------------------------------------------
 */

/* Calls `each` for every space after `after` until it fails. */
static enum sg_err
walk(struct chat *c, int64_t after,
     enum sg_err (*each)(struct chat *c, const struct space_retention *space, void *ctx), void *ctx)
{
    struct space_retention page[SPACES_PAGE];
    size_t count = SPACES_PAGE;
    enum sg_err err = SG_OK;
    while (!err && count == SPACES_PAGE) {
        err = spaces_retentions(c->spaces, after, SPACES_PAGE, page, &count);
        for (size_t i = 0; !err && i < count; i++) {
            after = page[i].id;
            err = each(c, &page[i], ctx);
        }
    }
    return err;
}

static enum sg_err load_one(struct chat *c, const struct space_retention *space, void *ctx)
{
    (void)ctx;
    return space->pruned_seq ? note_pruned(&c->retention, space->id, space->pruned_seq) : SG_OK;
}

enum sg_err chat_retention_init(struct chat *c)
{
    pthread_mutex_init(&c->retention.lock, NULL);
    return walk(c, 0, load_one, NULL);
}

void chat_retention_fini(struct chat *c)
{
    free(c->retention.list);
    pthread_mutex_destroy(&c->retention.lock);
}

/* -- pruning ------------------------------------------------------------------------------------
 */

struct pass {
    int64_t now_ns;
    int64_t last;     /* the space before which everything has been looked at */
    unsigned batches; /* left */
};
#define PASS_IS_OVER SG_ERR_OVERLOADED

/* Whether there is anything to remove, by two reads: most often there is not, and a transaction
 * costs a flush of the disk. */
static enum sg_err is_due(struct chat *c, const struct space_retention *space, int64_t before_ns,
                          uint64_t keep, bool *ret)
{
    struct event_range range;
    struct event *oldest = NULL;
    size_t count = 0;
    uint64_t seq;
    *ret = false;
    enum sg_err err = c->events.vt->range(c->events.self, space->id, &range);
    if (err || range.head_seq == range.pruned_seq)
        return err == SG_ERR_NOT_FOUND ? SG_OK : err;
    if (keep > 0 && range.count > keep) {
        *ret = true;
        return SG_OK;
    }
    if (before_ns == 0)
        return SG_OK;
    const struct event_query query = {.space_ids = &space->id,
                                      .space_count = 1,
                                      .after = range.pruned_seq,
                                      .types = SG_CHAT_EVENT_TYPES,
                                      .limit = 1,
                                      .bytes = 1};
    err = c->events.vt->list(c->events.self, &query, &oldest, &count, &seq);
    if (err || count == 0)
        return err;
    *ret = oldest->sent_ns < before_ns;
    event_unref(oldest);
    return SG_OK;
}

static enum sg_err prune_space(struct chat *c, int64_t space_id, int64_t before_ns, uint64_t keep,
                               struct pass *pass)
{
    struct event_range range;
    size_t removed = BATCH;
    /* Until the new place is known polls ask the store. */
    enum sg_err err = note_pruned(&c->retention, space_id, SG_CHAT_UNKNOWN);
    while (!err && removed == BATCH && pass->batches > 0) {
        removed = 0;
        err = c->events.vt->prune(c->events.self, space_id, before_ns, keep, BATCH, &removed);
        pass->batches--;
    }
    c->retention.unfinished |= removed == BATCH;
    if (!err)
        err = c->events.vt->range(c->events.self, space_id, &range);
    return err ? err : note_pruned(&c->retention, space_id, range.pruned_seq);
}

static enum sg_err look_at(struct chat *c, const struct space_retention *space, void *ctx)
{
    struct pass *pass = ctx;
    int64_t life_s = space->retention_s ? space->retention_s : c->config.retention_s;
    uint64_t keep = space->retention_count ? space->retention_count : c->config.retention_count;
    int64_t before_ns =
        life_s > 0 && life_s < pass->now_ns / SG_NS_PER_S ? pass->now_ns - life_s * SG_NS_PER_S : 0;
    bool due = false;
    enum sg_err err = SG_OK;
    if (before_ns != 0 || keep != 0)
        err = is_due(c, space, before_ns, keep, &due);
    if (!err && due)
        err = prune_space(c, space->id, before_ns, keep, pass);
    if (err && err != SG_ERR_NOT_FOUND) /* that: the space was removed meanwhile */
        return err;
    pass->last = space->id;
    return pass->batches == 0 ? PASS_IS_OVER : SG_OK;
}

bool chat_prune(struct chat *c)
{
    struct pass pass = {.now_ns = clock_now_ns(), .batches = BATCHES};
    enum sg_err err = walk(c, c->retention.next, look_at, &pass);
    bool more = err == PASS_IS_OVER && pass.batches == 0;
    /* The next call goes on behind this space, so that a busy one does not keep others from it. */
    c->retention.next = more ? pass.last : 0;
    if (more)
        return true;
    more = !err && c->retention.unfinished;
    c->retention.unfinished = false;
    if (!err)
        err = c->events.vt->prune_keys(c->events.self, pass.now_ns - SG_EVENT_KEY_LIFE_NS);
    if (err)
        log_write(SG_LOG_WARN, "chat.prune", SG_STR("error", err_code(err)));
    return more;
}

void chat_prune_soon(struct chat *c)
{
    atomic_store(&c->prune_wanted, true);
}

bool chat_prune_wanted(struct chat *c)
{
    return atomic_exchange(&c->prune_wanted, false);
}
