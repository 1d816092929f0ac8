/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine: the contract, and what is its own: query plans, cost of pages, file modes,
 * foreign files, batches. */
#include "sqlite_engine.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/metrics.h"
#include "store/sqlite_internal.h"

/* -- plans --------------------------------------------------------------------------------------
 */

static int64_t count_raw(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
    assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static bool may_sort(enum sqlite_sql id)
{
    /* What one user sees, the members of one space: bounded. */
    return id == SG_SQL_SPACE_LIST || id == SG_SQL_SPACE_VISIBLE || id == SG_SQL_MEMBER_LIST ||
           id == SG_SQL_MEMBER_HEIR;
}

static bool may_scan(enum sqlite_sql id)
{
    /* All of what is bounded: clients, audiences, devices that wait. */
    if (id == SG_SQL_CLIENT_LIST || id == SG_SQL_CLIENT_COUNT || id == SG_SQL_AUDIENCE_LIST ||
        id == SG_SQL_AUDIENCE_COUNT || id == SG_SQL_DEVICE_COUNT || id == SG_SQL_CLIENT_DEVICES ||
        id == SG_SQL_DEVICE_OF_USER)
        return true;
    return id == SG_SQL_USER_COUNTS || id == SG_SQL_SPACE_UNREAD /* its own subquery */ ||
           id == SG_SQL_SPACE_DROPPED; /* the first row */
}

static void test_query_plans(void **state)
{
    (void)state;
    struct contract_store store;
    contract_store_init(&store, &sqlite_engine);
    sqlite3 *db = sqlite_engine_raw(store.dir);
    for (unsigned id = SG_SQL_PROBE; id < SG_SQL_COUNT; id++) {
        char sql[4096];
        sqlite3_stmt *stmt = NULL;
        assert_non_null(sqlite_sql_text(id));
        (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", sqlite_sql_text(id));
        assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(stmt, 3);
            bool sorts = strstr(detail, "TEMP B-TREE"),
                 scans = strncmp(detail, "SCAN ", 5) == 0 && !strstr(detail, "CONSTANT ROW");
            if ((sorts && !may_sort(id)) || (scans && !may_scan(id)))
                fail_msg("%s: %s", sqlite_sql_text(id), detail);
        }
        sqlite3_finalize(stmt);
    }
    sqlite3_close(db);
    contract_store_fini(&store);
}

/* -- cost ---------------------------------------------------------------------------------------
 */

/* Fills common/DIR with `count` files without going through the writer. */
static void fill(sqlite3 *db, const char *dir, unsigned count)
{
    char *sql = sqlite3_mprintf(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %u)"
        " INSERT INTO entries SELECT 1, format('%s/%%08d', i), '%s', 0, i * 7919 %% 10007,"
        " randomblob(32), i * 104729 %% 1000003, 1, 'x', 'text/plain' FROM n;"
        "INSERT INTO entries VALUES(1, '%s', '', 1, 0, NULL, 0, 0, 'x', '')",
        count, dir, dir, dir);
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
    sqlite3_free(sql);
}

/* Steps of the virtual machine for a page of 50 in the middle of a directory. */
static int page_cost(sqlite3 *db, enum sqlite_sql id, const char *dir, unsigned count)
{
    bool by_key = id != SG_SQL_LIST_NAME && id != SG_SQL_LIST_NAME_DESC && id != SG_SQL_TREE_NAME &&
                  id != SG_SQL_TREE_NAME_DESC;
    char low[64], high[64];
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sqlite_sql_text(id), -1, &stmt, NULL));
    (void)snprintf(low, sizeof(low), "%s/%s%08u", dir, "", by_key ? 0 : count / 4);
    (void)snprintf(high, sizeof(high), "%s/%08u", dir, by_key ? 99999999 : count - count / 4);
    sqlite3_bind_int64(stmt, 1, 1);
    sqlite3_bind_text(stmt, 2, dir, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, low, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, high, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 5, 50);
    if (by_key) {
        sqlite3_bind_int64(stmt, 6,
                           id == SG_SQL_LIST_SIZE || id == SG_SQL_LIST_SIZE_DESC ? 5000 : 500000);
        sqlite3_bind_text(stmt, 7, "", 0, SQLITE_STATIC);
    }
    int rows = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW)
        rows++;
    int cost = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
    assert_int_equal(0, sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 0));
    assert_int_equal(0, sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0));
    sqlite3_finalize(stmt);
    assert_true(rows > 20);
    return cost / rows;
}

static void test_page_cost(void **state)
{
    (void)state;
    static const enum sqlite_sql ids[] = {
        SG_SQL_LIST_NAME,     SG_SQL_LIST_NAME_DESC,     SG_SQL_LIST_SIZE, SG_SQL_LIST_SIZE_DESC,
        SG_SQL_LIST_MODIFIED, SG_SQL_LIST_MODIFIED_DESC, SG_SQL_TREE_NAME, SG_SQL_TREE_NAME_DESC};
    struct contract_store store;
    contract_store_init(&store, &sqlite_engine);
    sqlite3 *db = sqlite_engine_raw(store.dir);
    fill(db, "small", 100);
    fill(db, "large", 200000);
    fill(db, "medium", 5000);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        int small = page_cost(db, ids[i], "small", 100);
        int large = page_cost(db, ids[i], "large", 200000);
        print_message("statement %u: %d steps a row of 100, %d of 200000\n", (unsigned)ids[i],
                      small, large);
        assert_in_range(large, 1, small * 13 / 10 + 3);
    }
    sqlite3_close(db);

    /* And through the engine, with the clock: a page, then the removal of everything. */
    struct arena *arena = arena_new((size_t)32 << 20);
    static struct entry_record page[100];
    size_t count = 0;
    bool more = false;
    const char *const dirs[] = {"small", "large"};
    for (unsigned d = 0; d < 2; d++) {
        int64_t start = clock_monotonic_ns();
        for (unsigned i = 0; i < 200; i++) {
            struct entry_query q = {.space_id = 1,
                                    .dir = dirs[d],
                                    .prefix = "",
                                    .limit = 90,
                                    .sort = (enum entry_sort)(i % 3)};
            assert_int_equal(
                SG_OK, store.files.vt->list(store.files.self, &q, arena, page, &count, &more));
            assert_int_equal(90, count);
        }
        print_message("%s: %.1f us a page\n", dirs[d],
                      (double)(clock_monotonic_ns() - start) / 200e3);
    }
    const struct files_vtable *vt = store.files.vt;
    struct entry_record gone;
    assert_int_equal(SG_OK, vt->remove(store.files.self, 1, "medium", true, NULL, &contract_actor));
    assert_int_equal(SG_ERR_NOT_FOUND, vt->get(store.files.self, 1, "medium", arena, &gone));
    assert_int_equal(SG_ERR_NOT_FOUND,
                     vt->get(store.files.self, 1, "medium/00000007", arena, &gone));
    assert_int_equal(SG_OK, vt->get(store.files.self, 1, "large/00000007", arena, &gone));
    assert_int_equal(SG_OK, vt->get(store.files.self, 1, "small/00000007", arena, &gone));
    arena_free(arena);
    contract_store_fini(&store);
}

/* -- the file -----------------------------------------------------------------------------------
 */

static void test_file_mode(void **state)
{
    (void)state;
    struct contract_store store;
    static const char *const names[] = {"secgate.db", "secgate.db-wal", "secgate.db-shm"};
    mode_t mask = umask(0);
    contract_store_init(&store, &sqlite_engine);
    (void)contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    for (unsigned i = 0; i < 3; i++) {
        struct stat st;
        char *path = file_join(store.dir, names[i]);
        assert_int_equal(0, stat(path, &st));
        assert_int_equal(0600, st.st_mode & 0777);
        free(path);
    }
    umask(mask);
    contract_store_fini(&store);
}

static void expect_corrupt(const char *dir)
{
    void *handle = NULL;
    assert_int_equal(SG_ERR_CORRUPT, sqlite_engine.open(dir, &handle));
    assert_null(handle);
}

static void test_foreign_files(void **state)
{
    (void)state;
    char *dir = contract_dir_new(), *path = file_join(dir, "secgate.db");
    static const char text[] =
        "this is no database at all, but it is long enough to be looked at as one: "
        "a header has one hundred bytes, so there must be more than that here.";
    assert_int_equal(SG_OK, file_write_atomic(path, text, sizeof(text), 0600));
    expect_corrupt(dir);
    assert_int_equal(0, unlink(path));

    sqlite3 *db = sqlite_engine_raw(dir);
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, "CREATE TABLE other(x)", NULL, NULL, NULL));
    sqlite3_close(db);
    expect_corrupt(dir);
    assert_int_equal(0, unlink(path));

    void *handle = NULL;
    assert_int_equal(SG_OK, sqlite_engine.open(dir, &handle));
    sqlite_engine.close(handle);
    db = sqlite_engine_raw(dir);
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL));
    sqlite3_close(db);
    expect_corrupt(dir);
    free(path);
    contract_dir_remove(dir);
    assert_int_equal(SG_ERR_NOT_FOUND, sqlite_engine.open("/nonexistent/dir", &handle));
}

/* A database of the first release: everything is still there, and what is new works. */
static void test_upgrade(void **state)
{
    (void)state;
    static const char content[] =
        "INSERT INTO users(name, role, disabled, password_hash, created_ns)"
        " VALUES('root', 2, 0, 'x', 1), ('bob', 1, 0, 'x', 2);"
        "INSERT INTO spaces(name, owner_id) VALUES('~root', 1), ('~bob', 2);"
        "INSERT INTO entries VALUES(1, 'd', '', 1, 0, NULL, 5, 0, 'bob', ''),"
        " (1, 'd/a', 'd', 0, 3, zeroblob(32), 5, 7, 'bob', 'text/plain'),"
        " (3, 'own', '', 0, 3, zeroblob(32), 5, 1, 'bob', 'text/plain');";
    struct contract_store store;
    struct space_record space;
    struct entry_record entry;
    sqlite_engine_open_old(&store, 1, content);

    const struct spaces_vtable *spaces = store.spaces.vt;
    void *self = store.spaces.self;
    struct arena *arena = arena_new(65536);
    assert_int_equal(SG_OK, spaces->get(self, "common", 2, &space));
    assert_int_equal(SG_SPACE_COMMON, space.kind);
    assert_int_equal(SG_OK, spaces->get(self, "~bob", 2, &space));
    assert_int_equal(SG_SPACE_OWN, space.kind);
    assert_int_equal(2, space.owner_id);
    assert_int_equal(SG_OK, store.files.vt->get(store.files.self, 1, "d/a", arena, &entry));
    assert_int_equal(7, entry.version);
    assert_int_equal(SG_OK, store.files.vt->get(store.files.self, space.id, "own", arena, &entry));
    assert_int_equal(0, contract_event_count(&store, 1));
    struct user_record bob = {.id = 2, .name = "bob"};
    (void)contract_say(&store, 1, &bob, "hello", "d/a");
    contract_event_expect(&store, 1, 0, SG_EVENT_MESSAGE, "\"version\":7");
    assert_int_equal(SG_OK, spaces->direct(self, 2, "root", 1, &space));
    assert_int_equal(SG_OK, store.users.vt->remove(store.users.self, "bob"));
    assert_int_equal(SG_ERR_NOT_FOUND, spaces->get_by_id(self, space.id, 1, &space));
    arena_free(arena);
    contract_store_fini(&store);
}

/* A database of version 4: its sessions live on. Which passkey opened one is not known, so that it
 * ends with any. */
static void test_upgrade_sessions(void **state)
{
    (void)state;
    static const char content[] =
        "INSERT INTO users(name, role, disabled, password_hash, created_ns)"
        " VALUES('ann', 1, 0, 'x', 1);"
        "INSERT INTO passkeys VALUES(x'0707', 1, 'key', -7, x'01', 0, 1, 0);"
        "INSERT INTO sessions(id, user_id, address, device_name, device_mac, created_ns,"
        " last_used_ns, expires_ns, family_key, current_sha256, previous_sha256, salt, sequence,"
        " method)"
        " VALUES(x'01010101010101010101010101010101', 1, 'a', '', '', 1, 1, 9, zeroblob(32),"
        " zeroblob(32), zeroblob(32), zeroblob(32), 1, 0),"
        " (x'03030303030303030303030303030303', 1, 'a', '', '', 1, 1, 9, zeroblob(32),"
        " zeroblob(32), zeroblob(32), zeroblob(32), 1, 2);"
        "INSERT INTO oauth_audiences VALUES('https://a.example', 'A', 1, 1);";
    struct contract_store store;
    struct session_record session = {
        .user_id = 1, .created_ns = 2, .expires_ns = INT64_MAX, .sequence = 1};
    const struct session_proof proof = {.passkey = (const uint8_t *)"\x07\x07", .passkey_len = 2};
    struct oauth_audience audience;
    sqlite_engine_open_old(&store, 4, content);

    const struct sessions_vtable *sessions = store.sessions.vt;
    struct oauth_store oauth = sqlite_engine.oauth(store.handle);
    struct factors_store factors = sqlite_engine.factors(store.handle);
    memset(session.id, 3, sizeof(session.id));
    assert_int_equal(SG_OK, sessions->get(store.sessions.self, session.id, &session));
    session.expires_ns = INT64_MAX;
    memset(session.id, 2, sizeof(session.id));
    assert_int_equal(SG_OK, sessions->create(store.sessions.self, &session, &proof));
    assert_int_equal(SG_OK, factors.vt->passkey_remove(factors.self, 1, proof.passkey, 2));
    assert_int_equal(SG_ERR_NOT_FOUND, sessions->get(store.sessions.self, session.id, &session));
    memset(session.id, 3, sizeof(session.id));
    assert_int_equal(SG_ERR_NOT_FOUND, sessions->get(store.sessions.self, session.id, &session));
    memset(session.id, 1, sizeof(session.id));
    assert_int_equal(SG_OK, sessions->get(store.sessions.self, session.id, &session));
    assert_int_equal(SG_OK, oauth.vt->audience_get(oauth.self, "https://a.example", &audience));
    contract_store_fini(&store);
}

/* Events of a space that is gone go in several writes; what a crash leaves goes at the next start.
 */
static void test_sweep(void **state)
{
    (void)state;
    static const char fill_events[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO events SELECT i, (SELECT id FROM spaces WHERE name = 'team'), 0, 0, 1, 0, 0,"
        " zeroblob(32), '{}', NULL, NULL FROM n;";
    static const char crash[] = "INSERT INTO dropped VALUES(4711); INSERT INTO events"
                                " SELECT seq + 9000, 4711, type, target, sender_id, sent_ns, 0,"
                                " chain, canonical, NULL, NULL FROM events;";
    static const char left[] = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM"
                               " dropped)";
    struct contract_store store;
    struct space_info team, other;
    contract_store_init(&store, &sqlite_engine);
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    const struct space_actor as_bob = {.user_id = bob.id, .name = "bob", .now_ns = 1};
    const struct spaces_vtable *vt = store.spaces.vt;
    assert_int_equal(SG_OK, vt->create(store.spaces.self, "team", "", &as_bob, &team));
    sqlite3 *db = sqlite_engine_raw(store.dir);
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, "DELETE FROM events", NULL, NULL, NULL));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, fill_events, NULL, NULL, NULL));
    int64_t writes = metrics_get(SG_METRIC_DB_WRITES);
    assert_int_equal(SG_OK, vt->remove(store.spaces.self, team.space.id));
    vt->sweep(store.spaces.self);
    vt->sweep(store.spaces.self);
    assert_int_equal(1 + 3, metrics_get(SG_METRIC_DB_WRITES) - writes);
    assert_int_equal(0, count_raw(db, left));

    assert_int_equal(SG_OK, vt->create(store.spaces.self, "team", "", &as_bob, &other));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, crash, NULL, NULL, NULL));
    contract_store_reopen(&store);
    assert_int_equal(1, count_raw(db, left));
    assert_int_equal(1, contract_event_count(&store, other.space.id));
    sqlite3_close(db);
    contract_store_fini(&store);
}

/* -- the writer ---------------------------------------------------------------------------------
 */

static enum sg_err insert_user(struct sqlite_conn *c, void *ctx)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_USER_INSERT);
    sqlite_query_text(&q, ctx);
    sqlite_query_int(&q, SG_ROLE_MEMBER);
    sqlite_query_int(&q, 0);
    sqlite_query_text(&q, "x");
    sqlite_query_int(&q, 1);
    return sqlite_query_run(&q);
}

/* Every second write fails after it has changed something: it alone is undone. */
static enum sg_err insert_and_fail(struct sqlite_conn *c, void *ctx)
{
    enum sg_err err = insert_user(c, ctx);
    return err ? err : SG_ERR_CONFLICT;
}

struct batch {
    struct contract_store store;
    atomic_size_t bad;
};

static void write_some(void *ctx, size_t index)
{
    struct batch *b = ctx;
    for (unsigned i = 0; i < 40; i++) {
        char name[SG_USER_NAME_SIZE];
        (void)snprintf(name, sizeof(name), "u%zu-%u-%s", index, i, i % 2 ? "bad" : "good");
        enum sg_err err =
            sqlite_write(b->store.handle, i % 2 ? insert_and_fail : insert_user, name);
        struct user_record got;
        enum sg_err read = b->store.users.vt->get_by_name(b->store.users.self, name, &got);
        if (err != (i % 2 ? SG_ERR_CONFLICT : SG_OK) || read != (i % 2 ? SG_ERR_NOT_FOUND : SG_OK))
            atomic_fetch_add(&b->bad, 1);
    }
}

static void test_batches(void **state)
{
    (void)state;
    struct batch b = {.bad = 0};
    contract_store_init(&b.store, &sqlite_engine);
    int64_t writes = metrics_get(SG_METRIC_DB_WRITES), commits = metrics_get(SG_METRIC_DB_COMMITS);
    contract_threads(64, write_some, &b); /* more threads than reading connections */
    assert_int_equal(0, b.bad);
    writes = metrics_get(SG_METRIC_DB_WRITES) - writes;
    commits = metrics_get(SG_METRIC_DB_COMMITS) - commits;
    print_message("%d writes in %d commits\n", (int)writes, (int)commits);
    assert_int_equal(64 * 40, writes);
    assert_true(commits < writes);
    assert_int_equal(SG_OK, sqlite_store_status(b.store.handle));
    size_t users = 0, admins = 0;
    assert_int_equal(SG_OK, b.store.users.vt->count(b.store.users.self, &users, &admins));
    assert_int_equal(64 * 20, users);
    contract_store_fini(&b.store);
}

/* Readers leave their transaction open for the next one; the log must not grow for that, and what
 * was committed is seen at once. */
static void test_idle_readers(void **state)
{
    (void)state;
    struct contract_store store;
    struct user_record got;
    struct stat log;
    contract_store_init(&store, &sqlite_engine);
    for (unsigned i = 0; i < 2000; i++) {
        char name[SG_USER_NAME_SIZE];
        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_int_equal(SG_ERR_NOT_FOUND,
                         store.users.vt->get_by_name(store.users.self, name, &got));
        assert_int_equal(SG_OK, sqlite_write(store.handle, insert_user, name));
        assert_int_equal(SG_OK, store.users.vt->get_by_name(store.users.self, name, &got));
    }
    char *path = file_join(store.dir, "secgate.db-wal");
    assert_int_equal(0, stat(path, &log));
    assert_true(log.st_size < 8 << 20); /* 2000 writes of about five pages are 40 MB */
    free(path);
    contract_store_fini(&store);
}

/* A transaction that is lost altogether fails all who were in it, and only them. */
static enum sg_err lose_transaction(struct sqlite_conn *c, void *ctx)
{
    (void)ctx;
    enum sg_err err = sqlite_conn_exec(c, "ROLLBACK");
    return err ? err : SG_ERR_IO;
}

static void test_lost_transaction(void **state)
{
    (void)state;
    struct contract_store store;
    struct user_record got;
    contract_store_init(&store, &sqlite_engine);
    assert_int_equal(SG_ERR_IO, sqlite_write(store.handle, lose_transaction, NULL));
    assert_int_equal(SG_ERR_IO, sqlite_store_status(store.handle));
    char name[] = "after";
    assert_int_equal(SG_OK, sqlite_write(store.handle, insert_user, name));
    assert_int_equal(SG_OK, store.users.vt->get_by_name(store.users.self, "after", &got));
    assert_int_equal(SG_OK, sqlite_store_status(store.handle));
    /* Without writes an empty one finds out. */
    assert_int_equal(SG_ERR_IO, sqlite_write(store.handle, lose_transaction, NULL));
    for (unsigned i = 0; i < 100 && sqlite_store_status(store.handle); i++)
        usleep(100000);
    assert_int_equal(SG_OK, sqlite_store_status(store.handle));
    contract_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_plans),      cmocka_unit_test(test_page_cost),
        cmocka_unit_test(test_file_mode),        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_batches),          cmocka_unit_test(test_lost_transaction),
        cmocka_unit_test(test_idle_readers),     cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_upgrade_sessions), cmocka_unit_test(test_sweep),
    };
    int failed = contract_users(&sqlite_engine);
    failed += contract_sessions(&sqlite_engine);
    failed += contract_files(&sqlite_engine);
    failed += contract_files_order(&sqlite_engine);
    failed += contract_files_move(&sqlite_engine);
    failed += contract_spaces(&sqlite_engine);
    failed += contract_members(&sqlite_engine);
    failed += contract_signatures(&sqlite_engine);
    failed += contract_audit(&sqlite_engine);
    failed += contract_tokens(&sqlite_engine);
    failed += contract_factors(&sqlite_engine);
    failed += contract_oauth(&sqlite_engine);
    failed += contract_certificates(&sqlite_engine);
    failed += cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
    return failed;
}
