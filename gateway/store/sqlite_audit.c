/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log in SQLite. A number and a chain value are given out inside of the write that stores
 * them. Nothing ever changes an entry; the oldest are removed, and where they ended is kept.
 */
#include "store/sqlite_internal.h"

#include <stdlib.h>
#include <string.h>

#include "store/audittext.h"

/* All of an entry's texts, each byte of them escaped, are less. */
#define SG_AUDIT_CANONICAL_MAX 16384
#define SEGMENT_BITS           10 /* as in the index by time (sqlite_schema.c) */

/* -- where it begins and ends ---------------------------------------------------------------------
 */

/* An end of the log: an entry's number and its chain value. */
struct end {
    uint64_t seq;
    uint8_t chain[SG_DIGEST_SIZE];
};

static void end_read(struct sqlite_query *q, void *to)
{
    struct end *ret = to;
    ret->seq = (uint64_t)sqlite_query_get_int(q, 0);
    sqlite_query_get_blob(q, 1, ret->chain, SG_DIGEST_SIZE);
}

static enum sg_err one_end(struct sqlite_conn *c, enum sqlite_sql id, struct end *ret)
{
    static const struct sqlite_row row = {sizeof(struct end), end_read};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    return sqlite_query_one(&q, &row, ret);
}

static enum sg_err read_range(struct sqlite_conn *c, struct audit_range *ret)
{
    struct end pruned, head;
    enum sg_err err = one_end(c, SG_SQL_AUDIT_PRUNED, &pruned);
    if (err)
        return err == SG_ERR_NOT_FOUND ? SG_ERR_CORRUPT : err;
    err = one_end(c, SG_SQL_AUDIT_LAST, &head);
    if (err == SG_ERR_NOT_FOUND) /* everything has been pruned, or nothing was ever there */
        head = pruned;
    else if (err)
        return err;
    *ret = (struct audit_range){.head_seq = head.seq, .pruned_seq = pruned.seq};
    memcpy(ret->head_chain, head.chain, SG_DIGEST_SIZE);
    memcpy(ret->pruned_chain, pruned.chain, SG_DIGEST_SIZE);
    return SG_OK;
}

/* -- append ---------------------------------------------------------------------------------------
 */

static enum sg_err insert(struct sqlite_conn *c, uint64_t seq, const struct audit_entry *entry,
                          const struct buf *canonical, const uint8_t chain[SG_DIGEST_SIZE])
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_AUDIT_INSERT);
    sqlite_query_int(&q, (int64_t)seq);
    sqlite_query_int(&q, entry->at_ns);
    sqlite_query_int(&q, entry->type);
    sqlite_query_text(&q, entry->actor);
    sqlite_query_text_n(&q, buf_str(canonical), canonical->len);
    sqlite_query_blob(&q, chain, SG_DIGEST_SIZE);
    return sqlite_query_run(&q);
}

static enum sg_err append_run(struct sqlite_conn *c, void *ctx)
{
    const struct audit_entry *entry = ctx;
    struct audit_range range;
    enum sg_err err = read_range(c, &range);
    if (err)
        return err;
    SG_BUF_CLEANUP struct buf canonical;
    uint8_t chain[SG_DIGEST_SIZE];
    buf_init(&canonical, SG_AUDIT_CANONICAL_MAX);
    audittext_canonical(&canonical, range.head_seq + 1, entry);
    err = buf_status(&canonical);
    if (err)
        return err;
    audittext_chain(range.head_chain, buf_str(&canonical), canonical.len, chain);
    return insert(c, range.head_seq + 1, entry, &canonical, chain);
}

static enum sg_err audit_append(void *self, const struct audit_entry *entry)
{
    struct audit_entry copy = *entry;
    return sqlite_write(self, append_run, &copy);
}

struct later {
    struct sqlite_job job; /* first: the job is this */
    struct audit_entry entry;
    struct audit_loss loss;
};

static void later_finish(struct sqlite_job *job)
{
    struct later *later = (struct later *)(void *)job;
    if (job->result)
        later->loss.tell(later->loss.ctx, later->loss.count, job->result);
    free(later);
}

static enum sg_err audit_append_later(void *self, const struct audit_entry *entry,
                                      const struct audit_loss *loss)
{
    struct later *later = calloc(1, sizeof(*later));
    if (!later)
        return SG_ERR_NO_MEMORY;
    later->entry = *entry;
    later->loss = *loss;
    later->job.run = append_run;
    later->job.ctx = &later->entry;
    later->job.finish = later_finish;
    enum sg_err err = sqlite_write_later(self, &later->job);
    if (err)
        free(later);
    return err;
}

/* -- list -----------------------------------------------------------------------------------------
 */

/* Which statement walks the fewest rows. */
static enum sqlite_sql statement_of(const struct audit_query *query)
{
    if (query->actor)
        return query->newest ? SG_SQL_AUDIT_ACTOR_DESC : SG_SQL_AUDIT_ACTOR;
    if (query->type)
        return query->newest ? SG_SQL_AUDIT_TYPE_DESC : SG_SQL_AUDIT_TYPE;
    return query->newest ? SG_SQL_AUDIT_ALL_DESC : SG_SQL_AUDIT_ALL;
}

/* A page under way. */
struct page {
    const struct audit_query *query;
    struct arena *arena;
    struct audit_row *rows;
    size_t count;
};

static void entry_read(struct sqlite_query *q, void *to)
{
    struct audit_row *ret = to;
    ret->seq = (uint64_t)sqlite_query_get_int(q, 0);
    sqlite_query_get_blob(q, 1, ret->chain, SG_DIGEST_SIZE);
    ret->canonical = sqlite_query_get_dup(q, 2);
    ret->len = ret->canonical ? strlen(ret->canonical) : 0;
}

/* Adds the entries with after < seq < before. */
static enum sg_err page_add(struct sqlite_conn *c, struct page *p, uint64_t after, uint64_t before)
{
    static const struct sqlite_row row = {sizeof(struct audit_row), entry_read};
    const struct audit_query *query = p->query;
    struct sqlite_query q;
    size_t room = query->limit - p->count, count = 0;
    sqlite_query_begin(&q, c, statement_of(query));
    sqlite_query_int(&q, (int64_t)after);
    sqlite_query_int(&q, (int64_t)before);
    sqlite_query_int(&q, query->since_ns);
    sqlite_query_int(&q, query->until_ns);
    sqlite_query_int(&q, (int64_t)room);
    if (query->type)
        sqlite_query_int(&q, *query->type);
    else
        sqlite_query_null(&q);
    sqlite_query_text(&q, query->actor);
    q.arena = p->arena;
    enum sg_err err = sqlite_query_rows(&q, &row, room, p->rows + p->count, &count);
    p->count += count;
    return err;
}

/* Whether a segment has entries of the time that is asked for. */
static enum sg_err segment_fits(struct sqlite_conn *c, const struct audit_query *query,
                                uint64_t segment, bool *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_AUDIT_SEGMENT);
    sqlite_query_int(&q, (int64_t)segment);
    sqlite_query_int(&q, query->since_ns);
    sqlite_query_int(&q, query->until_ns);
    return sqlite_query_found(&q, ret);
}

/* One segment after another; those without an entry of that time cost a look at the index. */
static enum sg_err page_search(struct sqlite_conn *c, struct page *p, uint64_t after,
                               uint64_t before)
{
    uint64_t first = (after + 1) >> SEGMENT_BITS, last = (before - 1) >> SEGMENT_BITS;
    enum sg_err err = SG_OK;
    for (uint64_t i = 0; !err && i <= last - first && p->count < p->query->limit; i++) {
        uint64_t segment = p->query->newest ? last - i : first + i;
        uint64_t begin = segment << SEGMENT_BITS, end = (segment + 1) << SEGMENT_BITS;
        bool fits = false;
        err = segment_fits(c, p->query, segment, &fits);
        if (!err && fits)
            err = page_add(c, p, after < begin ? begin - 1 : after, before < end ? before : end);
    }
    return err;
}

static void reverse(struct audit_row *rows, size_t count)
{
    for (size_t i = 0; i + 1 < count - i; i++) {
        struct audit_row other = rows[i];
        rows[i] = rows[count - 1 - i];
        rows[count - 1 - i] = other;
    }
}

/* The part of the log that there is, as far as it is asked for. */
static enum sg_err read_rows(struct sqlite_conn *c, const struct audit_range *range, struct page *p)
{
    const struct audit_query *query = p->query;
    uint64_t after = query->after, before = range->head_seq + 1;
    if (after < range->pruned_seq)
        after = range->pruned_seq;
    if (query->before && query->before < before)
        before = query->before;
    if (after >= before || before - after == 1)
        return SG_OK;
    bool any_time = query->since_ns == INT64_MIN && query->until_ns == INT64_MAX;
    return any_time ? page_add(c, p, after, before) : page_search(c, p, after, before);
}

static enum sg_err audit_list_rows(void *self, const struct audit_query *query, struct arena *arena,
                                   struct audit_row *ret, size_t *ret_count,
                                   struct audit_range *ret_range)
{
    struct page page = {.query = query, .arena = arena, .rows = ret};
    struct sqlite_conn *c = NULL;
    struct audit_range range;
    bool own = false;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_conn_view_begin(c, &own);
    if (!err)
        err = read_range(c, &range);
    if (!err)
        err = read_rows(c, &range, &page);
    err = sqlite_conn_view_end(c, own, err);
    sqlite_conn_release(self, c);
    if (err)
        return err;
    if (query->newest && page.count > 1)
        reverse(ret, page.count);
    *ret_count = page.count;
    *ret_range = range;
    return SG_OK;
}

/* -- prune ----------------------------------------------------------------------------------------
 */

struct prune_job {
    const struct audit_cut *cut;
    size_t batch;
    size_t removed;
};

/* The last entry before the first that is not older, as far as one batch goes: what lies behind it
 * is not read, which could be all of a large log. */
static enum sg_err last_older(struct sqlite_conn *c, int64_t than_ns, const struct prune_job *job,
                              const struct audit_range *range, uint64_t *ret)
{
    struct sqlite_query q;
    uint64_t last = range->pruned_seq + job->batch;
    if (last > range->head_seq)
        last = range->head_seq;
    sqlite_query_begin(&q, c, SG_SQL_AUDIT_YOUNG);
    sqlite_query_int(&q, (int64_t)range->pruned_seq);
    sqlite_query_int(&q, (int64_t)last);
    sqlite_query_int(&q, than_ns);
    if (sqlite_query_next(&q))
        last = (uint64_t)sqlite_query_get_int(&q, 0) - 1;
    enum sg_err err = sqlite_query_end(&q);
    if (!err)
        *ret = last;
    return err;
}

/* The last entry to go; 0: none. */
static enum sg_err find_cut(struct sqlite_conn *c, const struct prune_job *job,
                            const struct audit_range *range, uint64_t *ret)
{
    uint64_t keep = job->cut->keep, cut = 0, old = 0;
    enum sg_err err = last_older(c, job->cut->before_ns, job, range, &cut);
    if (!err && keep && range->head_seq > keep)
        err = last_older(c, job->cut->young_ns, job, range, &old);
    if (err)
        return err;
    if (keep && range->head_seq > keep) {
        uint64_t by_number = range->head_seq - keep;
        by_number = by_number < old ? by_number : old;
        cut = cut > by_number ? cut : by_number;
    }
    *ret = cut > range->pruned_seq ? cut : 0;
    return SG_OK;
}

static enum sg_err cut_run(struct sqlite_conn *c, uint64_t cut)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_AUDIT_PRUNED_SET);
    sqlite_query_int(&q, (int64_t)cut);
    enum sg_err err = sqlite_query_change(&q, SG_ERR_CORRUPT); /* numbers have no gaps */
    return err ? err : sqlite_query_run_int(c, SG_SQL_AUDIT_PRUNE, (int64_t)cut);
}

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    struct prune_job *job = ctx;
    struct audit_range range;
    uint64_t cut = 0;
    enum sg_err err = read_range(c, &range);
    if (!err)
        err = find_cut(c, job, &range, &cut);
    if (err || cut == 0)
        return err;
    job->removed = (size_t)(cut - range.pruned_seq);
    return cut_run(c, cut);
}

static enum sg_err audit_prune_rows(void *self, const struct audit_cut *cut, size_t batch,
                                    size_t *ret_removed)
{
    struct prune_job job = {.cut = cut, .batch = batch};
    enum sg_err err = sqlite_write(self, prune_run, &job);
    if (!err)
        *ret_removed = job.removed;
    return err;
}

const struct audit_vtable sqlite_audit_vtable = {
    .append = audit_append,
    .append_later = audit_append_later,
    .list = audit_list_rows,
    .prune = audit_prune_rows,
};
