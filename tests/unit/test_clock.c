/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of clocks and of times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void test_rfc3339(void **state)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(1795190534123456789), "2026-11-20T16:02:14.123Z"},
        {INT64_C(951782400) * SG_NS_PER_S, "2000-02-29T00:00:00.000Z"},
        {INT64_C(4107542399) * SG_NS_PER_S + 999999999, "2100-02-28T23:59:59.999Z"},
        {INT64_C(4107542400) * SG_NS_PER_S, "2100-03-01T00:00:00.000Z"},
    };
    char text[SG_RFC3339_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clock_format_rfc3339(cases[i].ns, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_http_dates(void **state)
{
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    char text[SG_HTTP_DATE_SIZE];
    int64_t s = 0;

    (void)state;
    clock_format_http(784111777, text);
    assert_string_equal(text, forms[0]);
    for (size_t i = 0; i < 3; i++) {
        s = 0;
        assert_int_equal(clock_parse_http(forms[i], &s), SG_OK);
        assert_int_equal(s, 784111777);
    }
    assert_int_equal(clock_parse_http("Sun Nov 06 08:49:37 1994", &s), SG_OK);
    assert_int_equal(clock_parse_http("Sat, 31 Dec 2016 23:59:60 GMT", &s), SG_OK);
    assert_int_equal(s, 1483228800);
}

static void test_bad_http_dates(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "Mon, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:00 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Thu, 00 Nov 1994 08:49:37 GMT",
                                      "Wed, 29 Feb 2023 08:49:37 GMT",
                                      "Sun, 06 Foo 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 0000 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49",
                                      "Sun Nov 6 08:49:37 1994"};
    int64_t s = 42;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(clock_parse_http(bad[i], &s), SG_ERR_BAD_FIELD);
    assert_int_equal(s, 42);
}

/* Against the C library, over 8,000 years in steps that meet all months and weekdays. */
static void test_round_trip_against_the_c_library(void **state)
{
    (void)state;
    for (int64_t s = -62135596800; s <= 253402300799; s += 26 * 86400 + 12345) {
        char ours[SG_HTTP_DATE_SIZE];
        char theirs[64];
        time_t t = (time_t)s;
        struct tm tm;
        int64_t back;

        clock_format_http(s, ours);
        gmtime_r(&t, &tm);
        strftime(theirs, sizeof theirs, "%a, %d %b ", &tm);
        assert_memory_equal(ours, theirs, strlen(theirs));
        strftime(theirs, sizeof theirs, " %H:%M:%S GMT", &tm);
        assert_string_equal(ours + 16, theirs);
        assert_int_equal(clock_parse_http(ours, &back), SG_OK);
        assert_int_equal(back, s);
    }
}

static int64_t fixed_now(void)
{
    return -1;
}

static int64_t fixed_monotonic(void)
{
    return 5;
}

static struct clock_state fixed_state(void)
{
    return (struct clock_state){.synchronized = true, .max_error_us = 1234};
}

static void test_injection(void **state)
{
    const struct clock_source source = {fixed_now, fixed_monotonic, fixed_state};

    (void)state;
    clock_set_source(&source);
    assert_int_equal(clock_now_ns(), -1);
    assert_int_equal(clock_now_s(), -1);
    assert_int_equal(clock_monotonic_ns(), 5);
    assert_true(clock_get_state().synchronized);
    assert_int_equal(clock_get_state().max_error_us, 1234);
    clock_set_source(NULL);
    assert_true(clock_now_s() > 1700000000);
}

static void test_the_kernels_clocks(void **state)
{
    int64_t before = clock_monotonic_ns();

    (void)state;
    assert_in_range(clock_now_s() - time(NULL), 0, 1);
    assert_true(clock_monotonic_ns() >= before);
    assert_true(clock_get_state().max_error_us >= -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339),
        cmocka_unit_test(test_http_dates),
        cmocka_unit_test(test_bad_http_dates),
        cmocka_unit_test(test_round_trip_against_the_c_library),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_the_kernels_clocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
