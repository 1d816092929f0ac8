/* SPDX-License-Identifier: Apache-2.0 */
/* The event log in SQLite: the contract, and what is its own: events of writes that are undone,
 * lost transactions, texts that are gone from the file, cost of pages. */
#include "events_fixture.h"
#include "sqlite_engine.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/sqlite_internal.h"

static struct events_fixture f;

static int setup(void **state)
{
    (void)state;
    events_fixture_init(&f, &sqlite_engine);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    events_fixture_fini(&f);
    return 0;
}

static void check_chain(void)
{
    size_t count;
    assert_true(events_chain_holds(&f, f.space[0], &count));
}

/* -- what is undone -------------------------------------------------------------------------------
 */

static _Atomic size_t sunk;
static _Atomic uint64_t sunk_last;

static void sink(void *ctx, struct event *const *events, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++) {
        if (events[i]->seq != sunk_last + 1)
            abort();
        sunk_last = events[i]->seq;
    }
    sunk += count;
}

static void sink_set(void)
{
    uint64_t head;
    assert_int_equal(SG_OK, EVENTS(&f, head, &head));
    sunk = 0;
    sunk_last = head;
    EVENTS(&f, set_sink, sink, NULL);
}

static enum sg_err append(struct sqlite_conn *c, void *ctx)
{
    struct event_draft draft = {
        .type = SG_EVENT_MEMBER_ADDED, .sender = "alice", .member = ctx, .role = "reader"};
    return sqlite_events_append(c, f.space[0], f.alice.id, &draft);
}

static enum sg_err append_and_fail(struct sqlite_conn *c, void *ctx)
{
    enum sg_err err = append(c, ctx);
    if (!err)
        err = append(c, ctx);
    return err ? err : SG_ERR_CONFLICT;
}

static enum sg_err append_and_lose(struct sqlite_conn *c, void *ctx)
{
    enum sg_err err = append(c, ctx);
    if (!err)
        err = sqlite_conn_exec(c, "ROLLBACK");
    return err ? err : SG_ERR_IO;
}

static void append_some(void *ctx, size_t index)
{
    _Atomic size_t *bad = ctx;
    char name[] = "bob";
    for (size_t i = 0; i < 30; i++) {
        enum sg_err err =
            sqlite_write(f.store.handle, (index + i) % 2 ? append : append_and_fail, name);
        if (err != ((index + i) % 2 ? SG_OK : SG_ERR_CONFLICT))
            atomic_fetch_add(bad, 1);
    }
}

static void test_undone(void **state)
{
    (void)state;
    _Atomic size_t bad = 0;
    sink_set();
    contract_threads(16, append_some, &bad);
    assert_int_equal(0, bad);
    assert_int_equal(16 * 15, sunk);
    check_chain();
}

static enum sg_err hold(struct sqlite_conn *c, void *ctx)
{
    sem_t *sems = ctx; /* it runs; it may end */
    (void)c;
    (void)sem_post(&sems[0]);
    (void)sem_wait(&sems[1]);
    return SG_OK;
}

static enum sg_err demote_alice(struct sqlite_conn *c, void *ctx)
{
    struct event_draft draft = {.type = SG_EVENT_MEMBER_UPDATED,
                                .sender = "bob",
                                .member = "alice",
                                .member_id = f.alice.id,
                                .role = "reader"};
    (void)ctx;
    return sqlite_events_append(c, f.space[0], f.bob.id, &draft);
}

static void nothing(struct sqlite_job *job)
{
    (void)job;
}

static enum sg_err allow(void *ctx)
{
    (void)ctx;
    return SG_OK;
}

struct mixed_post {
    struct event_post post; /* first */
    sem_t *done;
};

static void mixed_done(struct event_post *post)
{
    (void)sem_post(((struct mixed_post *)post)->done);
}

/* Whose membership changes in a batch is judged anew before what follows it there; others and other
 * spaces go on. */
static void test_same_batch(void **state)
{
    (void)state;
    struct mixed_post posts[4];
    static const enum sg_err expected[] = {SG_ERR_CONFLICT, SG_OK, SG_OK, SG_OK};
    sem_t held[2], done;
    (void)sem_init(&held[0], 0, 0);
    (void)sem_init(&held[1], 0, 0);
    (void)sem_init(&done, 0, 0);
    struct sqlite_job first = {.run = hold, .ctx = held, .finish = nothing};
    struct sqlite_job second = {.run = demote_alice, .finish = nothing};
    assert_int_equal(SG_OK, sqlite_write_later(f.store.handle, &first));
    (void)sem_wait(&held[0]);
    assert_int_equal(SG_OK, sqlite_write_later(f.store.handle, &second));
    for (size_t i = 0; i < 4; i++) {
        posts[i] = (struct mixed_post){.post = events_post_make(&f, "x"), .done = &done};
        posts[i].post.done = mixed_done;
        posts[i].post.check = i < 3 ? allow : NULL;
    }
    posts[1].post.sender_id = f.bob.id;
    posts[1].post.sender = f.bob.name;
    posts[2].post.space_id = f.space[1];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(SG_OK, EVENTS(&f, post, &posts[i].post));
    (void)sem_post(&held[1]);
    for (size_t i = 0; i < 4; i++)
        (void)sem_wait(&done);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(expected[i], posts[i].post.result);
        event_unref(posts[i].post.event);
    }
    struct event_post later = events_post_make(&f, "x"); /* the sink has heard of it by now */
    later.check = allow;
    assert_int_equal(SG_OK, events_post_wait(&f, &later));
    event_unref(later.event);
    (void)sem_destroy(&held[0]);
    (void)sem_destroy(&held[1]);
    (void)sem_destroy(&done);
    check_chain();
}

#define MIXED 200

/* Posts around writes that lose the transaction: each is there or has failed, none is in between.
 */
static void test_lost(void **state)
{
    (void)state;
    static struct mixed_post posts[MIXED];
    sem_t done;
    size_t there = 0, lost = 0;
    char name[] = "bob";
    (void)sem_init(&done, 0, 0);
    sink_set();
    for (size_t i = 0; i < MIXED; i++) {
        posts[i] = (struct mixed_post){.post = events_post_make(&f, "x"), .done = &done};
        posts[i].post.done = mixed_done;
        assert_int_equal(SG_OK, EVENTS(&f, post, &posts[i].post));
        if (i % 20 == 10)
            assert_int_equal(SG_ERR_IO, sqlite_write(f.store.handle, append_and_lose, name));
    }
    for (size_t i = 0; i < MIXED; i++)
        while (sem_wait(&done) != 0)
            ;
    (void)sem_destroy(&done);
    for (size_t i = 0; i < MIXED; i++) {
        struct event_post *post = &posts[i].post;
        there += post->result == SG_OK;
        lost += post->result == SG_ERR_IO;
        assert_true((post->result == SG_OK) == (post->event != NULL));
        event_unref(post->event);
    }
    assert_int_equal(MIXED, there + lost);
    assert_true(lost > 0);
    assert_int_equal(there, sunk);
    check_chain();
    events_say(&f, f.space[0], "goes on");
    check_chain();
}

/* -- what is wiped --------------------------------------------------------------------------------
 */

static bool file_has(const char *name, const char *needle)
{
    char *path = file_join(f.store.dir, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(0, fseek(file, 0, SEEK_END));
    size_t size = (size_t)ftell(file);
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(size, fread(bytes, 1, size, file));
    (void)fclose(file);
    bool found = memmem(bytes, size, needle, strlen(needle)) != NULL;
    free(bytes);
    free(path);
    return found;
}

/* Texts that were removed are not left in free parts of the file, long ones neither. */
static void test_wiped(void **state)
{
    (void)state;
    static const char *const secrets[] = {"a short secret", "a changed secret", "a long secret",
                                          "a pruned secret"};
    char text[12000];
    struct event_revision r = {.space_id = f.space[0],
                               .actor_id = f.alice.id,
                               .actor = f.alice.name,
                               .text = secrets[1],
                               .text_len = strlen(secrets[1]),
                               .now_ns = 1};
    static const char guess[] = "thirty-two bytes of fingerprint.";
    struct event *e = NULL;
    size_t removed;
    struct event_post keyed = events_post_make(&f, "this text stays, too");
    keyed.idempotency_key = "key";
    memcpy(keyed.fingerprint, guess, SG_DIGEST_SIZE);
    events_say(&f, f.space[0], secrets[3]);
    assert_int_equal(SG_OK, EVENTS(&f, prune, f.space[0], INT64_MAX, 0, 100, &removed));
    memset(text, '.', sizeof(text));
    memcpy(text + 100, secrets[2], strlen(secrets[2]));
    memcpy(text + 11900, secrets[2], strlen(secrets[2]));
    text[sizeof(text) - 1] = '\0';
    uint64_t both[] = {events_say(&f, f.space[0], secrets[0]), events_say(&f, f.space[0], text)};
    events_say(&f, f.space[0], "this text stays");
    assert_int_equal(SG_OK, events_post_wait(&f, &keyed));
    event_unref(keyed.event);
    contract_store_reopen(&f.store);
    assert_true(file_has("secgate.db", secrets[0]) && file_has("secgate.db", secrets[2]));
    for (unsigned i = 0; i < 4; i++) {
        r.target = both[i / 2];
        if (i % 2)
            r.text = NULL;
        else
            r.text = secrets[1];
        assert_int_equal(SG_OK, EVENTS(&f, revise, &r, &e));
        event_unref(e);
    }
    contract_store_reopen(&f.store); /* moves everything from the log into the file */
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        assert_false(file_has("secgate.db", secrets[i]));
    assert_true(file_has("secgate.db", "this text stays"));
    assert_false(file_has("secgate.db", guess)); /* without a salt a short text could be found */
    check_chain();
}

/* -- cost -----------------------------------------------------------------------------------------
 */

/* Steps of the virtual machine for up to 50 rows from the middle of space `space`. */
static int cost(sqlite3 *db, enum sqlite_sql id, int64_t space, int count, int *ret_rows)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(SQLITE_OK, sqlite3_prepare_v2(db, sqlite_sql_text(id), -1, &stmt, NULL));
    int64_t base = space * 1000000;
    sqlite3_bind_int64(stmt, 1, space);
    if (id == SG_SQL_EVENT_OLDEST) {
        sqlite3_bind_int64(stmt, 2, 50);
    } else {
        sqlite3_bind_int64(stmt, 2, base + count / 4);
        sqlite3_bind_int64(stmt, 3, base + count - count / 4);
        sqlite3_bind_int64(stmt, 4, 50);
        if (sqlite3_bind_parameter_count(stmt) > 4)
            sqlite3_bind_int64(stmt, 5, SG_EVENT_MESSAGE);
    }
    for (*ret_rows = 0; sqlite3_step(stmt) == SQLITE_ROW;)
        ++*ret_rows;
    int steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
    sqlite3_finalize(stmt);
    return steps;
}

/* Space 98 has 100 events, 99 has 200,000; one in ten, or in a thousand, is a message. */
static void test_cost(void **state)
{
    (void)state;
    static const enum sqlite_sql ids[] = {SG_SQL_EVENT_KEYS, SG_SQL_EVENT_KEYS_DESC,
                                          SG_SQL_TYPE_KEYS, SG_SQL_TYPE_KEYS_DESC,
                                          SG_SQL_EVENT_OLDEST};
    sqlite3 *db = NULL;
    char *path = file_join(f.store.dir, "secgate.db");
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    free(path);
    for (int space = 98; space <= 99; space++) {
        char *sql = sqlite3_mprintf(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)"
            " INSERT INTO events SELECT %d * 1000000 + i, %d, iif(i %% %d, 3, 0), 0, 1, i, 0,"
            " zeroblob(32), '{}', NULL, NULL FROM n",
            space == 98 ? 100 : 200000, space, space, space == 98 ? 10 : 1000);
        assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
        sqlite3_free(sql);
    }
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        int few = 0, many = 0;
        int small = cost(db, ids[i], 98, 100, &few), large = cost(db, ids[i], 99, 200000, &many);
        print_message("statement %u: %d steps for %d rows of 100, %d for %d of 200000\n", ids[i],
                      small, few, large, many);
        assert_true(few > 0 && many >= few);
        assert_true(large < 40 * (many + 1));
    }
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_undone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wiped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cost, setup, teardown),
    };
    int failed = contract_events(&sqlite_engine);
    failed += contract_events_race(&sqlite_engine);
    failed += cmocka_run_group_tests_name("events in sqlite", tests, NULL, NULL);
    return failed;
}
