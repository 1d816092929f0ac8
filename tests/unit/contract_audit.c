/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the audit log. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/audittext.h"

#define AUDIT(call, ...) audit.vt->call(audit.self, __VA_ARGS__)
#define THREADS          8
#define EACH             25

static struct contract_store store;
static struct audit_store audit;
static const struct contract_engine *tested;
static struct arena *arena;
static struct audit_row rows[1000];
static struct audit_range range;

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    audit = tested->audit(store.handle);
    arena = arena_new((size_t)16 << 20);
    assert_non_null(arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    contract_store_fini(&store);
    return 0;
}

static void reopen(void)
{
    contract_store_reopen(&store);
    audit = tested->audit(store.handle);
}

static struct audit_entry entry(enum audit_type type, const char *actor, int64_t at_ns)
{
    struct audit_entry e = {.type = type, .at_ns = at_ns};
    (void)snprintf(e.actor, sizeof(e.actor), "%s", actor);
    return e;
}

static void add(enum audit_type type, const char *actor, int64_t at_ns)
{
    struct audit_entry e = entry(type, actor, at_ns);
    assert_int_equal(SG_OK, AUDIT(append, &e));
}

static size_t list(const struct audit_query *query)
{
    size_t count = 0;
    arena_reset(arena);
    assert_int_equal(SG_OK, AUDIT(list, query, arena, rows, &count, &range));
    return count;
}

static struct audit_query all(void)
{
    return (struct audit_query){.since_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 1000};
}

/* What is listed continues from a number and a chain value without a gap to the head. */
static void check_chain(void)
{
    struct audit_query query = all();
    uint8_t chain[SG_DIGEST_SIZE];
    size_t count = list(&query);
    uint64_t seq = range.pruned_seq;
    memcpy(chain, range.pruned_chain, sizeof(chain));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(++seq, rows[i].seq);
        assert_int_equal(strlen(rows[i].canonical), rows[i].len);
        audittext_chain(chain, rows[i].canonical, rows[i].len, chain);
        assert_memory_equal(chain, rows[i].chain, sizeof(chain));
    }
    assert_int_equal(seq, range.head_seq);
    assert_memory_equal(chain, range.head_chain, sizeof(chain));
}

static void test_empty(void **state)
{
    (void)state;
    static const uint8_t zero[SG_DIGEST_SIZE];
    struct audit_query query = all();
    assert_int_equal(0, list(&query));
    assert_int_equal(0, range.head_seq);
    assert_int_equal(0, range.pruned_seq);
    assert_memory_equal(zero, range.head_chain, sizeof(zero));
}

static void test_chain(void **state)
{
    (void)state;
    struct audit_query query = all();
    struct audit_entry e = entry(SG_AUDIT_LOGIN, "alice", 1795190534123999999);
    e.has_session = true;
    memset(e.session_id, 0xab, sizeof(e.session_id));
    (void)snprintf(e.subject, sizeof(e.subject), "\"x\"\n");
    (void)snprintf(e.details, sizeof(e.details), "{\"n\":1}");
    e.result = SG_ERR_USER_DISABLED;
    assert_int_equal(SG_OK, AUDIT(append, &e));
    add(SG_AUDIT_LOGOUT, "", 5);
    assert_int_equal(2, list(&query));
    assert_string_equal("{\"actor\":\"alice\",\"at\":\"2026-11-20T16:02:14.123Z\",\"details\":{"
                        "\"n\":1},\"result\":\"user-disabled\",\"seq\":1,\"session_id\":"
                        "\"abababababababababababababababab\",\"subject\":\"\\\"x\\\"\\n\","
                        "\"type\":\"login\"}",
                        rows[0].canonical);
    assert_string_equal("{\"at\":\"1970-01-01T00:00:00.000Z\",\"result\":\"ok\",\"seq\":2,"
                        "\"type\":\"logout\"}",
                        rows[1].canonical);
    check_chain();
    reopen();
    check_chain();
    add(SG_AUDIT_LOGIN, "bob", 6);
    check_chain();
    assert_int_equal(3, range.head_seq);
}

static void test_long_texts(void **state)
{
    (void)state;
    struct audit_entry e = {.type = SG_AUDIT_LOGIN};
    memset(e.actor, 1, sizeof(e.actor) - 1); /* six bytes each as JSON */
    memset(e.subject, 2, sizeof(e.subject) - 1);
    memset(e.address, 3, sizeof(e.address) - 1);
    memset(e.request_id, 4, sizeof(e.request_id) - 1);
    assert_int_equal(SG_OK, AUDIT(append, &e));
    check_chain();
}

static void lost(void *ctx, uint64_t count, enum sg_err why)
{
    (void)ctx;
    (void)count;
    (void)fprintf(stderr, "lost: %s\n", err_code(why));
}

static void add_later(void *ctx, size_t index)
{
    (void)ctx;
    const struct audit_loss loss = {.tell = lost, .count = 1};
    struct audit_entry e = entry(SG_AUDIT_LOGIN_FAILED, "", 10);
    for (unsigned i = 0; i < EACH; i++) {
        enum sg_err err = index % 2 ? AUDIT(append, &e) : AUDIT(append_later, &e, &loss);
        if (err)
            (void)fprintf(stderr, "append: %s\n", err_code(err));
    }
}

static void test_parallel(void **state)
{
    (void)state;
    contract_threads(THREADS, add_later, NULL);
    add(SG_AUDIT_LOGIN, "last", 1); /* after all of them */
    check_chain();
    assert_int_equal(THREADS * EACH + 1, range.head_seq);
}

static void test_queries(void **state)
{
    (void)state;
    for (int i = 1; i <= 60; i++)
        add(i % 2 ? SG_AUDIT_LOGIN : SG_AUDIT_LOGOUT, i % 3 ? "ann" : "bob", 1000 * i);
    struct audit_query query = all();
    query.limit = 10;
    assert_int_equal(10, list(&query));
    assert_int_equal(1, rows[0].seq);
    query.after = 55;
    assert_int_equal(5, list(&query));
    assert_int_equal(56, rows[0].seq);
    query = all();
    query.newest = true;
    query.limit = 10;
    assert_int_equal(10, list(&query));
    assert_int_equal(51, rows[0].seq);
    assert_int_equal(60, rows[9].seq);
    query.before = 51;
    assert_int_equal(10, list(&query));
    assert_int_equal(41, rows[0].seq);
    for (unsigned newest = 0; newest < 2; newest++) {
        enum audit_type type = SG_AUDIT_LOGOUT;
        query = all();
        query.newest = newest;
        query.actor = "bob";
        assert_int_equal(20, list(&query));
        assert_int_equal(3, rows[0].seq);
        query.type = &type;
        assert_int_equal(10, list(&query));
        assert_int_equal(6, rows[0].seq);
        query.actor = NULL;
        assert_int_equal(30, list(&query));
        assert_int_equal(2, rows[0].seq);
        query.since_ns = 20000;
        query.until_ns = 40000;
        assert_int_equal(10, list(&query));
        assert_int_equal(20, rows[0].seq);
        assert_int_equal(38, rows[9].seq);
        query.actor = "nobody";
        assert_int_equal(0, list(&query));
    }
    query = all();
    query.after = UINT64_MAX;
    assert_int_equal(0, list(&query));
}

/* Times and actors of entries that come in more segments of an index than one, under a clock that
 * was wrong at first, set back for an hour, and once far ahead. */
#define TIMED 5000

static int64_t time_of(uint64_t seq)
{
    if (seq <= 20)
        return (int64_t)seq;
    if (seq >= 2500 && seq < 2900)
        return 1000 * (int64_t)(seq - 1500);
    return seq == 3333 ? INT64_MAX - 1 : 1000 * (int64_t)seq;
}

static enum audit_type type_of(uint64_t seq)
{
    return seq % 700 == 5 ? SG_AUDIT_KEY_CREATED : SG_AUDIT_LOGIN;
}

static const char *actor_of(uint64_t seq)
{
    return seq % 900 == 7 ? "rare" : seq % 2 ? "ann" : "bob";
}

static bool matches(const struct audit_query *query, uint64_t seq)
{
    int64_t ns = time_of(seq);
    return seq > query->after && (!query->before || seq < query->before) && ns >= query->since_ns &&
           ns < query->until_ns && (!query->type || *query->type == type_of(seq)) &&
           (!query->actor || strcmp(query->actor, actor_of(seq)) == 0);
}

/* What is listed against what a look at every entry finds. */
static void check_query(const struct audit_query *query, uint64_t pruned)
{
    uint64_t want[1000];
    size_t count = 0, found = list(query);
    for (uint64_t i = 1; i <= TIMED && count < query->limit; i++) {
        uint64_t seq = query->newest ? TIMED + 1 - i : i;
        if (seq > pruned && matches(query, seq))
            want[count++] = seq;
    }
    assert_int_equal(count, found);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(want[query->newest ? count - 1 - i : i], rows[i].seq);
}

static void check_times(uint64_t pruned)
{
    static const int64_t times[] = {INT64_MIN, 0,       15,      1000000, 1024000,       1200000,
                                    2499000,   2500000, 3333000, 4999000, INT64_MAX - 1, INT64_MAX};
    static const enum audit_type types[] = {SG_AUDIT_KEY_CREATED, SG_AUDIT_LOGIN};
    static const char *const actors[] = {"rare", "ann", "nobody"};
    const size_t count = sizeof(times) / sizeof(times[0]);
    for (unsigned i = 0; i < count * count * 2 * 3 * 4; i++) {
        unsigned rest = i / (unsigned)(count * count * 2);
        struct audit_query query = {.since_ns = times[i % count],
                                    .until_ns = times[i / count % count],
                                    .newest = i / (count * count) % 2,
                                    .limit = rest % 3 == 0 ? 1000 : 7};
        if (rest % 3 == 2) {
            query.after = 1023;
            query.before = 4097;
        }
        query.type = rest / 3 == 1 || rest / 3 == 3 ? &types[i % 2] : NULL;
        query.actor = rest / 3 >= 2 ? actors[i % 3] : NULL;
        check_query(&query, pruned);
    }
}

static void test_times(void **state)
{
    (void)state;
    const struct audit_loss loss = {.tell = lost, .count = 1};
    for (uint64_t seq = 1; seq <= TIMED; seq++) {
        struct audit_entry e = entry(type_of(seq), actor_of(seq), time_of(seq));
        /* One that is waited for now and then: the queue has an end. */
        if (seq % 1000 == 0)
            assert_int_equal(SG_OK, AUDIT(append, &e));
        else
            assert_int_equal(SG_OK, AUDIT(append_later, &e, &loss));
    }
    check_times(0);
    const struct audit_cut cut = {.before_ns = 1030000, .young_ns = INT64_MIN};
    size_t removed = 0;
    assert_int_equal(SG_OK, AUDIT(prune, &cut, TIMED, &removed));
    assert_int_equal(1029, removed);
    check_times(removed);
}

#define WRITERS 2
#define ROUNDS  200

struct view_job {
    atomic_uint writing;
    unsigned torn, errors;
};

/* Writes and prunes while somebody reads. */
static void churn(struct view_job *job)
{
    const struct audit_cut cut = {.before_ns = 1, .keep = 20, .young_ns = INT64_MAX};
    struct audit_entry e = entry(SG_AUDIT_LOGIN, "ann", 10);
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t removed = 0;
        if (AUDIT(append, &e) != SG_OK || AUDIT(prune, &cut, 10, &removed) != SG_OK)
            break;
    }
    atomic_fetch_sub(&job->writing, 1);
}

static void read_all(struct view_job *job)
{
    struct audit_query query = all();
    while (atomic_load(&job->writing) > 0) {
        size_t count = 0;
        arena_reset(arena);
        if (AUDIT(list, &query, arena, rows, &count, &range) != SG_OK)
            job->errors++;
        else if (range.head_seq - range.pruned_seq != count ||
                 (count > 0 && (rows[0].seq != range.pruned_seq + 1 ||
                                memcmp(rows[count - 1].chain, range.head_chain, SG_DIGEST_SIZE))))
            job->torn++;
    }
}

static void view_run(void *ctx, size_t index)
{
    if (index == 0)
        read_all(ctx);
    else
        churn(ctx);
}

/* Entries and range are of one moment. */
static void test_view(void **state)
{
    (void)state;
    struct view_job job = {.writing = WRITERS};
    contract_threads(1 + WRITERS, view_run, &job);
    assert_int_equal(0, job.errors);
    assert_int_equal(0, job.torn);
    check_chain();
    assert_int_equal(WRITERS * ROUNDS, range.head_seq);
}

static size_t prune_but(int64_t before_ns, uint64_t keep, int64_t young_ns, size_t batch)
{
    const struct audit_cut cut = {.before_ns = before_ns, .keep = keep, .young_ns = young_ns};
    size_t removed = 4711;
    assert_int_equal(SG_OK, AUDIT(prune, &cut, batch, &removed));
    return removed;
}

static size_t prune(int64_t before_ns, uint64_t keep, size_t batch)
{
    return prune_but(before_ns, keep, INT64_MAX, batch);
}

static void test_prune(void **state)
{
    (void)state;
    for (int i = 1; i <= 50; i++)
        add(SG_AUDIT_LOGIN, "ann", 1000 * i);
    assert_int_equal(0, prune(1000, 50, 100));
    assert_int_equal(9, prune(10000, 0, 100)); /* older than the tenth */
    check_chain();
    assert_int_equal(9, range.pruned_seq);
    assert_int_equal(5, prune(INT64_MIN, 20, 5)); /* by number, a part of it */
    assert_int_equal(16, prune(INT64_MIN, 20, 100));
    check_chain();
    assert_int_equal(30, range.pruned_seq);
    assert_int_equal(50, range.head_seq);
    reopen();
    check_chain();

    /* A clock that was set back: what comes after a young entry stays, whatever its time. */
    add(SG_AUDIT_LOGIN, "ann", 1);
    assert_int_equal(0, prune(31000, 0, 100));
    assert_int_equal(21, prune(INT64_MAX, 0, 100));
    check_chain();
    assert_int_equal(51, range.pruned_seq);
    assert_int_equal(51, range.head_seq);
    assert_int_equal(0, prune(INT64_MAX, 0, 100));
    add(SG_AUDIT_LOGIN, "ann", 2); /* numbers and the chain go on */
    check_chain();
    assert_int_equal(52, range.head_seq);
}

/* A flood does not push out what is young; what is too old goes all the same. */
static void test_prune_young(void **state)
{
    (void)state;
    for (int i = 1; i <= 50; i++)
        add(SG_AUDIT_LOGIN, "ann", 1000 * i);
    assert_int_equal(0, prune_but(INT64_MIN, 10, 1000, 100));
    assert_int_equal(4, prune_but(INT64_MIN, 10, 5000, 100));
    check_chain();
    assert_int_equal(4, range.pruned_seq);
    assert_int_equal(36, prune_but(INT64_MIN, 10, 45000, 100));
    assert_int_equal(1, prune_but(42000, 10, 1000, 100));
    check_chain();
    assert_int_equal(41, range.pruned_seq);
}

static void crash_run(void *ctx, int fd)
{
    (void)ctx;
    struct audit_entry e = entry(SG_AUDIT_LOGIN, "ann", 1);
    for (uint64_t done = 1;; done++) {
        if (AUDIT(append, &e) != SG_OK || write(fd, &done, sizeof(done)) != sizeof(done))
            return;
    }
}

static void crash_open(void *ctx, int fd)
{
    void *handle = NULL;
    if (tested->open(ctx, &handle) != SG_OK)
        return;
    audit = tested->audit(handle);
    crash_run(NULL, fd);
}

static void test_crash(void **state)
{
    (void)state;
    size_t groups = 0;
    tested->close(store.handle); /* a fork takes no threads along */
    uint64_t *done =
        (uint64_t *)(void *)contract_crash(crash_open, store.dir, sizeof(*done), 40, &groups);
    uint64_t last = groups ? done[groups - 1] : 0;
    free(done);
    assert_int_equal(SG_OK, tested->open(store.dir, &store.handle));
    audit = tested->audit(store.handle);
    check_chain();
    assert_true(last >= 40 && range.head_seq >= last);
}

int contract_audit(const struct contract_engine *engine)
{
    tested = engine;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parallel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_view, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prune, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prune_young, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
    };
    return cmocka_run_group_tests_name("audit log", tests, NULL, NULL);
}
