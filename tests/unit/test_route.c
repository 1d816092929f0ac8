/* SPDX-License-Identifier: Apache-2.0 */
/* Matching of the route table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/route.h"

#define ROW(m, p, id)                                                                              \
    {                                                                                              \
        .method = (m), .pattern = (p), .operation_id = (id)                                        \
    }

static const struct route table[] = {
    ROW(SG_METHOD_GET, "/", "index"),
    ROW(SG_METHOD_GET, "/v1/users", "users_list"),
    ROW(SG_METHOD_POST, "/v1/users", "users_create"),
    ROW(SG_METHOD_PATCH, "/v1/users/{name}", "users_update"),
    ROW(SG_METHOD_GET, "/v1/users/{name}", "users_get"),
    ROW(SG_METHOD_GET, "/v1/users/me", "users_me"),
    ROW(SG_METHOD_GET, "/v1/files/{path...}", "files_get"),
    ROW(SG_METHOD_PUT, "/v1/files/{path...}", "files_put"),
    ROW(SG_METHOD_GET, "/v1/files/{dir...}/", "files_list"),
    ROW(SG_METHOD_GET, "/v1/{kind}/special", "special"),
    ROW(SG_METHOD_GET, "/web/{file}", "web_asset"),
    ROW(SG_METHOD_GET, "/a/{x}/b/{y}", "two"),
};

static struct route_index *routes;

static int start(void **state)
{
    (void)state;
    routes = route_index_new(table, sizeof table / sizeof table[0]);
    return routes != NULL ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    route_index_free(routes);
    return 0;
}

static const char *find(enum http_method method, const char *path, struct route_match *m)
{
    route_find(routes, method, path, m);
    return m->route != NULL ? m->route->operation_id : "-";
}

static void check(enum http_method method, const char *path, const char *operation)
{
    struct route_match m;

    assert_string_equal(find(method, path, &m), operation);
}

static void test_literals(void **state)
{
    (void)state;
    check(SG_METHOD_GET, "/", "index");
    check(SG_METHOD_GET, "", "-");
    check(SG_METHOD_GET, "/v1/users", "users_list");
    check(SG_METHOD_HEAD, "/v1/users", "users_list");
    check(SG_METHOD_POST, "/v1/users", "users_create");
    check(SG_METHOD_GET, "/v1/users/", "-");
    check(SG_METHOD_GET, "/v1/usersx", "-");
    check(SG_METHOD_GET, "/v1/user", "-");
    check(SG_METHOD_GET, "//v1/users", "-");
    check(SG_METHOD_GET, "*", "-");
}

static void test_precedence(void **state)
{
    (void)state;
    check(SG_METHOD_GET, "/v1/users/me", "users_me");
    check(SG_METHOD_GET, "/v1/users/mex", "users_get");
    check(SG_METHOD_PATCH, "/v1/users/me", "users_update");
    check(SG_METHOD_GET, "/v1/users/special", "users_get");
    check(SG_METHOD_GET, "/v1/files/special", "files_get");
    check(SG_METHOD_GET, "/v1/other/special", "special");
}

static void test_captures(void **state)
{
    struct route_match m;

    (void)state;
    assert_string_equal(find(SG_METHOD_GET, "/a/one/b/two%2F", &m), "two");
    assert_int_equal(m.captures, 2);
    assert_memory_equal(m.capture[0].name, "x", 1);
    assert_memory_equal(m.capture[0].value, "one", 3);
    assert_int_equal(m.capture[0].value_len, 3);
    assert_int_equal(m.capture[1].value_len, 6);
    check(SG_METHOD_GET, "/a//b/two", "-");
    check(SG_METHOD_GET, "/a/one/b/", "-");
    check(SG_METHOD_GET, "/web/", "-");
    check(SG_METHOD_GET, "/web/a/b", "-");
}

static void test_rest(void **state)
{
    struct route_match m;

    (void)state;
    assert_string_equal(find(SG_METHOD_GET, "/v1/files/common/a/b.txt", &m), "files_get");
    assert_int_equal(m.capture[0].value_len, strlen("common/a/b.txt"));
    assert_string_equal(find(SG_METHOD_GET, "/v1/files/common/a/", &m), "files_list");
    assert_int_equal(m.capture[0].value_len, strlen("common/a"));
    assert_memory_equal(m.capture[0].name, "dir", 3);
    assert_int_equal(m.capture[0].name_len, 3);
    assert_string_equal(find(SG_METHOD_PUT, "/v1/files/common/a/", &m), "files_put");
    assert_int_equal(m.capture[0].value_len, strlen("common/a/"));
    check(SG_METHOD_GET, "/v1/files/", "-");
    check(SG_METHOD_GET, "/v1/files", "-");
    check(SG_METHOD_GET, "/v1/files//", "files_get");
}

static void test_allow(void **state)
{
    struct route_match m;

    (void)state;
    assert_string_equal(find(SG_METHOD_DELETE, "/v1/users", &m), "-");
    assert_int_equal(m.allow, 1u << SG_METHOD_GET | 1u << SG_METHOD_HEAD | 1u << SG_METHOD_POST);
    assert_string_equal(find(SG_METHOD_OTHER, "/v1/users/joe", &m), "-");
    assert_int_equal(m.allow, 1u << SG_METHOD_GET | 1u << SG_METHOD_HEAD | 1u << SG_METHOD_PATCH);
    assert_string_equal(find(SG_METHOD_GET, "/nothing", &m), "-");
    assert_int_equal(m.allow, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals), cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_captures), cmocka_unit_test(test_rest),
        cmocka_unit_test(test_allow),
    };

    return cmocka_run_group_tests(tests, start, end);
}
