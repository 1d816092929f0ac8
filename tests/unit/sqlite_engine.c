/* SPDX-License-Identifier: Apache-2.0 */
/* The row of the SQLite engine in the contract. It tests nothing. */
#include "sqlite_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/sqlite.h"
#include "store/sqlite_internal.h"

static enum sg_err engine_open(const char *dir, void **ret)
{
    struct sqlite_store *s = NULL;
    enum sg_err err = sqlite_store_open(dir, &s);
    if (!err)
        *ret = s;
    return err;
}

static void engine_close(void *handle)
{
    sqlite_store_close(handle);
}

static enum sg_err engine_status(void *handle)
{
    return sqlite_store_status(handle);
}

static struct users_store engine_users(void *handle)
{
    return sqlite_store_users(handle);
}

static struct sessions_store engine_sessions(void *handle)
{
    return sqlite_store_sessions(handle);
}

static struct files_store engine_files(void *handle)
{
    return sqlite_store_files(handle);
}

static struct events_store engine_events(void *handle)
{
    return sqlite_store_events(handle);
}

static struct signatures_store engine_signatures(void *handle)
{
    return sqlite_store_signatures(handle);
}

static struct factors_store engine_factors(void *handle)
{
    return sqlite_store_factors(handle);
}

static struct certificates_store engine_certificates(void *handle)
{
    return sqlite_store_certificates(handle);
}

static struct oauth_store engine_oauth(void *handle)
{
    return sqlite_store_oauth(handle);
}

static struct tokens_store engine_tokens(void *handle)
{
    return sqlite_store_tokens(handle);
}

static struct audit_store engine_audit(void *handle)
{
    return sqlite_store_audit(handle);
}

static struct spaces_store engine_spaces(void *handle)
{
    return sqlite_store_spaces(handle);
}

const struct contract_engine sqlite_engine = {.name = "SQLite",
                                              .open = engine_open,
                                              .close = engine_close,
                                              .status = engine_status,
                                              .users = engine_users,
                                              .sessions = engine_sessions,
                                              .files = engine_files,
                                              .spaces = engine_spaces,
                                              .events = engine_events,
                                              .signatures = engine_signatures,
                                              .factors = engine_factors,
                                              .tokens = engine_tokens,
                                              .oauth = engine_oauth,
                                              .certificates = engine_certificates,
                                              .audit = engine_audit};

sqlite3 *sqlite_engine_raw(const char *dir)
{
    sqlite3 *db = NULL;
    char *path = file_join(dir, "secgate.db");

    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    free(path);
    return db;
}

void sqlite_engine_open_old(struct contract_store *ret, int version, const char *content)
{
    char *path, marks[96];
    sqlite3 *db;

    contract_store_init(ret, &sqlite_engine);
    sqlite_engine.close(ret->handle);
    path = file_join(ret->dir, "secgate.db");
    assert_int_equal(0, unlink(path));
    free(path);
    db = sqlite_engine_raw(ret->dir);
    for (int i = 0; i < version; i++)
        assert_int_equal(SQLITE_OK,
                         sqlite3_exec(db, sqlite_sql_migration((unsigned)i), NULL, NULL, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, content, NULL, NULL, NULL));
    (void)snprintf(marks, sizeof marks,
                   "PRAGMA application_id = 0x53476174; PRAGMA user_version = %d;", version);
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, marks, NULL, NULL, NULL));
    sqlite3_close(db);
    assert_int_equal(SG_OK, sqlite_engine.open(ret->dir, &ret->handle));
    contract_store_reopen(ret);
}
