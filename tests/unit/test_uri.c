/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets and queries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "http/uri.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    return arena == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void split(const char *target, enum sg_err want, const char *want_path,
                  const char *want_query)
{
    const char *path = NULL;
    const char *query = NULL;

    assert_int_equal(uri_split(arena_strdup(arena, target), &path, &query), want);
    if (want != SG_OK)
        return;
    assert_string_equal(path, want_path);
    if (want_query == NULL)
        assert_null(query);
    else
        assert_string_equal(query, want_query);
}

static void test_split(void **state)
{
    (void)state;
    split("/", SG_OK, "/", NULL);
    split("/a/b?c=d?e", SG_OK, "/a/b", "c=d?e");
    split("/a?", SG_OK, "/a", "");
    split("*", SG_OK, "*", NULL);
    split("https://host:8443/x?y", SG_OK, "/x", "y");
    split("HTTP://host", SG_OK, "/", NULL);
    split("http://host?q", SG_OK, "/", "q");
    split("http:///x", SG_ERR_BAD_REQUEST, NULL, NULL);
    split("host:443", SG_ERR_BAD_REQUEST, NULL, NULL);
    split("", SG_ERR_BAD_REQUEST, NULL, NULL);
    split("/a b", SG_ERR_BAD_REQUEST, NULL, NULL);
    split("/a#b", SG_ERR_BAD_REQUEST, NULL, NULL);
    split("/\xc3\xa4", SG_ERR_BAD_REQUEST, NULL, NULL);
    split("/a\x7f", SG_ERR_BAD_REQUEST, NULL, NULL);
}

static void test_utf8(void **state)
{
    (void)state;
    assert_true(uri_utf8("", 0));
    assert_true(uri_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10));
    assert_false(uri_utf8("\xc0\x80", 2));
    assert_false(uri_utf8("\xe0\x80\x80", 3));
    assert_false(uri_utf8("\xed\xa0\x80", 3));
    assert_false(uri_utf8("\xf4\x90\x80\x80", 4));
    assert_false(uri_utf8("\xf5\x80\x80\x80", 4));
    assert_false(uri_utf8("\xe2\x82", 2));
    assert_false(uri_utf8("\x80", 1));
}

static void decode(const char *text, bool plus, bool no_controls, enum sg_err want,
                   const char *want_text)
{
    const char *ret = NULL;

    assert_int_equal(uri_decode(arena, text, strlen(text), plus, no_controls, &ret), want);
    if (want == SG_OK)
        assert_string_equal(ret, want_text);
}

static void test_decode(void **state)
{
    (void)state;
    decode("a%20b+c", false, false, SG_OK, "a b+c");
    decode("a%20b+c", true, false, SG_OK, "a b c");
    decode("%C3%A4", false, true, SG_OK, "\xc3\xa4");
    decode("%C3", false, true, SG_ERR_BAD_FIELD, NULL);
    decode("%00", false, false, SG_ERR_BAD_FIELD, NULL);
    decode("%0a", false, true, SG_ERR_BAD_FIELD, NULL);
    decode("%0a", false, false, SG_OK, "\n");
    decode("%7F", false, true, SG_ERR_BAD_FIELD, NULL);
    decode("%4", false, true, SG_ERR_BAD_FIELD, NULL);
    decode("%zz", false, true, SG_ERR_BAD_FIELD, NULL);
    decode("%2541", false, true, SG_OK, "%41");
}

static void find(const char *query, const char *name, enum sg_err want, const char *want_value)
{
    const char *value = "unset";

    assert_int_equal(uri_query_find(arena, query, name, &value), want);
    if (want != SG_OK)
        return;
    if (want_value == NULL)
        assert_null(value);
    else
        assert_string_equal(value, want_value);
}

static void test_find(void **state)
{
    (void)state;
    find(NULL, "a", SG_OK, NULL);
    find("", "a", SG_OK, NULL);
    find("a=1&b=2", "b", SG_OK, "2");
    find("a=1&&b=2&", "b", SG_OK, "2");
    find("a", "a", SG_OK, "");
    find("a=", "a", SG_OK, "");
    find("a=x%3D%26+y", "a", SG_OK, "x=& y");
    find("%61=1", "a", SG_OK, "1");
    find("aa=1", "a", SG_OK, NULL);
    find("a=1&%61=2", "a", SG_ERR_BAD_FIELD, NULL);
    find("a=1&a=1", "a", SG_ERR_BAD_FIELD, NULL);
    find("a=%", "a", SG_ERR_BAD_FIELD, NULL);
    find("a=%ff", "a", SG_ERR_BAD_FIELD, NULL);
    find("b=%ff&a=1", "a", SG_OK, "1");
    find("%=1", "a", SG_ERR_BAD_FIELD, NULL);
}

static void test_unknown(void **state)
{
    const char *const known[] = {"limit", "cursor", NULL};
    const char *unknown = NULL;

    (void)state;
    assert_int_equal(uri_query_unknown(arena, NULL, known, &unknown), SG_OK);
    assert_null(unknown);
    assert_int_equal(uri_query_unknown(arena, "limit=1&%63ursor=x", known, &unknown), SG_OK);
    assert_null(unknown);
    assert_int_equal(uri_query_unknown(arena, "limit=1&other=x", known, &unknown), SG_OK);
    assert_string_equal(unknown, "other");
    assert_int_equal(uri_query_unknown(arena, "%zz=1", known, &unknown), SG_ERR_BAD_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split), cmocka_unit_test(test_utf8),    cmocka_unit_test(test_decode),
        cmocka_unit_test(test_find),  cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
