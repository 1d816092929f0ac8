/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of statements: binding, stepping, reading rows. The first error of a run is kept, so that
 * who runs one looks at a single place; nothing from outside becomes the text of a statement.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "base/log.h"

static void query_note(struct sqlite_query *q, int rc)
{
    if (q->err || rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return;
    q->err = sqlite_conn_error(q->conn->db, rc);
    log_write(SG_LOG_WARN, "database.error", SG_INT("code", rc),
              SG_STR("error", sqlite3_errstr(rc)),
              SG_STR("statement", q->stmt ? sqlite3_sql(q->stmt) : ""));
}

void sqlite_query_begin(struct sqlite_query *q, struct sqlite_conn *c, enum sqlite_sql id)
{
    *q = (struct sqlite_query){.conn = c};
    if (!c->statements[id])
        query_note(q, sqlite3_prepare_v3(c->db, sqlite_sql_text(id), -1, SQLITE_PREPARE_PERSISTENT,
                                         &c->statements[id], NULL));
    q->stmt = c->statements[id];
}

void sqlite_query_open(struct sqlite_query *q, struct sqlite_store *s, enum sqlite_sql id)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(s, &c);
    if (err) {
        *q = (struct sqlite_query){.err = err};
        return;
    }
    sqlite_query_begin(q, c, id);
    q->store = s;
}

/* -- parameters ---------------------------------------------------------------------------------
 */

void sqlite_query_int(struct sqlite_query *q, int64_t value)
{
    q->bound++;
    if (!q->err)
        query_note(q, sqlite3_bind_int64(q->stmt, q->bound, value));
}

void sqlite_query_text_n(struct sqlite_query *q, const char *value, size_t len)
{
    q->bound++;
    if (!q->err)
        query_note(q,
                   sqlite3_bind_text64(q->stmt, q->bound, value, len, SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_query_text(struct sqlite_query *q, const char *value)
{
    sqlite_query_text_n(q, value, value ? strlen(value) : 0);
}

void sqlite_query_blob(struct sqlite_query *q, const void *value, size_t len)
{
    q->bound++;
    if (!q->err)
        query_note(q, sqlite3_bind_blob64(q->stmt, q->bound, value, len, SQLITE_STATIC));
}

void sqlite_query_null(struct sqlite_query *q)
{
    q->bound++;
    if (!q->err)
        query_note(q, sqlite3_bind_null(q->stmt, q->bound));
}

/* -- running ------------------------------------------------------------------------------------
 */

bool sqlite_query_next(struct sqlite_query *q)
{
    if (q->err)
        return false;
    int rc = sqlite3_step(q->stmt);
    query_note(q, rc);
    return rc == SQLITE_ROW;
}

enum sg_err sqlite_query_end(struct sqlite_query *q)
{
    if (q->stmt) {
        sqlite3_reset(q->stmt);
        /* Borrowed bytes must not stay bound: they are the caller's. */
        sqlite3_clear_bindings(q->stmt);
    }
    if (q->store)
        sqlite_conn_release(q->store, q->conn);
    return q->err;
}

enum sg_err sqlite_query_run(struct sqlite_query *q)
{
    while (sqlite_query_next(q))
        ;
    return sqlite_query_end(q);
}

enum sg_err sqlite_query_change(struct sqlite_query *q, enum sg_err none)
{
    enum sg_err err = sqlite_query_run(q);
    return !err && sqlite3_changes(q->conn->db) == 0 ? none : err;
}

enum sg_err sqlite_query_one(struct sqlite_query *q, const struct sqlite_row *row, void *ret)
{
    alignas(max_align_t) uint8_t record[SG_SQLITE_RECORD_MAX];
    assert(row->size <= sizeof(record));
    bool found = sqlite_query_next(q);
    if (found)
        row->read(q, record);
    enum sg_err err = sqlite_query_end(q);
    if (!err && !found)
        err = SG_ERR_NOT_FOUND;
    if (!err)
        memcpy(ret, record, row->size);
    return err;
}

enum sg_err sqlite_query_rows(struct sqlite_query *q, const struct sqlite_row *row, size_t limit,
                              void *ret, size_t *ret_count)
{
    uint8_t *records = ret;
    size_t count = 0;
    while (count < limit && sqlite_query_next(q))
        row->read(q, records + row->size * count++);
    enum sg_err err = sqlite_query_end(q);
    if (!err)
        *ret_count = count;
    return err;
}

enum sg_err sqlite_query_numbers(struct sqlite_query *q, size_t count, int64_t *ret)
{
    int64_t numbers[SG_SQLITE_NUMBERS_MAX] = {0};
    assert(count <= SG_SQLITE_NUMBERS_MAX);
    if (sqlite_query_next(q))
        for (size_t i = 0; i < count; i++)
            numbers[i] = sqlite_query_get_int(q, (int)i);
    enum sg_err err = sqlite_query_end(q);
    if (!err)
        memcpy(ret, numbers, count * sizeof(*ret));
    return err;
}

enum sg_err sqlite_query_found(struct sqlite_query *q, bool *ret)
{
    bool found = sqlite_query_next(q);
    enum sg_err err = sqlite_query_end(q);
    if (!err)
        *ret = found;
    return err;
}

enum sg_err sqlite_conn_run(struct sqlite_conn *c, enum sqlite_sql id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    return sqlite_query_run(&q);
}

enum sg_err sqlite_query_run_int(struct sqlite_conn *c, enum sqlite_sql id, int64_t value)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, value);
    return sqlite_query_run(&q);
}

/* -- columns ------------------------------------------------------------------------------------
 */

void sqlite_query_fail(struct sqlite_query *q, enum sg_err err)
{
    if (!q->err)
        q->err = err;
}

bool sqlite_query_is_null(struct sqlite_query *q, int column)
{
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

int64_t sqlite_query_get_int(struct sqlite_query *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}

void sqlite_query_get_text(struct sqlite_query *q, int column, char *ret, size_t size)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, column);
    int len = sqlite3_column_bytes(q->stmt, column);
    ret[0] = '\0';
    if (!text || (size_t)len >= size) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return;
    }
    memcpy(ret, text, (size_t)len);
    ret[len] = '\0';
}

void sqlite_query_get_blob(struct sqlite_query *q, int column, void *ret, size_t size)
{
    const void *blob = sqlite3_column_blob(q->stmt, column);
    memset(ret, 0, size);
    if (!blob || (size_t)sqlite3_column_bytes(q->stmt, column) != size) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return;
    }
    memcpy(ret, blob, size);
}

char *sqlite_query_get_dup(struct sqlite_query *q, int column)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, column);
    int len = sqlite3_column_bytes(q->stmt, column);
    char *copy = text ? arena_memdup(q->arena, text, (size_t)len) : NULL;
    if (!copy)
        sqlite_query_fail(q, SG_ERR_NO_MEMORY);
    return copy;
}
