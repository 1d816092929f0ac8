/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of statements: binding, stepping, reading rows. The first error of a run is kept, so that
 * who runs one looks at a single place; texts of the database never become statements.
 */
#include "store/sqlite_internal.h"

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
    sqlite_query_text_n(q, value, strlen(value));
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

enum sg_err sqlite_query_step(struct sqlite_query *q, bool *ret_row)
{
    if (q->err)
        return q->err;
    int rc = sqlite3_step(q->stmt);
    query_note(q, rc);
    if (q->err)
        return q->err;
    *ret_row = rc == SQLITE_ROW;
    return SG_OK;
}

bool sqlite_query_next(struct sqlite_query *q)
{
    bool row = false;
    return sqlite_query_step(q, &row) == SG_OK && row;
}

enum sg_err sqlite_query_end(struct sqlite_query *q)
{
    if (q->stmt) {
        sqlite3_reset(q->stmt);
        /* Borrowed bytes must not stay bound: they are the caller's. */
        sqlite3_clear_bindings(q->stmt);
    }
    return q->err;
}

enum sg_err sqlite_query_run(struct sqlite_query *q)
{
    while (sqlite_query_next(q))
        ;
    return sqlite_query_end(q);
}

enum sg_err sqlite_query_run_int(struct sqlite_conn *c, enum sqlite_sql id, int64_t value)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, value);
    return sqlite_query_run(&q);
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
        if (!q->err)
            q->err = SG_ERR_CORRUPT;
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
        if (!q->err)
            q->err = SG_ERR_CORRUPT;
        return;
    }
    memcpy(ret, blob, size);
}

char *sqlite_query_get_dup(struct sqlite_query *q, int column, struct arena *arena)
{
    const unsigned char *text = sqlite3_column_text(q->stmt, column);
    int len = sqlite3_column_bytes(q->stmt, column);
    char *copy = text ? arena_memdup(arena, text, (size_t)len) : NULL;
    if (!copy && !q->err)
        q->err = SG_ERR_NO_MEMORY;
    return copy;
}
