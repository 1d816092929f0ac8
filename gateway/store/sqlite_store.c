/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens, migrates and closes the database, and gives out the vtables. It never changes a database
 * that is not ours or that a newer release has made.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "store/sqlite_internal.h"

#define SG_APPLICATION_ID 0x53476174 /* "SGat" */

/* Makes an empty file, so that nobody but us can read the database and what SQLite puts beside it.
 */
static enum sg_err create_private(const char *path)
{
    SG_FD_CLEANUP int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_from_errno(errno);
    if (fchmod(fd, 0600) != 0)
        return err_from_errno(errno);
    return SG_OK;
}

static enum sg_err pragma_get(struct sqlite_conn *c, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    enum sg_err err = rc == SQLITE_ROW ? SG_OK : sqlite_conn_error(c->db, rc);
    if (rc == SQLITE_DONE)
        err = SG_ERR_CORRUPT;
    if (!err)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return err;
}

/* The version of the schema; SG_ERR_CORRUPT when the database is not ours. 0: empty. */
static enum sg_err schema_version(struct sqlite_conn *c, int64_t *ret)
{
    int64_t id = 0, version = 0, objects = 0;
    enum sg_err err = pragma_get(c, "PRAGMA application_id", &id);
    if (!err)
        err = pragma_get(c, "PRAGMA user_version", &version);
    if (!err)
        err = pragma_get(c, "SELECT count(*) FROM sqlite_schema", &objects);
    if (err)
        return err;
    bool empty = id == 0 && version == 0 && objects == 0;
    if (!empty && (id != SG_APPLICATION_ID || version < 1))
        return SG_ERR_CORRUPT;
    *ret = version;
    return SG_OK;
}

/* Some file systems cannot hold a write-ahead log; then the mode stays another one without an
 * error. */
static enum sg_err check_wal(struct sqlite_conn *c)
{
    int64_t wal = 0;
    enum sg_err err = pragma_get(c, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal);
    if (!err && !wal)
        err = SG_ERR_IO;
    return err;
}

/* Each step is one transaction: a crash in between leaves the older version, whole. */
static enum sg_err migrate(struct sqlite_conn *c)
{
    int64_t version = 0;
    enum sg_err err = schema_version(c, &version);
    if (err)
        return err;
    unsigned known = 0;
    while (sqlite_sql_migration(known))
        known++;
    if (version > (int64_t)known) {
        log_write(SG_LOG_ERROR, "database.newer", SG_INT("found", version), SG_INT("known", known));
        return SG_ERR_CORRUPT;
    }
    for (unsigned i = (unsigned)version; !err && i < known; i++) {
        char mark[96];
        (void)snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %u",
                       SG_APPLICATION_ID, i + 1);
        err = sqlite_conn_exec(c, "BEGIN IMMEDIATE");
        if (!err)
            err = sqlite_conn_exec(c, sqlite_sql_migration(i));
        if (!err)
            err = sqlite_conn_exec(c, mark);
        if (!err)
            err = sqlite_conn_exec(c, "COMMIT");
    }
    return err; /* an open transaction ends with the connection */
}

enum sg_err sqlite_store_open(const char *dir, struct sqlite_store **ret)
{
    /* Its memory statistics are one lock for all threads. Refused, without harm, if SQLite runs. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    struct sqlite_store *s = calloc(1, sizeof(*s));
    if (!s)
        return SG_ERR_NO_MEMORY;
    atomic_init(&s->epoch, 2); /* 0 stands for no transaction */
    pthread_mutex_init(&s->readers_lock, NULL);
    pthread_cond_init(&s->reader_free, NULL);
    s->path = file_join(dir, "secgate.db");
    enum sg_err err = s->path ? SG_OK : SG_ERR_NO_MEMORY;
    if (!err)
        err = create_private(s->path);
    if (!err)
        err = sqlite_conn_open(s->path, true, &s->writer.conn);
    if (!err)
        err = check_wal(&s->writer.conn);
    if (!err)
        err = migrate(&s->writer.conn);
    s->writer.conn.log = &s->log;
    if (!err)
        err = sqlite_log_load(&s->writer.conn);
    atomic_init(&s->log.head, s->log.seq);
    if (!err)
        err = file_sync_dir(dir);
    int64_t dropped = 0;
    if (!err)
        err = sqlite_spaces_dropped(&s->writer.conn, &dropped);
    if (!err)
        err = sqlite_writer_start(&s->writer);
    if (err) {
        sqlite_store_close(s);
        return err;
    }
    if (dropped) /* a crash has left it */
        sqlite_spaces_sweep(s);
    *ret = s;
    return SG_OK;
}

void sqlite_store_close(struct sqlite_store *s)
{
    if (!s)
        return;
    sqlite_writer_stop(&s->writer);
    while (s->readers) {
        struct sqlite_conn *c = s->readers;
        s->readers = c->next;
        sqlite_conn_close(c);
        free(c);
    }
    sqlite_log_fini(&s->log);
    sqlite_conn_close(&s->writer.conn); /* the last one out removes the log */
    pthread_cond_destroy(&s->reader_free);
    pthread_mutex_destroy(&s->readers_lock);
    free(s->path);
    free(s);
}

struct users_store sqlite_store_users(struct sqlite_store *s)
{
    return (struct users_store){.self = s, .vt = &sqlite_users_vtable};
}

struct sessions_store sqlite_store_sessions(struct sqlite_store *s)
{
    return (struct sessions_store){.self = s, .vt = &sqlite_sessions_vtable};
}

struct certificates_store sqlite_store_certificates(struct sqlite_store *s)
{
    return (struct certificates_store){.self = s, .vt = &sqlite_certificates_vtable};
}

struct tokens_store sqlite_store_tokens(struct sqlite_store *s)
{
    return (struct tokens_store){.self = s, .vt = &sqlite_tokens_vtable};
}

struct factors_store sqlite_store_factors(struct sqlite_store *s)
{
    return (struct factors_store){.self = s, .vt = &sqlite_factors_vtable};
}

struct files_store sqlite_store_files(struct sqlite_store *s)
{
    return (struct files_store){.self = s, .vt = &sqlite_files_vtable};
}

struct events_store sqlite_store_events(struct sqlite_store *s)
{
    return (struct events_store){.self = s, .vt = &sqlite_events_vtable};
}

struct signatures_store sqlite_store_signatures(struct sqlite_store *s)
{
    return (struct signatures_store){.self = s, .vt = &sqlite_signatures_vtable};
}

struct audit_store sqlite_store_audit(struct sqlite_store *s)
{
    return (struct audit_store){.self = s, .vt = &sqlite_audit_vtable};
}

struct spaces_store sqlite_store_spaces(struct sqlite_store *s)
{
    return (struct spaces_store){.self = s, .vt = &sqlite_spaces_vtable};
}

enum sg_err sqlite_store_status(struct sqlite_store *s)
{
    struct sqlite_writer *w = &s->writer;
    pthread_mutex_lock(&w->lock);
    enum sg_err err = w->stopping ? SG_ERR_DRAINING : w->last_commit;
    pthread_mutex_unlock(&w->lock);
    return err;
}

struct oauth_store sqlite_store_oauth(struct sqlite_store *s)
{
    return (struct oauth_store){.self = s, .vt = &sqlite_oauth_vtable};
}
