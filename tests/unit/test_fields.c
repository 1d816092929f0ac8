/* SPDX-License-Identifier: Apache-2.0 */
/* Header values: ranges, entity tags, media types, digests, dispositions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "http/fields.h"

/* Renders what a Range means for a content of `size` bytes. */
static void ranges(const char *value, uint64_t size, const char *want)
{
    SG_BUF_CLEANUP struct buf b;
    struct fields_range r[SG_RANGES_MAX];
    size_t count = 0;

    buf_init(&b, 4096);
    switch (fields_range(value, size, r, &count)) {
    case SG_RANGES_IGNORE:
        buf_puts(&b, "ignore");
        break;
    case SG_RANGES_UNSATISFIABLE:
        buf_puts(&b, "416");
        break;
    case SG_RANGES_OK:
        for (size_t i = 0; i < count; i++)
            buf_printf(&b, "%s%llu-%llu", i > 0 ? "," : "", (unsigned long long)r[i].first,
                       (unsigned long long)r[i].last);
        break;
    }
    assert_string_equal(buf_str(&b), want);
}

static void test_range(void **state)
{
    (void)state;
    ranges(NULL, 100, "ignore");
    ranges("bytes=0-0", 100, "0-0");
    ranges("bytes=0-", 100, "0-99");
    ranges("BYTES=10-19", 100, "10-19");
    ranges("bytes=10-1000", 100, "10-99");
    ranges("bytes=-10", 100, "90-99");
    ranges("bytes=-1000", 100, "0-99");
    ranges("bytes=-0", 100, "416");
    ranges("bytes=100-", 100, "416");
    ranges("bytes=100-,0-1", 100, "0-1");
    ranges("bytes=0-0", 0, "416");
    ranges("bytes=-5", 0, "ignore");
    ranges("bytes=5-4", 100, "ignore");
    ranges("bytes=a-4", 100, "ignore");
    ranges("bytes=", 100, "ignore");
    ranges("bytes=,", 100, "ignore");
    ranges("bytes=1-2x", 100, "ignore");
    ranges("bytes 1-2", 100, "ignore");
    ranges("items=1-2", 100, "ignore");
    ranges("bytes=99999999999999999999999-", 100, "416");
    ranges("bytes=0-99999999999999999999999", 100, "0-99");
    ranges("bytes=-99999999999999999999999", 100, "0-99");
}

static void test_ranges(void **state)
{
    char many[2048] = "bytes=";

    (void)state;
    ranges("bytes=0-1,4-5", 100, "0-1,4-5");
    ranges("bytes=0-1, 4-5 ,,\t8-9", 100, "0-1,4-5,8-9");
    ranges("bytes=4-5,0-1", 100, "4-5,0-1");
    ranges("bytes=0-5,3-9", 100, "0-9");
    ranges("bytes=0-1,2-3", 100, "0-3");
    ranges("bytes=0-1,4-5,1-4", 100, "0-5");
    ranges("bytes=50-60,0-1,4-5,1-4,-1", 100, "50-60,0-5,99-99");
    ranges("bytes=0-,0-,0-,0-", 100, "0-99");
    for (int i = 0; i < 16; i++)
        strcat(many, i > 0 ? ",-1" : "-1");
    ranges(many, 100, "99-99");
    strcpy(many, "bytes=0-0");
    for (int i = 1; i < 17; i++) {
        char one[16];

        (void)snprintf(one, sizeof one, ",%d-%d", i * 4, i * 4);
        strcat(many, one);
    }
    ranges(many, 100, "ignore");
}

static void test_etags(void **state)
{
    static const char tag[] = "\"abc\"";

    (void)state;
    assert_int_equal(fields_etags("\"abc\"", tag, true), SG_ETAGS_MATCH);
    assert_int_equal(fields_etags("W/\"abc\"", tag, true), SG_ETAGS_NO_MATCH);
    assert_int_equal(fields_etags("W/\"abc\"", tag, false), SG_ETAGS_MATCH);
    assert_int_equal(fields_etags("\"x\", \"abc\"", tag, true), SG_ETAGS_MATCH);
    assert_int_equal(fields_etags("\"x\" ,\t\"y,abc\"", tag, true), SG_ETAGS_NO_MATCH);
    assert_int_equal(fields_etags("*", tag, true), SG_ETAGS_ANY);
    assert_int_equal(fields_etags("*", NULL, true), SG_ETAGS_ANY);
    assert_int_equal(fields_etags("\"abc\"", NULL, true), SG_ETAGS_NO_MATCH);
    assert_int_equal(fields_etags("", tag, true), SG_ETAGS_MALFORMED);
    assert_int_equal(fields_etags("abc", tag, true), SG_ETAGS_MALFORMED);
    assert_int_equal(fields_etags("\"abc", tag, true), SG_ETAGS_MALFORMED);
    assert_int_equal(fields_etags("\"abc\" \"abc\"", tag, true), SG_ETAGS_MALFORMED);
    assert_int_equal(fields_etags("*, \"abc\"", tag, true), SG_ETAGS_MALFORMED);
    assert_int_equal(fields_etags("w/\"abc\"", tag, false), SG_ETAGS_MALFORMED);
}

static void test_accept(void **state)
{
    static const char chromium[] = "text/html,application/xhtml+xml,application/xml;q=0.9,"
                                   "image/avif,image/webp,*/*;q=0.8";

    (void)state;
    assert_int_equal(fields_accepts(NULL, "text/plain"), 1000);
    assert_int_equal(fields_accepts("*/*", "text/plain"), 1000);
    assert_int_equal(fields_accepts("text/*;q=0.5", "text/plain"), 500);
    assert_int_equal(fields_accepts("text/*;q=0.5, */*;q=0.1", "application/json"), 100);
    assert_int_equal(fields_accepts("text/plain;q=0, */*", "text/plain"), 0);
    assert_int_equal(fields_accepts("TEXT/plain ; format=flowed; q=0.25", "text/plain"), 250);
    assert_int_equal(fields_accepts("application/json", "text/plain"), 0);
    assert_int_equal(fields_accepts(chromium, "text/html"), 1000);
    assert_int_equal(fields_accepts(chromium, "application/json"), 800);
    assert_int_equal(fields_accepts("text/plain;q=2", "text/plain"), 0);
    assert_int_equal(fields_accepts("text/plain;q=1.001", "text/plain"), 0);
    assert_int_equal(fields_accepts(",;q,/", "text/plain"), 0);
}

static void media(const char *value, const char *want)
{
    char type[32];

    fields_media_type(value, type, sizeof type);
    assert_string_equal(type, want);
}

static void test_media_type(void **state)
{
    (void)state;
    media("application/json", "application/json");
    media("Application/JSON; charset=utf-8", "application/json");
    media(" text/plain ;x", "text/plain");
    media("text", "");
    media("text/", "");
    media("/plain", "");
    media("text/pl ain", "");
    media("text/plain, text/html", "");
    media("application/a-very-long-name-of-a-media-type", "");
}

#define D0 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void digest(const char *value, enum sg_err want, bool want_present)
{
    uint8_t out[32] = {0};
    bool present = !want_present;

    assert_int_equal(fields_digest(value, out, &present), want);
    if (want != SG_OK)
        return;
    assert_int_equal(present, want_present);
    if (present)
        assert_int_equal(out[0], 0xe3);
}

static void test_digest(void **state)
{
    (void)state;
    digest(NULL, SG_OK, false);
    digest("", SG_OK, false);
    digest("sha-256=:" D0 ":", SG_OK, true);
    digest("  sha-512=:AAAA:,\tsha-256=:" D0 ":;a=1;b=\"x,y\";c;d=?1  ", SG_OK, true);
    digest("md5=:AAAA:", SG_OK, false);
    digest("sha-256=:AAAA:, sha-256=:" D0 ":", SG_ERR_BAD_FIELD, false);
    digest("sha-256=:AAAA:", SG_ERR_BAD_FIELD, false);
    digest("sha-256=" D0, SG_ERR_BAD_FIELD, false);
    digest("sha-256", SG_ERR_BAD_FIELD, false);
    digest("sha-256=:" D0, SG_ERR_BAD_FIELD, false);
    digest("SHA-256=:" D0 ":", SG_ERR_BAD_FIELD, false);
    digest("sha-256=:" D0 ":,", SG_ERR_BAD_FIELD, false);
    digest("sha-256=:" D0 ": x", SG_ERR_BAD_FIELD, false);
    digest("md5=(1 2)", SG_ERR_BAD_FIELD, false);
    digest("md5=1.5", SG_ERR_BAD_FIELD, false);
}

static void test_small_ones(void **state)
{
    int64_t n = -1;

    (void)state;
    assert_true(fields_request_id("aB9._-"));
    assert_false(fields_request_id(""));
    assert_false(fields_request_id("a b"));
    assert_false(fields_request_id("a\"b"));
    assert_true(
        fields_request_id("0123456789012345678901234567890123456789012345678901234567890123"));
    assert_false(
        fields_request_id("01234567890123456789012345678901234567890123456789012345678901234"));
    assert_true(fields_number("9223372036854775807", &n));
    assert_true(n == INT64_MAX);
    assert_false(fields_number("9223372036854775808", &n));
    assert_false(fields_number("", &n));
    assert_false(fields_number("+1", &n));
    assert_true(fields_list_has("keep-alive, Close", "close"));
    assert_false(fields_list_has("closed", "close"));
    assert_false(fields_list_has(NULL, "close"));
    assert_true(fields_token("X-Id", 4));
    assert_false(fields_token("X Id", 4));
    assert_false(fields_token("", 0));
}

static void disposition(const char *name, const char *want)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, 1024);
    fields_disposition(&b, "attachment", name);
    assert_string_equal(buf_str(&b), want);
}

static void test_disposition(void **state)
{
    (void)state;
    disposition("a.txt", "attachment; filename=\"a.txt\"");
    disposition("a \"b\".txt",
                "attachment; filename=\"a _b_.txt\"; filename*=UTF-8''a%20%22b%22.txt");
    disposition("\xc3\xa4.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A4.txt");
    disposition("50%.txt", "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range),      cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_etags),      cmocka_unit_test(test_accept),
        cmocka_unit_test(test_media_type), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_small_ones), cmocka_unit_test(test_disposition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
