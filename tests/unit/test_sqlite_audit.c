/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log in SQLite, beyond its contract: what a page by time costs, and the index that a log
 * of an earlier release gets. */
#include "sqlite_engine.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "store/sqlite_internal.h"

static int count_step(void *ctx)
{
    (*(unsigned *)ctx)++;
    return 0;
}

/* Instructions of the virtual machine, in hundreds, for a page of the audit log. */
static unsigned audit_cost(struct contract_store *store, const struct audit_query *query)
{
    static struct audit_row page[100];
    struct audit_store audit = sqlite_engine.audit(store->handle);
    struct audit_range range;
    struct sqlite_conn *c = NULL;
    unsigned steps = 0;
    size_t count = 0;
    struct arena *arena = arena_new((size_t)1 << 20);
    /* The one that was given back last is taken first. */
    assert_int_equal(SG_OK, sqlite_conn_acquire(store->handle, &c));
    sqlite3_progress_handler(c->db, 100, count_step, &steps);
    sqlite_conn_release(store->handle, c);
    assert_int_equal(SG_OK, audit.vt->list(audit.self, query, arena, page, &count, &range));
    assert_int_equal(query->limit, count);
    sqlite3_progress_handler(c->db, 0, NULL, NULL);
    arena_free(arena);
    return steps;
}

/* A page by time costs about the same wherever it is, under a clock that was set back, too. */
static void test_audit_cost(void **state)
{
    (void)state;
    struct contract_store store;
    contract_store_init(&store, &sqlite_engine);
    sqlite3 *db = sqlite_engine_raw(store.dir);
    assert_int_equal(
        SQLITE_OK,
        sqlite3_exec(
            db,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
            " 200000) INSERT INTO audit SELECT i, iif(i BETWEEN 90000 AND 92000, i - 89999, i),"
            " i % 3, iif(i % 1000 = 0, 'rare', 'ann'), '{}', zeroblob(32) FROM n",
            NULL, NULL, NULL));
    sqlite3_close(db);
    struct audit_query query = {.since_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = 50};
    unsigned first = audit_cost(&store, &query);
    unsigned most = 0;
    for (unsigned i = 0; i < 8; i++) {
        query.newest = i % 2;
        query.since_ns = i / 2 % 2 ? 100000 : INT64_MIN;
        query.until_ns = i / 2 % 2 ? 100100 : 5000;
        query.actor = i / 4 ? "ann" : NULL;
        unsigned cost = audit_cost(&store, &query);
        most = cost > most ? cost : most;
    }
    print_message("the first page: %u00 steps, by time at most %u00\n", first, most);
    assert_in_range(most, 1, 800); /* a walk over all of it takes 20000 */
    contract_store_fini(&store);
}

/* A log of an earlier release gets its index. */
static void test_upgrade_audit(void **state)
{
    (void)state;
    struct contract_store store;
    struct audit_query query = {.since_ns = 2, .until_ns = 3, .limit = 10};
    struct audit_range range;
    struct audit_row page[10];
    size_t count = 0;
    struct arena *arena = arena_new(65536);
    sqlite_engine_open_old(
        &store, 5,
        "INSERT INTO audit VALUES(1, 1, 0, 'ann', '{}', zeroblob(32)),"
        " (2, 2, 0, 'ann', '{}', zeroblob(32)), (3, 1, 0, 'ann', '{}', zeroblob(32));");
    struct audit_store audit = sqlite_engine.audit(store.handle);
    assert_int_equal(SG_OK, audit.vt->list(audit.self, &query, arena, page, &count, &range));
    assert_int_equal(1, count);
    assert_int_equal(2, page[0].seq);
    assert_int_equal(3, range.head_seq);
    arena_free(arena);
    contract_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit_cost),
        cmocka_unit_test(test_upgrade_audit),
    };
    return cmocka_run_group_tests_name("audit log in sqlite", tests, NULL, NULL);
}
