/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of the event log as the writer sees it: numbers, chain values, and the events of a batch
 * until the sink has seen them. It never shows an event before its commit. All of it is the
 * writer's thread's, but `head`.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_CANONICAL_MAX ((size_t)1 << 20) /* 16 paths of 4 KiB, all escaped, are less */

static void meta_read(struct sqlite_query *q, void *to)
{
    struct sqlite_log_meta *ret = to;
    (void)snprintf(ret->epoch, sizeof(ret->epoch), "%012" PRIx64,
                   (uint64_t)sqlite_query_get_int(q, 0));
    ret->head = (uint64_t)sqlite_query_get_int(q, 1);
}

enum sg_err sqlite_log_meta(struct sqlite_conn *c, struct sqlite_log_meta *ret)
{
    static const struct sqlite_row row = {sizeof(struct sqlite_log_meta), meta_read};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_LOG_META);
    enum sg_err err = sqlite_query_one(&q, &row, ret);
    return err == SG_ERR_NOT_FOUND ? SG_ERR_CORRUPT : err;
}

enum sg_err sqlite_log_load(struct sqlite_conn *c)
{
    struct sqlite_log *log = c->log;
    struct sqlite_log_meta meta;
    if (log->loaded)
        return SG_OK;
    enum sg_err err = sqlite_log_meta(c, &meta);
    if (err)
        return err;
    memcpy(log->epoch, meta.epoch, sizeof(log->epoch));
    if (log->count == log->committed) /* else it is ahead of what is written */
        log->seq = meta.head;
    log->loaded = true;
    if (log->canonical.max == 0)
        buf_init(&log->canonical, SG_CANONICAL_MAX);
    return SG_OK;
}

void sqlite_log_fini(struct sqlite_log *log)
{
    assert(log->count == 0);
    free(log->events);
    buf_fini(&log->canonical);
    log->events = NULL;
    log->room = 0;
}

void sqlite_log_drop(struct sqlite_log *log, size_t count)
{
    while (log->count > count) {
        struct event *e = log->events[--log->count];
        log->of_members -= e->member_id != 0;
        event_unref(e);
        log->seq--;
    }
}

enum sg_err sqlite_log_flush(struct sqlite_conn *c)
{
    if (c->log->count == c->log->committed)
        return SG_OK;
    return sqlite_query_run_int(c, SG_SQL_LOG_HEAD_SET, (int64_t)c->log->seq);
}

void sqlite_log_end(struct sqlite_log *log, bool committed)
{
    if (committed) {
        log->committed = log->count;
        atomic_store(&log->head, log->seq);
    } else {
        sqlite_log_drop(log, log->committed);
        log->loaded = false; /* a new epoch may be among what was lost */
    }
}

void sqlite_log_show(struct sqlite_log *log)
{
    assert(log->count == log->committed);
    if (log->sink && log->count > 0)
        log->sink(log->sink_ctx, log->events, log->count);
    for (size_t i = 0; i < log->count; i++)
        event_unref(log->events[i]);
    log->count = 0;
    log->committed = 0;
    log->of_members = 0;
}

/* Whoever lost a right in this very batch must not be heard after the event that says so. */
enum sg_err sqlite_log_check(const struct sqlite_log *log, int64_t space_id, int64_t user_id,
                             enum sg_err (*check)(void *ctx), void *ctx)
{
    enum sg_err err = check ? check(ctx) : SG_OK;
    for (size_t i = 0; !err && check && log->of_members > 0 && i < log->count; i++)
        if (log->events[i]->member_id == user_id && log->events[i]->space_id == space_id)
            err = SG_ERR_CONFLICT;
    return err;
}

static void chain_read(struct sqlite_query *q, void *to)
{
    if (sqlite_query_is_null(q, 0))
        memset(to, 0, SG_DIGEST_SIZE);
    else
        sqlite_query_get_blob(q, 0, to, SG_DIGEST_SIZE);
}

/* Where the chain of a space ends; zero bytes before its first event. */
static enum sg_err chain_end(struct sqlite_conn *c, int64_t space_id, uint8_t ret[SG_DIGEST_SIZE])
{
    static const struct sqlite_row row = {SG_DIGEST_SIZE, chain_read};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_LOG_CHAIN);
    sqlite_query_int(&q, space_id);
    return sqlite_query_one(&q, &row, ret);
}

static enum sg_err event_insert(struct sqlite_conn *c, const struct event *e,
                                const struct event_draft *d)
{
    const struct buf *canonical = &c->log->canonical;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_EVENT_INSERT);
    sqlite_query_int(&q, (int64_t)e->seq);
    sqlite_query_int(&q, e->space_id);
    sqlite_query_int(&q, e->type);
    sqlite_query_int(&q, (int64_t)e->target);
    sqlite_query_int(&q, e->sender_id);
    sqlite_query_int(&q, e->sent_ns);
    sqlite_query_blob(&q, e->chain, SG_DIGEST_SIZE);
    sqlite_query_text_n(&q, buf_str(canonical), canonical->len);
    if (d->text) {
        sqlite_query_text_n(&q, d->text, d->text_len);
        sqlite_query_blob(&q, d->salt, SG_EVENT_SALT_SIZE);
    }
    enum sg_err err = sqlite_query_run(&q);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_LOG_APPEND);
    sqlite_query_int(&q, e->space_id);
    sqlite_query_int(&q, (int64_t)e->seq);
    sqlite_query_blob(&q, e->chain, SG_DIGEST_SIZE);
    return sqlite_query_run(&q);
}

static enum sg_err make_room(struct sqlite_log *log)
{
    if (log->count < log->room)
        return SG_OK;
    size_t room = log->room ? 2 * log->room : 64;
    struct event **events = realloc(log->events, room * sizeof(struct event *));
    if (!events)
        return SG_ERR_NO_MEMORY;
    log->events = events;
    log->room = room;
    return SG_OK;
}

enum sg_err sqlite_events_append(struct sqlite_conn *c, int64_t space_id, int64_t sender_id,
                                 struct event_draft *draft)
{
    struct sqlite_log *log = c->log;
    uint8_t chain[SG_DIGEST_SIZE];
    enum sg_err err = make_room(log);
    if (!err)
        err = sqlite_log_load(c);
    if (!err)
        err = chain_end(c, space_id, chain);
    if (err)
        return err;

    draft->seq = log->seq + 1;
    draft->epoch = log->epoch;
    buf_clear(&log->canonical);
    eventtext_canonical(&log->canonical, draft);
    err = buf_status(&log->canonical);
    if (err)
        return err;
    const char *canonical = buf_str(&log->canonical);
    size_t len = log->canonical.len;
    eventtext_chain(chain, canonical, len, chain);
    struct event *e =
        eventtext_event(draft->seq, space_id, draft->type, draft->target, sender_id, draft->sent_ns,
                        chain, canonical, len, draft->text, draft->text_len, draft->salt, NULL);
    if (!e)
        return SG_ERR_NO_MEMORY;
    /* From here on it is undone with what it was entered for. */
    log->seq++;
    e->member_id = draft->member_id;
    log->events[log->count++] = e;
    log->of_members += e->member_id != 0;
    return event_insert(c, e, draft);
}
