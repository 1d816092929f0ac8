/* SPDX-License-Identifier: Apache-2.0 */
/* JSON input: what is accepted, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "api/json_in.h"
#include "api/json_scan.h"
#include "base/arena.h"

/* -- the grammar --------------------------------------------------------------------------------
 */

struct text {
    const char *text;
    size_t len;
    const char *reason; /* part of it; NULL: accepted */
};
#define T(literal, why)                                                                            \
    {                                                                                              \
        literal, sizeof(literal) - 1, why                                                          \
    }

#define D8(c)  c c c c c c c c
#define D16(c) D8(c) D8(c)

static const struct text texts[] = {
    /* whole values, white space */
    T("{}", NULL),
    T("[]", NULL),
    T("null", NULL),
    T("true", NULL),
    T("false", NULL),
    T("\"\"", NULL),
    T("0", NULL),
    T(" \t\r\n{ } \n", NULL),
    T("{\"a\":1}", NULL),
    T("{ \"a\" : [ 1 , 2 , { } ] , \"b\" : null }", NULL),
    T("", "ends early"),
    T("   ", "ends early"),
    T("{", "name of a member"),
    T("[", "ends early"),
    T("[1", "ends early"),
    T("[1,", "ends early"),
    T("{\"a\":1", "ends early"),
    T("{\"a\"", "colon"),
    T("{\"a\" 1}", "colon"),
    T("{\"a\":}", "malformed"),
    T("{\"a\":1,}", "name of a member"),
    T("{,}", "name of a member"),
    T("{a:1}", "name of a member"),
    T("{'a':1}", "name of a member"),
    T("{1:1}", "name of a member"),
    T("[1,]", "malformed"),
    T("[,1]", "malformed"),
    T("[1 2]", "comma"),
    T("{\"a\":1 \"b\":2}", "comma"),
    T("[1}", "comma"),
    T("{\"a\":1]", "comma"),
    T("]", "malformed"),
    T("}", "malformed"),
    T("{}{}", "follows"),
    T("{} x", "follows"),
    T("{}\0", "follows"),
    T("{}]", "follows"),
    T("1 2", "follows"),
    T("\xef\xbb\xbf{}", "malformed"),
    T("\xa0{}", "malformed"),
    T("{}\x0b", "follows"),
    T("\x0c{}", "malformed"),
    T("{}//x", "follows"),
    T("/* x */{}", "malformed"),
    T("# x\n{}", "malformed"),
    /* words */
    T("tru", "malformed"),
    T("TRUE", "malformed"),
    T("True", "malformed"),
    T("truee", "follows"),
    T("nul", "malformed"),
    T("NaN", "malformed"),
    T("nan", "malformed"),
    T("Infinity", "malformed"),
    T("-Infinity", "number is malformed"),
    T("-NaN", "number is malformed"),
    T("undefined", "malformed"),
    /* numbers */
    T("-0", NULL),
    T("10", NULL),
    T("-12", NULL),
    T("0.5", NULL),
    T("-1.25e+3", NULL),
    T("1E5", NULL),
    T("1e-5", NULL),
    T("1e30", NULL),
    T("9223372036854775807", NULL),
    T("-9223372036854775808", NULL),
    T("9223372036854775808", "64 bits"),
    T("-9223372036854775809", "64 bits"),
    T("18446744073709551615", "64 bits"),
    T("18446744073709551616", "64 bits"),
    T("99999999999999999999999999", "64 bits"),
    T("[1,9223372036854775808]", "64 bits"),
    T("01", "begins with 0"),
    T("-01", "begins with 0"),
    T("00", "begins with 0"),
    T("+1", "malformed"),
    T("-", "number is malformed"),
    T("--1", "number is malformed"),
    T("1.", "number is malformed"),
    T(".5", "malformed"),
    T("1.e5", "number is malformed"),
    T("1e", "number is malformed"),
    T("1e+", "number is malformed"),
    T("0x10", "follows"),
    T("1_000", "follows"),
    T("12abc", "follows"),
    /* strings */
    T("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", NULL),
    T("\"\\u0041\\u00e4\\u20ac\"", NULL),
    T("\"\\ud83d\\ude00\"", NULL),
    T("\"\\uD83D\\uDE00\"", NULL),
    T("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"", NULL),
    T("\"\x7f\"", NULL),
    T("\"\xf4\x8f\xbf\xbf\"", NULL),
    T("\"", "no end"),
    T("\"abc", "no end"),
    T("\"abc\\", "no end"),
    T("\"abc\\\"", "no end"),
    T("'abc'", "malformed"),
    T("\"a\nb\"", "control character"),
    T("\"a\tb\"", "control character"),
    T("\"a\x01\"", "control character"),
    T("\"a\0b\"", "control character"),
    T("\"a\x1f\"", "control character"),
    T("\"\\x41\"", "unknown escape"),
    T("\"\\a\"", "unknown escape"),
    T("\"\\'\"", "unknown escape"),
    T("\"\\\0\"", "unknown escape"),
    T("\"\\u\"", "unknown escape"),
    T("\"\\u12\"", "unknown escape"),
    T("\"\\u12g4\"", "unknown escape"),
    T("\"\\U0041\"", "unknown escape"),
    T("\"\\u0000\"", "NUL"),
    T("\"\\ud83d\"", "surrogate"),
    T("\"\\ude00\"", "surrogate"),
    T("\"\\ude00\\ud83d\"", "surrogate"),
    T("\"\\ud83d\\u0041\"", "surrogate"),
    T("\"\\ud83dx\"", "surrogate"),
    T("\"\x80\"", "UTF-8"),
    T("\"\xc0\x80\"", "UTF-8"),
    T("\"\xc1\xbf\"", "UTF-8"),
    T("\"\xe0\x80\x80\"", "UTF-8"),
    T("\"\xed\xa0\x80\"", "UTF-8"),
    T("\"\xf0\x80\x80\x80\"", "UTF-8"),
    T("\"\xf4\x90\x80\x80\"", "UTF-8"),
    T("\"\xf5\x80\x80\x80\"", "UTF-8"),
    T("\"\xff\"", "UTF-8"),
    T("\"\xe2\x82\"", "UTF-8"),
    T("\"\xc3", "UTF-8"),
    T("\"\xe2\x28\xa1\"", "UTF-8"),
    /* members twice */
    T("{\"a\":1,\"b\":2}", NULL),
    T("{\"a\":{\"a\":{\"a\":1}}}", NULL),
    T("[{\"a\":1},{\"a\":2}]", NULL),
    T("{\"a\":{\"b\":1},\"b\":2}", NULL),
    T("{\"a\":1,\"A\":2}", NULL),
    T("{\"\":1}", NULL),
    T("{\"a\":1,\"ab\":2,\"\":3}", NULL),
    T("{\"a\":1,\"a\":1}", "twice"),
    T("{\"a\":1,\"b\":2,\"a\":3}", "twice"),
    T("{\"\":1,\"\":1}", "twice"),
    T("{\"a\":1,\"\\u0061\":1}", "twice"),
    T("{\"\\u00e4\":1,\"\xc3\xa4\":1}", "twice"),
    T("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", "twice"),
    T("{\"\\n\":1,\"\\u000a\":1}", "twice"),
    T("{\"\\/\":1,\"/\":1}", "twice"),
    T("{\"x\":{\"a\":1,\"a\":1}}", "twice"),
    T("[[[{\"a\":1,\"a\":1}]]]", "twice"),
    T("{\"a\":{\"b\":1},\"c\":[],\"a\":2}", "twice"),
    /* depth */
    T(D16("[") D16("]"), NULL),
    T(D8("[") D8("{\"a\":") "1" D8("}") D8("]"), NULL),
    T(D16("[") "[" D16("]") "]", "deep"),
    T(D16("[") "{}" D16("]"), "deep"),
    T(D16("{\"a\":") "1" D16("}"), NULL),
    T(D16("{\"a\":") "[]" D16("}"), "deep"),
    T(D16(D16("[")), "deep"),
};

static void grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct text *t = &texts[i];
        const char *reason = NULL;
        size_t offset = 0;
        enum sg_err err = json_scan((const uint8_t *)t->text, t->len, &reason, &offset);

        if ((err == SG_OK) != (t->reason == NULL) ||
            (t->reason != NULL && strstr(reason, t->reason) == NULL))
            fail_msg("%s: %d, %s", t->text, err, reason != NULL ? reason : "accepted");
        if (err != SG_OK)
            assert_true(err == SG_ERR_BAD_JSON && offset <= t->len);
    }
}

/* Each shorter form of an accepted text is refused, whatever is cut off. */
static void cut_anywhere(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u00e4\xc3\xa4\",{\"b\":null}],\"c\":true}";
    const char *reason;
    size_t offset;

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(json_scan((const uint8_t *)text, len, &reason, &offset), SG_ERR_BAD_JSON);
    assert_int_equal(json_scan((const uint8_t *)text, sizeof text - 1, &reason, &offset), SG_OK);
}

static void many_members(void **state)
{
    char text[SG_JSON_MEMBERS * 16];
    const char *reason;
    size_t offset, len = 0;

    (void)state;
    for (int i = 0; i <= SG_JSON_MEMBERS; i++) {
        int n = snprintf(text + len, sizeof text - len, "%c\"m%d\":1", i == 0 ? '{' : ',', i);

        len += (size_t)n;
        text[len] = '}';
        assert_int_equal(json_scan((const uint8_t *)text, len + 1, &reason, &offset),
                         i < SG_JSON_MEMBERS ? SG_OK : SG_ERR_BAD_JSON);
    }
}

/* -- members ------------------------------------------------------------------------------------
 */

struct input {
    char *name, *inner_name, *mac;
    int64_t number;
    bool flag, has_flag, has_inner;
};

static enum sg_err read_input(const char *text, size_t len, struct arena *a, struct input *in,
                              char detail[SG_JSON_DETAIL_SIZE])
{
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, true, 2, 4, {.string = &in->name}, NULL},
        {NULL, "number", SG_JSON_INTEGER, false, -5, 100, {.integer = &in->number}, NULL},
        {NULL, "flag", SG_JSON_BOOLEAN, false, 0, 0, {.boolean = &in->flag}, &in->has_flag},
        {NULL, "inner", SG_JSON_OBJECT, false, 0, 0, {NULL}, &in->has_inner},
        {"inner", "name", SG_JSON_STRING, true, 1, 64, {.string = &in->inner_name}, NULL},
        {"inner", "mac", SG_JSON_STRING, false, 1, 17, {.string = &in->mac}, NULL},
    };

    memset(in, 0, sizeof *in);
    in->number = 42;
    return json_in_parse((const uint8_t *)text, len, a, fields, sizeof fields / sizeof fields[0],
                         detail);
}

static const struct {
    const char *text;
    enum sg_err err;
    const char *detail;
} bodies[] = {
    {"{\"name\":\"ab\"}", SG_OK, ""},
    {"{\"name\":\"abcd\",\"number\":-5,\"flag\":false}", SG_OK, ""},
    {"{\"name\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"}", SG_OK, ""},
    {"{\"name\":\"\\u00e4\\u00e4\"}", SG_OK, ""},
    {"{\"\\u006eame\":\"ab\"}", SG_OK, ""},
    {"{\"name\":\"ab\",\"inner\":{\"name\":\"x\"}}", SG_OK, ""},
    {"{\"name\":\"ab\",\"inner\":{\"mac\":\"m\",\"name\":\"x\"}}", SG_OK, ""},
    {"{\"name\":\"ab\",\"number\":100}", SG_OK, ""},
    {"{\"name\":\"ab\",\"number\":-0}", SG_OK, ""},
    {"", SG_ERR_BAD_JSON, "not valid JSON"},
    {"{\"name\":\"ab\"} x", SG_ERR_BAD_JSON, "follows its end (byte 14)"},
    {"{\"name\":\"ab\",\"name\":\"ab\"}", SG_ERR_BAD_JSON, "twice"},
    {"{\"name\":\"ab\",\"inner\":{\"name\":\"x\",\"name\":\"y\"}}", SG_ERR_BAD_JSON, "twice"},
    {"{\"name\":\"a\\u0000b\"}", SG_ERR_BAD_JSON, "NUL"},
    {"{\"name\":\"ab\",\"number\":9223372036854775808}", SG_ERR_BAD_JSON, "64 bits"},
    {"[]", SG_ERR_BAD_JSON, "must be a JSON object"},
    {"null", SG_ERR_BAD_JSON, "must be a JSON object"},
    {"\"name\"", SG_ERR_BAD_JSON, "must be a JSON object"},
    {"12", SG_ERR_BAD_JSON, "must be a JSON object"},
    {"{}", SG_ERR_BAD_FIELD, "name: is missing"},
    {"{\"number\":1}", SG_ERR_BAD_FIELD, "name: is missing"},
    {"{\"name\":\"a\"}", SG_ERR_BAD_FIELD, "name: must be a string of 2 to 4 characters"},
    {"{\"name\":\"\"}", SG_ERR_BAD_FIELD, "name: must be a string of 2 to 4 characters"},
    {"{\"name\":\"abcde\"}", SG_ERR_BAD_FIELD, "name: must be a string of 2 to 4 characters"},
    {"{\"name\":null}", SG_ERR_BAD_FIELD, "name: must be a string"},
    {"{\"name\":12}", SG_ERR_BAD_FIELD, "name: must be a string"},
    {"{\"name\":true}", SG_ERR_BAD_FIELD, "name: must be a string"},
    {"{\"name\":[\"ab\"]}", SG_ERR_BAD_FIELD, "name: must be a string"},
    {"{\"name\":{}}", SG_ERR_BAD_FIELD, "name: must be a string"},
    {"{\"name\":\"ab\",\"number\":101}", SG_ERR_BAD_FIELD,
     "number: must be an integer from -5 to 100"},
    {"{\"name\":\"ab\",\"number\":-6}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":12.0}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":1e1}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":1e30}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":1e999}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":\"12\"}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":true}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":null}", SG_ERR_BAD_FIELD, "number: must be an integer"},
    {"{\"name\":\"ab\",\"number\":9223372036854775807}", SG_ERR_BAD_FIELD,
     "number: must be an integer"},
    {"{\"name\":\"ab\",\"flag\":1}", SG_ERR_BAD_FIELD, "flag: must be true or false"},
    {"{\"name\":\"ab\",\"flag\":\"true\"}", SG_ERR_BAD_FIELD, "flag: must be true or false"},
    {"{\"name\":\"ab\",\"flag\":null}", SG_ERR_BAD_FIELD, "flag: must be true or false"},
    {"{\"name\":\"ab\",\"inner\":null}", SG_ERR_BAD_FIELD, "inner: must be an object"},
    {"{\"name\":\"ab\",\"inner\":[]}", SG_ERR_BAD_FIELD, "inner: must be an object"},
    {"{\"name\":\"ab\",\"inner\":\"x\"}", SG_ERR_BAD_FIELD, "inner: must be an object"},
    {"{\"name\":\"ab\",\"inner\":{}}", SG_ERR_BAD_FIELD, "inner.name: is missing"},
    {"{\"name\":\"ab\",\"inner\":{\"name\":\"\"}}", SG_ERR_BAD_FIELD,
     "inner.name: must be a string of 1 to 64 characters"},
    {"{\"name\":\"ab\",\"inner\":{\"name\":\"x\",\"mac\":1}}", SG_ERR_BAD_FIELD, "inner.mac: must"},
    {"{\"name\":\"ab\",\"inner\":{\"name\":\"x\",\"flag\":true}}", SG_ERR_BAD_FIELD,
     "inner.flag: unknown member"},
    {"{\"name\":\"ab\",\"mac\":\"x\"}", SG_ERR_BAD_FIELD, "mac: unknown member"},
    {"{\"name\":\"ab\",\"other\":1}", SG_ERR_BAD_FIELD, "other: unknown member"},
    {"{\"name\":\"ab\",\"Name\":1}", SG_ERR_BAD_FIELD, "Name: unknown member"},
    {"{\"name\":\"ab\",\"\":1}", SG_ERR_BAD_FIELD, "?: unknown member"},
    {"{\"name\":\"ab\",\"a\\nb\":1}", SG_ERR_BAD_FIELD, "?: unknown member"},
    {"{\"name\":\"ab\",\"\xc3\xa4\":1}", SG_ERR_BAD_FIELD, "?: unknown member"},
    {"{\"name\":\"ab\",\"abcdefghijklmnopqrstuvwxyz0123456789\":1}", SG_ERR_BAD_FIELD,
     "?: unknown member"},
    {"{\"name\":\"ab\",\"inner.name\":\"x\"}", SG_ERR_BAD_FIELD, "inner.name: unknown member"},
};

static void members(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct arena *a = arena_new(65536);
        char detail[SG_JSON_DETAIL_SIZE];
        struct input in;
        enum sg_err err = read_input(bodies[i].text, strlen(bodies[i].text), a, &in, detail);

        if (err != bodies[i].err || strstr(detail, bodies[i].detail) == NULL)
            fail_msg("%s: %d, %s", bodies[i].text, err, detail);
        arena_free(a);
    }
}

static void values(void **state)
{
    static const char text[] = "{\"name\":\"\\u00e4b\",\"flag\":true,\"number\":7,"
                               "\"inner\":{\"name\":\"\\ud83d\\ude00\"}}";
    struct arena *a = arena_new(65536);
    char detail[SG_JSON_DETAIL_SIZE];
    struct input in;

    (void)state;
    assert_int_equal(read_input(text, sizeof text - 1, a, &in, detail), SG_OK);
    assert_string_equal(in.name, "\xc3\xa4"
                                 "b");
    assert_string_equal(in.inner_name, "\xf0\x9f\x98\x80");
    assert_true(in.flag && in.has_flag && in.has_inner && in.mac == NULL && in.number == 7);

    assert_int_equal(read_input("{\"name\":\"ab\"}", 13, a, &in, detail), SG_OK);
    assert_true(!in.has_flag && !in.has_inner && in.inner_name == NULL && in.number == 42);
    arena_free(a);
}

/* -- arrays of texts, integers that may be null -------------------------------------------------
 */

static void lists(void **state)
{
    static const struct {
        const char *text;
        enum sg_err err;
        size_t count;
        int64_t bound;
        const char *detail;
    } cases[] = {
        {"{\"files\":[],\"bound\":null}", SG_OK, 0, 0, ""},
        {"{\"files\":[\"a\",\"\\u00e4 \\\"\"],\"bound\":7}", SG_OK, 2, 7, ""},
        {"{}", SG_OK, 0, 42, ""},
        {"{\"bound\":0}", SG_ERR_BAD_FIELD, 0, 42,
         "bound: must be an integer from 1 to 9, or null"},
        {"{\"bound\":\"1\"}", SG_ERR_BAD_FIELD, 0, 42, "bound: must be an integer"},
        {"{\"files\":null}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array of 0 to 3 strings"},
        {"{\"files\":\"a\"}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array"},
        {"{\"files\":{}}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array"},
        {"{\"files\":[\"a\",1]}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array"},
        {"{\"files\":[null]}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array"},
        {"{\"files\":[[]]}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array"},
        {"{\"files\":[\"\"]}", SG_ERR_BAD_FIELD, 0, 42, "files: must be an array"},
        {"{\"files\":[\"a\",\"a\",\"a\",\"a\"]}", SG_ERR_BAD_FIELD, 0, 42,
         "files: must be an array"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena *a = arena_new(65536);
        struct json_strings files = {.count = 0};
        char detail[SG_JSON_DETAIL_SIZE];
        int64_t bound = 42;
        const struct json_field fields[] = {
            {NULL, "files", SG_JSON_STRINGS, false, 0, 3, {.strings = &files}, NULL},
            {NULL, "bound", SG_JSON_INTEGER_OR_NULL, false, 1, 9, {.integer = &bound}, NULL},
        };

        assert_non_null(a);
        assert_int_equal(json_in_parse((const uint8_t *)cases[i].text, strlen(cases[i].text), a,
                                       fields, 2, detail),
                         cases[i].err);
        assert_non_null(strstr(detail, cases[i].detail));
        if (cases[i].err == SG_OK) {
            assert_int_equal(files.count, cases[i].count);
            assert_int_equal(bound, cases[i].bound);
        }
        if (cases[i].count == 2) {
            assert_string_equal(files.items[0], "a");
            assert_string_equal(files.items[1], "\xc3\xa4 \"");
        }
        arena_free(a);
    }
}

static void has(void **state)
{
    static const struct {
        const char *text;
        bool has;
    } cases[] = {
        {"{\"text\":1}", true},
        {"{\"a\":{},\"te\\u0078t\":null}", true},
        {" {\"text\":\"x\"}\n", true},
        {"{}", false},
        {"{\"a\":{\"text\":1}}", false},
        {"[\"text\"]", false},
        {"\"text\"", false},
        {"null", false},
        {"", false},
        {"{\"text\":1", false},
        {"{\"text\":1}x", false},
        {"{\"text\":1,\"text\":1}", false},
        {"text", false},
        {"{\"text\":\"\xff\"}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(json_in_has((const uint8_t *)cases[i].text, strlen(cases[i].text), "text"),
                         cases[i].has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grammar), cmocka_unit_test(cut_anywhere), cmocka_unit_test(many_members),
        cmocka_unit_test(members), cmocka_unit_test(values),       cmocka_unit_test(lists),
        cmocka_unit_test(has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
