/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secctl's text for people: escaping, width, sizes, times, durations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "cli/text.h"

static void expect_escaped(const char *text, size_t len, const char *wanted)
{
    SG_BUF_CLEANUP struct buf b = {0};

    buf_init(&b, 4096);
    text_escape(&b, text, len);
    assert_string_equal(buf_str(&b), wanted);
}

static void test_escaping_shows_what_a_terminal_would_obey(void **state)
{
    (void)state;
    expect_escaped("plain", 5, "plain");
    expect_escaped("\033[31m", 5, "\\x1b[31m");
    expect_escaped("a\nb\tc\177", 6, "a\\x0ab\\x09c\\x7f");
    expect_escaped("a\0b", 3, "a\\x00b");
    expect_escaped("\302\233x", 3, "\\xc2\\x9bx");
    expect_escaped("\342\200\256x", 4, "\\u{202e}x");
    expect_escaped("\303\274\346\227\245\360\237\230\200", 9,
                   "\303\274\346\227\245\360\237\230\200");
}

static void test_escaping_shows_invalid_utf8(void **state)
{
    (void)state;
    expect_escaped("\377", 1, "\\xff");
    expect_escaped("\303", 1, "\\xc3");
    expect_escaped("\300\257", 2, "\\xc0\\xaf");
    expect_escaped("\355\240\200", 3, "\\xed\\xa0\\x80");
    expect_escaped("\364\220\200\200", 4, "\\xf4\\x90\\x80\\x80");
    expect_escaped("\340\200\200", 3, "\\xe0\\x80\\x80");
}

static void test_json_stays_json(void **state)
{
    SG_BUF_CLEANUP struct buf b = {0};
    static const char text[] = "{\"a\":\"\177\302\233\342\200\256\303\274\"}";

    (void)state;
    buf_init(&b, 4096);
    text_escape_json(&b, text, sizeof(text) - 1);
    assert_string_equal(buf_str(&b), "{\"a\":\"\\u007f\\u009b\\u202e\303\274\"}");
}

static void test_width_counts_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("\303\274"), 1);
    assert_int_equal(text_width("\346\227\245\346\234\254"), 4);
    assert_int_equal(text_fit("\346\227\245\346\234\254", 3), 3);
    assert_int_equal(text_fit("abc", 10), 3);
    assert_int_equal(text_fit("abc", 0), 0);
}

static void test_sizes_read_like_those_of_ls(void **state)
{
    static const struct {
        int64_t bytes;
        const char *human;
    } cases[] = {{0, "0"},           {1023, "1023"},    {1024, "1.0K"},
                 {10137, "9.9K"},    {10240, "10K"},    {1048575, "1.0M"},
                 {1048576, "1.0M"},  {57 << 20, "57M"}, {INT64_C(3) << 40, "3.0T"},
                 {INT64_MAX, "8.0E"}};
    char text[SG_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text_size(cases[i].bytes, true, text);
        assert_string_equal(text, cases[i].human);
    }
    text_size(1234567, false, text);
    assert_string_equal(text, "1234567");
}

static void test_times(void **state)
{
    char text[SG_TEXT_SIZE];
    int64_t when = 0;

    (void)state;
    assert_true(text_parse_time("2026-11-20T16:02:14.123Z", &when));
    assert_int_equal(when, 1795190534);
    assert_true(text_parse_time("2026-11-20T16:02:14Z", &when));
    assert_false(text_parse_time("2026-11-20T16:02:14", &when));
    assert_false(text_parse_time("2026-11-20T16:02:14+01:00", &when));
    assert_false(text_parse_time("", &when));
    text_date(1795190534, 1795190534 + 3600, text);
    assert_string_equal(text, "Nov 20 16:02");
    text_date(1795190534, 1795190534 + 200 * 86400, text);
    assert_string_equal(text, "Nov 20  2026");
    text_date(1795190534, 1795190534 - 86400, text);
    assert_string_equal(text, "Nov 20  2026");
    text_datetime(1795190534, text);
    assert_string_equal(text, "2026-11-20 16:02");
    text_duration(600, text);
    assert_string_equal(text, "10 minutes");
    text_duration(86400, text);
    assert_string_equal(text, "1 day");
    text_duration(-5, text);
    assert_string_equal(text, "0 seconds");
}

static void test_moments(void **state)
{
    static const char *const bad[] = {
        "",    "2026-13-01", "2026-02-31", "2026-11-20T16", "2026-11-20T16:02:14+01:00",
        "-2h", "soon"};
    int64_t when = 0;

    (void)state;
    assert_true(text_parse_moment("2026-11-20T16:02:14Z", 0, &when));
    assert_int_equal(when, 1795190534);
    assert_true(text_parse_moment("2026-11-20", 0, &when));
    assert_int_equal(when, 1795132800);
    assert_true(text_parse_moment("2h", 1795190534, &when));
    assert_int_equal(when, 1795190534 - 7200);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(text_parse_moment(bad[i], 1795190534, &when));
}

static void test_durations(void **state)
{
    static const char *const bad[] = {
        "", "d", "7x", "-1d", "1.5h", "0", "7dd", "1 d", "99999999999999999999", "5000d"};
    int64_t s = 0;

    (void)state;
    assert_true(text_parse_duration("90", &s));
    assert_int_equal(s, 90);
    assert_true(text_parse_duration("15m", &s));
    assert_int_equal(s, 900);
    assert_true(text_parse_duration("7d", &s));
    assert_int_equal(s, 604800);
    assert_true(text_parse_duration("2w", &s));
    assert_int_equal(s, 1209600);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(text_parse_duration(bad[i], &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escaping_shows_what_a_terminal_would_obey),
        cmocka_unit_test(test_escaping_shows_invalid_utf8),
        cmocka_unit_test(test_json_stays_json),
        cmocka_unit_test(test_width_counts_columns),
        cmocka_unit_test(test_sizes_read_like_those_of_ls),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_durations),
    };

    setenv("TZ", "UTC", 1);
    tzset();
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
