/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the event log. A page takes the numbers that it needs from one range of an index for each
 * space (and type, when not all are wanted), merges them, and loads those rows: its cost depends on
 * the page and the number of spaces, not on the length of the log. It never writes.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SG_ALL_TYPES   ((1U << SG_EVENT_TYPE_COUNT) - 1)
#define SG_PAGE_MAX    1000 /* events */
#define SG_STREAM_KEYS 8    /* numbers that are read ahead from each of many streams */

/* -- one event ------------------------------------------------------------------------------------
 */

struct view {
    const char *data;
    size_t len;
};

/* Borrowed until the next step; NULL when the column is. */
static struct view column_view(struct sqlite_query *q, int column)
{
    struct view v = {.data = sqlite3_column_blob(q->stmt, column)};
    v.len = (size_t)sqlite3_column_bytes(q->stmt, column);
    if (!v.data && !sqlite_query_is_null(q, column))
        v.data = "";
    return v;
}

/* Columns as in SG_SQL_EVENT_ROW. */
static struct event *row_event(struct sqlite_query *q)
{
    char by[SG_USER_NAME_SIZE];
    struct event_revised revised = {.seq = (uint64_t)sqlite_query_get_int(q, 10)};
    struct view chain = column_view(q, 6), canonical = column_view(q, 7), text = column_view(q, 8),
                salt = column_view(q, 9);
    if (sqlite_query_is_null(q, 11)) {
        revised.seq = 0;
    } else {
        struct view new_text = column_view(q, 14);
        sqlite_query_get_text(q, 13, by, sizeof(by));
        revised.deleted = sqlite_query_get_int(q, 11) == SG_EVENT_MESSAGE_DELETED;
        revised.at_ns = sqlite_query_get_int(q, 12);
        revised.by = by;
        revised.text = new_text.data;
        revised.text_len = new_text.len;
    }
    int64_t type = sqlite_query_get_int(q, 2);
    bool whole = type >= 0 && type < SG_EVENT_TYPE_COUNT && chain.len == SG_DIGEST_SIZE &&
                 canonical.len > 2 && (!text.data || salt.len == SG_EVENT_SALT_SIZE);
    if (!whole || q->err) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return NULL;
    }
    struct event *e = eventtext_event(
        (uint64_t)sqlite_query_get_int(q, 0), sqlite_query_get_int(q, 1), (enum event_type)type,
        (uint64_t)sqlite_query_get_int(q, 3), sqlite_query_get_int(q, 4),
        sqlite_query_get_int(q, 5), (const uint8_t *)chain.data, canonical.data, canonical.len,
        text.data, text.len, (const uint8_t *)salt.data, &revised);
    if (!e)
        sqlite_query_fail(q, SG_ERR_NO_MEMORY);
    return e;
}

enum sg_err sqlite_events_load(struct sqlite_conn *c, uint64_t seq, struct event **ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_EVENT_ROW);
    sqlite_query_int(&q, (int64_t)seq);
    bool found = sqlite_query_next(&q);
    struct event *e = found ? row_event(&q) : NULL;
    enum sg_err err = sqlite_query_end(&q);
    if (!err && !found)
        err = SG_ERR_NOT_FOUND;
    if (!err)
        *ret = e;
    return err;
}

/* -- numbers --------------------------------------------------------------------------------------
 */

/* One range of an index, read a few numbers at a time. */
struct stream {
    int64_t space_id;
    int type; /* -1: all */
    uint64_t *keys;
    unsigned count, at;
    bool more;
};

/* Merges streams by number: the first of `heap` has the next. */
struct merge {
    struct sqlite_conn *conn;
    uint64_t after, before; /* both exclusive */
    bool newest;
    unsigned chunk;
    size_t count;
    struct stream **heap;
    struct stream *streams;
    uint64_t *keys;
};

static void key_read(struct sqlite_query *q, void *to)
{
    *(uint64_t *)to = (uint64_t)sqlite_query_get_int(q, 0);
}

static enum sg_err stream_fill(const struct merge *m, struct stream *s)
{
    static const struct sqlite_row row = {sizeof(uint64_t), key_read};
    static const enum sqlite_sql ids[2][2] = {{SG_SQL_EVENT_KEYS, SG_SQL_EVENT_KEYS_DESC},
                                              {SG_SQL_TYPE_KEYS, SG_SQL_TYPE_KEYS_DESC}};
    uint64_t after = m->after, before = m->before;
    size_t count = 0;
    struct sqlite_query q;
    if (s->count > 0 && m->newest)
        before = s->keys[s->count - 1];
    else if (s->count > 0)
        after = s->keys[s->count - 1];
    s->count = 0;
    s->at = 0;
    sqlite_query_begin(&q, m->conn, ids[s->type >= 0][m->newest]);
    sqlite_query_int(&q, s->space_id);
    sqlite_query_int(&q, (int64_t)after);
    sqlite_query_int(&q, (int64_t)before);
    sqlite_query_int(&q, m->chunk);
    if (s->type >= 0)
        sqlite_query_int(&q, s->type);
    enum sg_err err = sqlite_query_rows(&q, &row, m->chunk, s->keys, &count);
    s->count = (unsigned)count;
    s->more = s->count == m->chunk;
    return err;
}

static bool comes_first(const struct merge *m, const struct stream *a, const struct stream *b)
{
    uint64_t x = a->keys[a->at], y = b->keys[b->at];
    return m->newest ? x > y : x < y;
}

static void sift_down(struct merge *m, size_t at)
{
    for (;;) {
        size_t first = at, left = 2 * at + 1;
        for (size_t child = left; child < m->count && child <= left + 1; child++)
            if (comes_first(m, m->heap[child], m->heap[first]))
                first = child;
        if (first == at)
            return;
        struct stream *other = m->heap[at];
        m->heap[at] = m->heap[first];
        m->heap[first] = other;
        at = first;
    }
}

static void merge_fini(struct merge *m)
{
    free(m->heap);
    free(m->streams);
    free(m->keys);
}

static enum sg_err merge_init(struct merge *m, struct sqlite_conn *c,
                              const struct event_query *query, uint64_t head)
{
    unsigned types = query->types & SG_ALL_TYPES;
    bool all = types == SG_ALL_TYPES;
    size_t per_space = all ? 1 : (size_t)__builtin_popcount(types), room = 0, used = 0;
    uint64_t end = query->before && query->before <= head ? query->before : head + 1;
    *m = (struct merge){.conn = c, .after = query->after, .before = end, .newest = query->newest};
    if (__builtin_mul_overflow(query->space_count, per_space, &room))
        return SG_ERR_TOO_LARGE;
    if (room == 0)
        return SG_OK;
    m->chunk = room == 1 ? (unsigned)query->limit + 1 : SG_STREAM_KEYS;
    m->heap = calloc(room, sizeof(struct stream *));
    m->streams = calloc(room, sizeof(*m->streams));
    m->keys = calloc(room, m->chunk * sizeof(*m->keys));
    if (!m->heap || !m->streams || !m->keys)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < query->space_count; i++) {
        for (int type = all ? -1 : 0; type < (all ? 0 : SG_EVENT_TYPE_COUNT); type++) {
            if (!all && !(types & 1U << type))
                continue;
            struct stream *s = &m->streams[used];
            *s = (struct stream){
                .space_id = query->space_ids[i], .type = type, .keys = m->keys + used * m->chunk};
            used++;
            enum sg_err err = stream_fill(m, s);
            if (err)
                return err;
            if (s->count > 0)
                m->heap[m->count++] = s;
        }
    }
    for (size_t i = m->count / 2; i-- > 0;)
        sift_down(m, i);
    return SG_OK;
}

/* SG_OK with *ret 0: there are no more. */
static enum sg_err merge_next(struct merge *m, uint64_t *ret)
{
    if (m->count == 0) {
        *ret = 0;
        return SG_OK;
    }
    struct stream *s = m->heap[0];
    uint64_t key = s->keys[s->at++];
    if (s->at == s->count && s->more) {
        enum sg_err err = stream_fill(m, s);
        if (err)
            return err;
    }
    if (s->at == s->count)
        m->heap[0] = m->heap[--m->count];
    sift_down(m, 0);
    *ret = key;
    return SG_OK;
}

/* -- pages ----------------------------------------------------------------------------------------
 */

struct page {
    struct event **events;
    size_t count, bytes;
    uint64_t seen; /* number of the last one looked at */
    bool full;
};

/* The next one of the merge; true as long as there may be others. */
static enum sg_err page_step(struct merge *m, const struct event_query *query, struct page *p,
                             bool *ret_more)
{
    uint64_t seq = 0;
    struct event *e = NULL;
    enum sg_err err = merge_next(m, &seq);
    *ret_more = false;
    if (err || seq == 0)
        return err;
    p->full = p->count == query->limit;
    if (p->full)
        return SG_OK;
    err = sqlite_events_load(m->conn, seq, &e);
    if (err && err != SG_ERR_NOT_FOUND) /* it may have been pruned in the meantime */
        return err;
    p->full = e && p->count > 0 && p->bytes + e->len > query->bytes;
    if (p->full) {
        event_unref(e);
        return SG_OK;
    }
    p->seen = seq;
    *ret_more = true;
    if (e) {
        p->bytes += e->len;
        p->events[p->count++] = e;
    }
    return SG_OK;
}

static void reverse(struct event **events, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct event *other = events[i];
        events[i] = events[count - 1 - i];
        events[count - 1 - i] = other;
    }
}

enum sg_err sqlite_events_list(void *self, const struct event_query *query, struct event **ret,
                               size_t *ret_count, uint64_t *ret_seq)
{
    struct sqlite_store *s = self;
    struct sqlite_conn *c = NULL;
    struct merge m = {0};
    struct page page = {.events = ret};
    bool more = true, own = false;
    assert(query->limit >= 1 && query->limit <= SG_PAGE_MAX);
    /* Looked at before the snapshot is taken, and the bound of all that is read from it: ranges
     * that are read one after another then end at the same place. */
    uint64_t head = atomic_load(&s->log.head);
    if (query->after >= head) {
        *ret_count = 0;
        *ret_seq = head;
        return SG_OK;
    }
    enum sg_err err = sqlite_conn_acquire(s, &c);
    if (err)
        return err;
    /* Also cheaper than a transaction for each of its statements. */
    err = sqlite_conn_view_begin(c, &own);
    if (!err)
        err = merge_init(&m, c, query, head);
    while (!err && more)
        err = page_step(&m, query, &page, &more);
    merge_fini(&m);
    err = sqlite_conn_view_end(c, own, err);
    sqlite_conn_release(s, c);
    if (err) {
        while (page.count > 0)
            event_unref(ret[--page.count]);
        return err;
    }
    if (query->newest)
        reverse(ret, page.count);
    *ret_count = page.count;
    *ret_seq = page.full ? page.seen : head;
    return SG_OK;
}

/* -- what is known about the log ------------------------------------------------------------------
 */

enum sg_err sqlite_events_epoch(void *self, char ret[SG_EPOCH_SIZE])
{
    struct sqlite_conn *c = NULL;
    struct sqlite_log_meta meta;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_log_meta(c, &meta);
    sqlite_conn_release(self, c);
    if (!err)
        memcpy(ret, meta.epoch, sizeof(meta.epoch));
    return err;
}

enum sg_err sqlite_events_head(void *self, uint64_t *ret)
{
    struct sqlite_store *s = self;
    *ret = atomic_load(&s->log.head);
    return SG_OK;
}

static void range_read(struct sqlite_query *q, void *to)
{
    struct event_range *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->head_seq = (uint64_t)sqlite_query_get_int(q, 0);
    sqlite_query_get_blob(q, 1, ret->head_chain, SG_DIGEST_SIZE);
    ret->pruned_seq = (uint64_t)sqlite_query_get_int(q, 2);
    sqlite_query_get_blob(q, 3, ret->pruned_chain, SG_DIGEST_SIZE);
    ret->count = (uint64_t)sqlite_query_get_int(q, 4);
}

static const struct sqlite_row range_row = {sizeof(struct event_range), range_read};

enum sg_err sqlite_events_range(void *self, int64_t space_id, struct event_range *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_LOG_RANGE);
    sqlite_query_int(&q, space_id);
    enum sg_err err = sqlite_query_one(&q, &range_row, ret);
    if (err != SG_ERR_NOT_FOUND)
        return err;
    memset(ret, 0, sizeof(*ret)); /* nothing has happened there yet */
    return SG_OK;
}

enum sg_err sqlite_events_linked_file(void *self, int64_t space_id, const char *path,
                                      uint64_t version, struct arena *arena,
                                      struct entry_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_LINK_GET);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, path);
    sqlite_query_int(&q, (int64_t)version);
    q.arena = arena;
    return sqlite_query_one(&q, &sqlite_entry_row, ret);
}
