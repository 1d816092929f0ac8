/* SPDX-License-Identifier: Apache-2.0 */
/* The index of signatures in SQLite: batches of rows go in as they come, and are never changed. It
 * verifies nothing. */
#include "store/sqlite_internal.h"

#include <string.h>

#include "base/clock.h"
#include "store/signatures.h"

#define SEGMENT_BITS 15 /* as in the indexes by digest and package (sqlite_sql.c) */
#define PLACE_HEAD   36 /* bytes before the texts of a packed place */
#define PACKED_MAX   ((size_t)512 << 20)
/* Records are composed a little before their leaves get their numbers, so that neighbours may be
 * out of order in time; never by as much as this. */
#define DISORDER_NS (600 * SG_NS_PER_S)

/* -- what is packed into one value ---------------------------------------------------------------
 */

static void put_u32(struct buf *b, size_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_putc(b, (char)(value >> shift));
}

static void put_u64(struct buf *b, uint64_t value)
{
    put_u32(b, (size_t)(value >> 32));
    put_u32(b, (size_t)(value & UINT32_MAX));
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t get_u64(const uint8_t *at)
{
    return (uint64_t)get_u32(at) << 32 | get_u32(at + 4);
}

/* Each format: u8 bit number, u32 length, bytes. */
static void pack_formats(struct buf *b, const struct signature_row *row)
{
    for (size_t i = 0; i < SG_SIGNATURE_FORMATS; i++) {
        if (!row->formats[i].data)
            continue;
        buf_putc(b, (char)i);
        put_u32(b, row->formats[i].len);
        buf_append(b, row->formats[i].data, row->formats[i].len);
    }
}

static enum sg_err unpack_formats(const uint8_t *data, size_t len, struct signature_row *row)
{
    for (size_t at = 0; at < len;) {
        if (len - at < 5 || data[at] >= SG_SIGNATURE_FORMATS ||
            get_u32(data + at + 1) > len - at - 5)
            return SG_ERR_CORRUPT;
        struct signature_format *f = &row->formats[data[at]];
        f->data = data + at + 5;
        f->len = get_u32(data + at + 1);
        at += 5 + f->len;
    }
    return SG_OK;
}

/* u64 manifest, position, files; u32 lengths of directory (and its NUL), proof, lines; these. */
static void pack_place(struct buf *b, const struct signature_place *p)
{
    size_t name = strlen(p->directory) + 1;
    put_u64(b, p->manifest);
    put_u64(b, p->position);
    put_u64(b, p->files);
    put_u32(b, name);
    put_u32(b, p->proof_len);
    put_u32(b, p->lines_len);
    buf_append(b, p->directory, name);
    if (p->proof_len)
        buf_append(b, p->proof, p->proof_len);
    if (p->lines_len)
        buf_append(b, p->lines, p->lines_len);
}

static enum sg_err unpack_place(const uint8_t *data, size_t len, struct signature_place *p)
{
    if (len < PLACE_HEAD)
        return SG_ERR_CORRUPT;
    size_t name = get_u32(data + 24);
    p->proof_len = get_u32(data + 28);
    p->lines_len = get_u32(data + 32);
    if (name == 0 || name + p->proof_len + p->lines_len != len - PLACE_HEAD ||
        data[PLACE_HEAD + name - 1] != 0)
        return SG_ERR_CORRUPT;
    p->manifest = get_u64(data);
    p->position = get_u64(data + 8);
    p->files = get_u64(data + 16);
    p->directory = (const char *)data + PLACE_HEAD;
    p->proof = data + PLACE_HEAD + name;
    p->lines = p->lines_len ? (const char *)data + PLACE_HEAD + name + p->proof_len : NULL;
    return SG_OK;
}

/* -- adding --------------------------------------------------------------------------------------
 */

/* A range of the packed bytes; NULL for an empty one. */
static void bind_packed(struct sqlite_query *q, const struct buf *b, size_t from, size_t end)
{
    sqlite_query_blob(q, end > from ? b->data + from : NULL, end - from);
}

/* `packed` is for both values, so that memory is asked for once in a batch. */
static enum sg_err insert_row(struct sqlite_conn *c, const struct signature_row *row,
                              struct buf *packed)
{
    struct sqlite_query q;
    buf_clear(packed);
    pack_formats(packed, row);
    size_t formats = packed->len;
    if (row->place.directory)
        pack_place(packed, &row->place);
    enum sg_err err = buf_status(packed);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_SIGNATURE_INSERT);
    sqlite_query_int(&q, (int64_t)row->index);
    sqlite_query_int(&q, row->timestamp_ns);
    sqlite_query_text(&q, row->key);
    sqlite_query_blob(&q, row->sha256, SG_DIGEST_SIZE);
    sqlite_query_text(&q, row->package);
    sqlite_query_text_n(&q, row->record, row->record_len);
    sqlite_query_blob(&q, row->signature, row->signature_len);
    bind_packed(&q, packed, 0, formats);
    bind_packed(&q, packed, formats, packed->len);
    return sqlite_query_run(&q);
}

static enum sg_err insert_batch(struct sqlite_conn *c, const struct signature_batch *batch)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SIGNATURE_BATCH);
    sqlite_query_int(&q, (int64_t)batch->first);
    sqlite_query_int(&q, (int64_t)batch->count);
    sqlite_query_text(&q, batch->key);
    sqlite_query_int(&q, batch->timestamp_ns);
    sqlite_query_int(&q, (int64_t)batch->tree_size);
    sqlite_query_text_n(&q, batch->note, batch->note_len);
    return sqlite_query_run(&q);
}

static enum sg_err insert_events(struct sqlite_conn *c, const struct signature_batch *batch)
{
    enum sg_err err = SG_OK;
    for (size_t i = 0; !err && i < batch->event_count; i++) {
        const struct signature_event *e = &batch->events[i];
        const struct event_signed signatures = {.path = e->path,
                                                .key = e->key,
                                                .key_version = e->key_version,
                                                .index = e->index,
                                                .count = e->count};
        struct event_draft draft = {.type = SG_EVENT_SIGNATURE_CREATED, .signatures = &signatures};
        err = sqlite_spaces_event(c, e->space_id, &batch->actor, &draft);
        if (err == SG_ERR_NOT_FOUND) /* the space is gone meanwhile, the signatures are not */
            err = SG_OK;
    }
    return err;
}

/* The first number from `from` on without a row, and how many more of them. */
static enum sg_err find_gap(struct sqlite_conn *c, uint64_t from, uint64_t *ret,
                            uint64_t *ret_count)
{
    struct sqlite_query q;
    uint64_t at = from, next = UINT64_MAX;
    sqlite_query_begin(&q, c, SG_SQL_SIGNATURE_RUNS);
    sqlite_query_int(&q, (int64_t)from);
    while (next == UINT64_MAX && sqlite_query_next(&q)) {
        uint64_t first = (uint64_t)sqlite_query_get_int(&q, 0);
        uint64_t end = first + (uint64_t)sqlite_query_get_int(&q, 1);
        if (first > at)
            next = first;
        else if (end > at)
            at = end;
    }
    enum sg_err err = sqlite_query_end(&q);
    if (err)
        return err;
    *ret = at;
    *ret_count = next - at;
    return SG_OK;
}

static enum sg_err add_run(struct sqlite_conn *c, void *ctx)
{
    const struct signature_batch *batch = ctx;
    SG_BUF_CLEANUP struct buf packed;
    uint64_t first = 0, room = 0;
    buf_init(&packed, PACKED_MAX);
    enum sg_err err = find_gap(c, batch->first, &first, &room);
    if (!err && (first != batch->first || room < batch->count))
        err = SG_ERR_CONFLICT;
    if (!err)
        err = insert_batch(c, batch);
    for (size_t i = 0; !err && i < batch->count; i++)
        err = insert_row(c, &batch->rows[i], &packed);
    return err ? err : insert_events(c, batch);
}

static enum sg_err signatures_add(void *self, const struct signature_batch *batch)
{
    struct signature_batch copy = *batch;
    return sqlite_write(self, add_run, &copy);
}

/* -- reading -------------------------------------------------------------------------------------
 */

/* The bytes of a column in the query's arena; NULL for NULL. */
static const uint8_t *get_bytes(struct sqlite_query *q, int column, size_t *ret_len)
{
    const void *blob = sqlite3_column_blob(q->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);
    if (!blob)
        return NULL;
    const uint8_t *copy = arena_memdup(q->arena, blob, len);
    if (!copy)
        sqlite_query_fail(q, SG_ERR_NO_MEMORY);
    *ret_len = copy ? len : 0;
    return copy;
}

static void signature_read(struct sqlite_query *q, void *to)
{
    struct signature_row *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->index = (uint64_t)sqlite_query_get_int(q, 0);
    ret->timestamp_ns = sqlite_query_get_int(q, 1);
    ret->key = sqlite_query_get_dup(q, 2);
    sqlite_query_get_blob(q, 3, ret->sha256, SG_DIGEST_SIZE);
    ret->package = sqlite_query_get_dup(q, 4);
    ret->record = sqlite_query_get_dup(q, 5);
    ret->record_len = ret->record ? (size_t)sqlite3_column_bytes(q->stmt, 5) : 0;
    ret->signature = get_bytes(q, 6, &ret->signature_len);
}

static const struct sqlite_row signature_row = {sizeof(struct signature_row), signature_read};

static void packed_read(struct sqlite_query *q, struct signature_row *ret)
{
    size_t len = 0;
    enum sg_err err = SG_OK;
    const uint8_t *packed = get_bytes(q, 7, &len);
    if (packed)
        err = unpack_formats(packed, len, ret);
    packed = err ? NULL : get_bytes(q, 8, &len);
    if (packed)
        err = unpack_place(packed, len, &ret->place);
    if (err)
        sqlite_query_fail(q, err);
}

/* A row with all that belongs to it. */
struct whole {
    struct signature_row row;
    const char *note;
    uint64_t tree_size;
};

static void whole_read(struct sqlite_query *q, void *to)
{
    struct whole *ret = to;
    signature_read(q, &ret->row);
    packed_read(q, &ret->row);
    ret->tree_size = (uint64_t)sqlite_query_get_int(q, 9);
    ret->note = sqlite_query_is_null(q, 10) ? NULL : sqlite_query_get_dup(q, 10);
}

static enum sg_err signatures_get(void *self, uint64_t index, struct arena *arena,
                                  struct signature_row *ret, const char **ret_note,
                                  uint64_t *ret_tree_size)
{
    static const struct sqlite_row row = {sizeof(struct whole), whole_read};
    struct sqlite_query q;
    struct whole found;
    if (index > INT64_MAX)
        return SG_ERR_NOT_FOUND;
    sqlite_query_open(&q, self, SG_SQL_SIGNATURE_GET);
    sqlite_query_int(&q, (int64_t)index);
    q.arena = arena;
    enum sg_err err = sqlite_query_one(&q, &row, &found);
    if (err)
        return err;
    *ret = found.row;
    *ret_note = found.note;
    *ret_tree_size = found.tree_size;
    return SG_OK;
}

/* A bound of the range by a time: `ret` stays when there is none. */
static enum sg_err time_bound(struct sqlite_conn *c, enum sqlite_sql id, int64_t ns, int64_t *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, ns);
    if (sqlite_query_next(&q))
        *ret = sqlite_query_get_int(&q, 0);
    return sqlite_query_end(&q);
}

static enum sg_err time_bounds(struct sqlite_conn *c, const struct signature_query *query,
                               int64_t *ret_before, int64_t *ret_low)
{
    int64_t before = query->before > INT64_MAX ? INT64_MAX : (int64_t)query->before;
    int64_t low = 0, high = INT64_MAX;
    enum sg_err err = SG_OK;
    if (query->since_ns > INT64_MIN + DISORDER_NS)
        err = time_bound(c, SG_SQL_SIGNATURE_TIME_LOW, query->since_ns - DISORDER_NS, &low);
    if (!err && query->until_ns < INT64_MAX - DISORDER_NS)
        err = time_bound(c, SG_SQL_SIGNATURE_TIME_HIGH, query->until_ns + DISORDER_NS, &high);
    *ret_before = high < before ? high : before;
    *ret_low = low;
    return err;
}

/* A page under way. */
struct page {
    const struct signature_query *query;
    struct arena *arena;
    struct signature_row *rows;
    size_t count;
    int64_t before, low;
};

/* Adds the rows of one statement; `segment` for those that take one. */
static enum sg_err page_add(struct sqlite_conn *c, enum sqlite_sql id, struct page *p,
                            int64_t segment)
{
    const struct signature_query *query = p->query;
    struct sqlite_query q;
    size_t count = 0;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, p->before);
    sqlite_query_int(&q, p->low);
    sqlite_query_int(&q, query->since_ns);
    sqlite_query_int(&q, query->until_ns);
    sqlite_query_int(&q, (int64_t)(query->limit - p->count));
    if (id != SG_SQL_SIGNATURE_ANY) {
        sqlite_query_blob(&q, query->sha256, SG_DIGEST_SIZE);
        sqlite_query_text(&q, query->package);
        sqlite_query_text(&q, query->key);
        if (id != SG_SQL_SIGNATURE_BY_KEY)
            sqlite_query_int(&q, segment);
    }
    q.arena = p->arena;
    enum sg_err err =
        sqlite_query_rows(&q, &signature_row, query->limit - p->count, p->rows + p->count, &count);
    p->count += count;
    return err;
}

/* One segment after another, the newest first. */
static enum sg_err page_search(struct sqlite_conn *c, enum sqlite_sql id, struct page *p)
{
    struct sqlite_query q;
    int64_t last = 0;
    sqlite_query_begin(&q, c, SG_SQL_SIGNATURE_LAST);
    enum sg_err err = sqlite_query_numbers(&q, 1, &last);
    if (p->before <= last)
        last = p->before - 1;
    for (int64_t segment = last >> SEGMENT_BITS;
         !err && last >= 0 && segment >= p->low >> SEGMENT_BITS && p->count < p->query->limit;
         segment--)
        err = page_add(c, id, p, segment);
    return err;
}

static enum sg_err signatures_list(void *self, const struct signature_query *query,
                                   struct arena *arena, struct signature_row *ret,
                                   size_t *ret_count)
{
    struct page page = {.query = query, .arena = arena, .rows = ret};
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = time_bounds(c, query, &page.before, &page.low);
    if (!err && query->sha256)
        err = page_search(c, SG_SQL_SIGNATURE_BY_DIGEST, &page);
    else if (!err && query->package)
        err = page_search(c, SG_SQL_SIGNATURE_BY_PACKAGE, &page);
    else if (!err)
        err = page_add(c, query->key ? SG_SQL_SIGNATURE_BY_KEY : SG_SQL_SIGNATURE_ANY, &page, 0);
    sqlite_conn_release(self, c);
    if (!err)
        *ret_count = page.count;
    return err;
}

static enum sg_err signatures_gap(void *self, uint64_t from, uint64_t *ret, uint64_t *ret_count)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = find_gap(c, from, ret, ret_count);
    sqlite_conn_release(self, c);
    return err;
}

struct cut {
    uint64_t from, count;
};

static enum sg_err cut_run(struct sqlite_conn *c, void *ctx)
{
    static const enum sqlite_sql steps[] = {SG_SQL_SIGNATURE_CUT, SG_SQL_SIGNATURE_CUT_BATCHES,
                                            SG_SQL_SIGNATURE_CUT_LAST};
    struct cut *cut = ctx;
    enum sg_err err = SG_OK;
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++) {
        err = sqlite_query_run_int(c, steps[i], (int64_t)cut->from);
        if (i == 0)
            cut->count = (uint64_t)sqlite3_changes64(c->db);
    }
    return err;
}

static enum sg_err signatures_cut(void *self, uint64_t from, uint64_t *ret_count)
{
    struct cut cut = {.from = from};
    if (from > INT64_MAX)
        return SG_ERR_BAD_FIELD;
    enum sg_err err = sqlite_write(self, cut_run, &cut);
    if (!err)
        *ret_count = cut.count;
    return err;
}

const struct signatures_vtable sqlite_signatures_vtable = {
    .add = signatures_add,
    .get = signatures_get,
    .list = signatures_list,
    .gap = signatures_gap,
    .cut = signatures_cut,
};
