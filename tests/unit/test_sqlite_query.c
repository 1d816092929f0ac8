/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of statements: what an ending writes, and that a connection always comes back. */
#include "sqlite_engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "store/sqlite_internal.h"

#define MANY (2 * SG_SQLITE_READERS_MAX) /* who does not give back would wait for ever */

static struct contract_store store;

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, &sqlite_engine);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;
    char *path = file_join(store.dir, "secgate.db");
    assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
    assert_int_equal(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL));
    sqlite3_close(db);
    free(path);
}

static void name_read(struct sqlite_query *q, void *to)
{
    sqlite_query_get_text(q, 1, to, 4);
}

static const struct sqlite_row name_row = {4, name_read};

/* A query for the user of a name. */
static void begin(struct sqlite_query *q, const char *name)
{
    sqlite_query_open(q, store.handle, SG_SQL_USER_BY_NAME);
    sqlite_query_text(q, name);
}

static void test_endings(void **state)
{
    (void)state;
    struct sqlite_query q;
    char one[4] = "xyz", rows[2][4] = {"xyz", "xyz"};
    int64_t numbers[1] = {4711};
    size_t count = 4711;
    bool found = false;
    (void)contract_user_add(&store, "ann", SG_ROLE_MEMBER);
    (void)contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    for (unsigned i = 0; i < MANY; i++) {
        begin(&q, "ann");
        assert_int_equal(SG_OK, sqlite_query_one(&q, &name_row, one));
        assert_string_equal("ann", one);
        begin(&q, "nobody");
        assert_int_equal(SG_ERR_NOT_FOUND, sqlite_query_one(&q, &name_row, one));
        assert_string_equal("ann", one);
        begin(&q, "ann");
        assert_int_equal(SG_OK, sqlite_query_found(&q, &found));
        assert_true(found);
        begin(&q, NULL); /* equal to nothing */
        assert_int_equal(SG_OK, sqlite_query_found(&q, &found));
        assert_false(found);
        begin(&q, "bob");
        assert_int_equal(SG_OK, sqlite_query_numbers(&q, 1, numbers));
        assert_int_not_equal(0, numbers[0]);
        begin(&q, "nobody");
        assert_int_equal(SG_OK, sqlite_query_numbers(&q, 1, numbers));
        assert_int_equal(0, numbers[0]);
        sqlite_query_open(&q, store.handle, SG_SQL_USER_LIST);
        sqlite_query_text(&q, "");
        sqlite_query_int(&q, 5);
        assert_int_equal(SG_OK, sqlite_query_rows(&q, &name_row, 1, rows, &count));
        assert_int_equal(1, count);
        assert_string_equal("ann", rows[0]);
        assert_string_equal("xyz", rows[1]);
    }
}

/* A row that is wrong is an error, and nothing is written. */
static void test_corrupt(void **state)
{
    (void)state;
    struct user_record user = {.id = 4711}, list[2];
    struct sqlite_query q;
    char name[4] = "xyz";
    size_t count = 4711;
    (void)contract_user_add(&store, "ann", SG_ROLE_MEMBER);
    (void)contract_user_add(&store, "longer", SG_ROLE_MEMBER);
    change("UPDATE users SET role = 9 WHERE name = 'ann'");
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(SG_ERR_CORRUPT,
                         store.users.vt->get_by_name(store.users.self, "ann", &user));
        assert_int_equal(4711, user.id);
        assert_int_equal(SG_ERR_CORRUPT,
                         store.users.vt->list(store.users.self, "", 2, list, &count));
        assert_int_equal(4711, count);
        begin(&q, "longer");
        assert_int_equal(SG_ERR_CORRUPT, sqlite_query_one(&q, &name_row, name));
        assert_string_equal("xyz", name);
    }
}

/* The first error of a run is the one that comes back, whatever is done after it. */
static void test_first_error(void **state)
{
    (void)state;
    struct sqlite_query q;
    bool found = true;
    for (unsigned i = 0; i < MANY; i++) {
        begin(&q, "ann");
        sqlite_query_fail(&q, SG_ERR_BAD_FIELD);
        sqlite_query_fail(&q, SG_ERR_IO);
        sqlite_query_int(&q, 1); /* a parameter too many */
        assert_false(sqlite_query_next(&q));
        assert_int_equal(SG_ERR_BAD_FIELD, sqlite_query_found(&q, &found));
        assert_true(found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_endings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_corrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_error, setup, teardown),
    };
    return cmocka_run_group_tests_name("statements of sqlite", tests, NULL, NULL);
}
