/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the database, their statement caches and the pool of reading connections. A
 * connection is used by one thread at a time; it never writes unless it is the writer's.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum sg_err sqlite_conn_error(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return SG_OK;
    case SQLITE_FULL:
        return SG_ERR_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return SG_ERR_CORRUPT;
    case SQLITE_NOMEM:
        return SG_ERR_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SG_ERR_UNAVAILABLE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: {
        int code = db ? sqlite3_system_errno(db) : 0;
        return code == ENOSPC || code == EDQUOT ? SG_ERR_NO_SPACE : SG_ERR_IO;
    }
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return SG_ERR_IO;
    default:
        return SG_ERR_INTERNAL;
    }
}

enum sg_err sqlite_conn_exec(struct sqlite_conn *c, const char *sql)
{
    return sqlite_conn_error(c->db, sqlite3_exec(c->db, sql, NULL, NULL, NULL));
}

void sqlite_conn_close(struct sqlite_conn *c)
{
    for (size_t i = 0; i < SG_SQL_COUNT; i++) {
        sqlite3_finalize(c->statements[i]);
        c->statements[i] = NULL;
    }
    int rc = sqlite3_close(c->db);
    assert(rc == SQLITE_OK);
    (void)rc;
    c->db = NULL;
}

enum sg_err sqlite_conn_open(const char *path, bool write, struct sqlite_conn *ret)
{
    /* The writer checkpoints (wal_autocheckpoint of its own connection): a passive one let the log
     * grow. */
    static const char common[] = "PRAGMA foreign_keys = ON;"
                                 "PRAGMA trusted_schema = OFF;"
                                 "PRAGMA synchronous = FULL;"
                                 "PRAGMA temp_store = MEMORY;";
    static const char writer[] = "PRAGMA journal_mode = WAL;"
                                 "PRAGMA journal_size_limit = 67108864;"
                                 "PRAGMA cache_size = -131072;"
                                 "PRAGMA wal_autocheckpoint = 1000;"
                                 /* What was removed is overwritten, in whole pages too. */
                                 "PRAGMA secure_delete = ON;";
    static const char reader[] = "PRAGMA query_only = ON;";

    struct sqlite_conn c = {0};
    int rc = sqlite3_open_v2(
        path, &c.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    enum sg_err err = sqlite_conn_error(c.db, rc);
    if (!err) {
        sqlite3_busy_timeout(c.db, 5000);
        sqlite3_db_config(c.db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        err = sqlite_conn_exec(&c, common);
    }
    if (!err)
        err = sqlite_conn_exec(&c, write ? writer : reader);
    if (err) {
        sqlite3_close(c.db);
        return err;
    }
    *ret = c;
    return SG_OK;
}

/* -- readers --------------------------------------------------------------------------------------
 */

/* Without a transaction around them statements work as well. */
static void run_if_possible(struct sqlite_conn *c, enum sqlite_sql id)
{
    enum sg_err ignored = sqlite_conn_run(c, id);
    (void)ignored;
}

static void snapshot_end(struct sqlite_conn *c)
{
    if (c->snapshot != 0 && !sqlite3_get_autocommit(c->db))
        run_if_possible(c, SG_SQL_COMMIT);
    c->snapshot = 0;
}

/* Beginning and ending a read takes locks of the operating system, which cost as much as a small
 * read itself: a transaction stays open from reader to reader until the next write begins. */
static void snapshot_begin(struct sqlite_store *s, struct sqlite_conn *c)
{
    uint64_t epoch = atomic_load(&s->epoch);
    if (c->snapshot == epoch)
        return;
    snapshot_end(c);
    if (epoch % 2 != 0)
        return;
    run_if_possible(c, SG_SQL_READ_BEGIN);
    c->snapshot = epoch;
}

void sqlite_conn_write_begins(struct sqlite_store *s)
{
    atomic_fetch_add(&s->epoch, 1);
    pthread_mutex_lock(&s->readers_lock);
    for (struct sqlite_conn *c = s->readers; c; c = c->next)
        snapshot_end(c);
    pthread_mutex_unlock(&s->readers_lock);
}

void sqlite_conn_write_ended(struct sqlite_store *s)
{
    atomic_fetch_add(&s->epoch, 1);
}

static enum sg_err open_reader(struct sqlite_store *s, struct sqlite_conn **ret)
{
    struct sqlite_conn *c = calloc(1, sizeof(*c));
    enum sg_err err = c ? sqlite_conn_open(s->path, false, c) : SG_ERR_NO_MEMORY;
    if (err) {
        free(c);
        pthread_mutex_lock(&s->readers_lock);
        s->readers_open--;
        pthread_cond_signal(&s->reader_free);
        pthread_mutex_unlock(&s->readers_lock);
        return err;
    }
    *ret = c;
    return SG_OK;
}

enum sg_err sqlite_conn_acquire(struct sqlite_store *s, struct sqlite_conn **ret)
{
    pthread_mutex_lock(&s->readers_lock);
    while (!s->readers && s->readers_open >= SG_SQLITE_READERS_MAX)
        pthread_cond_wait(&s->reader_free, &s->readers_lock);
    struct sqlite_conn *c = s->readers;
    if (c)
        s->readers = c->next;
    else
        s->readers_open++;
    pthread_mutex_unlock(&s->readers_lock);
    if (!c) {
        enum sg_err err = open_reader(s, &c);
        if (err)
            return err;
    }
    snapshot_begin(s, c);
    *ret = c;
    return SG_OK;
}

enum sg_err sqlite_conn_view_begin(struct sqlite_conn *c, bool *ret_own)
{
    bool own = sqlite3_get_autocommit(c->db);
    enum sg_err err = own ? sqlite_conn_run(c, SG_SQL_READ_BEGIN) : SG_OK;
    *ret_own = own;
    return err;
}

enum sg_err sqlite_conn_view_end(struct sqlite_conn *c, bool own, enum sg_err err)
{
    enum sg_err ended = SG_OK;
    if (own && !sqlite3_get_autocommit(c->db))
        ended = sqlite_conn_run(c, SG_SQL_COMMIT);
    return err ? err : ended;
}

void sqlite_conn_release(struct sqlite_store *s, struct sqlite_conn *c)
{
    pthread_mutex_lock(&s->readers_lock);
    /* Under the lock: a writer that begins after this look finds the connection in the list. */
    if (c->snapshot != atomic_load(&s->epoch))
        snapshot_end(c);
    c->next = s->readers;
    s->readers = c;
    pthread_cond_signal(&s->reader_free);
    pthread_mutex_unlock(&s->readers_lock);
}
