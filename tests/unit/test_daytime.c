/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day: the RFC 867 line and RFC 3339 in any zone, against the C library, and what is no
 * zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "core/daytime.h"

#define NOW (INT64_C(1795190534) * SG_NS_PER_S + 123456789) /* 2026-11-20T16:02:14.123Z */

static void check(int64_t ns, const char *zone, const char *line, const char *rfc3339,
                  const char *name)
{
    struct daytime d;
    assert_int_equal(SG_OK, daytime_format(ns, zone, &d));
    assert_string_equal(line, d.line);
    assert_string_equal(rfc3339, d.rfc3339);
    assert_string_equal(name, d.timezone);
}

static void test_known(void **state)
{
    (void)state;
    (void)setlocale(LC_ALL, "");
    for (unsigned i = 0; i < 2; i++) { /* the second time from the cache */
        check(NOW, NULL, "Friday, November 20, 2026 16:02:14-UTC", "2026-11-20T16:02:14.123Z",
              "UTC");
        check(NOW, "", "Friday, November 20, 2026 16:02:14-UTC", "2026-11-20T16:02:14.123Z", "UTC");
        check(NOW, "UTC", "Friday, November 20, 2026 16:02:14-UTC", "2026-11-20T16:02:14.123Z",
              "UTC");
        check(NOW, "Europe/Berlin", "Friday, November 20, 2026 17:02:14-CET",
              "2026-11-20T17:02:14.123+01:00", "Europe/Berlin");
        check(NOW, "America/New_York", "Friday, November 20, 2026 11:02:14-EST",
              "2026-11-20T11:02:14.123-05:00", "America/New_York");
        check(NOW, "Asia/Kolkata", "Friday, November 20, 2026 21:32:14-IST",
              "2026-11-20T21:32:14.123+05:30", "Asia/Kolkata");
        check(NOW, "Pacific/Kiritimati", "Saturday, November 21, 2026 06:02:14-+14",
              "2026-11-21T06:02:14.123+14:00", "Pacific/Kiritimati");
        check(NOW, "Etc/GMT+5", "Friday, November 20, 2026 11:02:14--05",
              "2026-11-20T11:02:14.123-05:00", "Etc/GMT+5");
        check(NOW, "EST5EDT", "Friday, November 20, 2026 11:02:14-EST",
              "2026-11-20T11:02:14.123-05:00", "EST5EDT");
        check(NOW, "America/Argentina/Buenos_Aires", "Friday, November 20, 2026 13:02:14--03",
              "2026-11-20T13:02:14.123-03:00", "America/Argentina/Buenos_Aires");
    }
    check(0, NULL, "Thursday, January 1, 1970 00:00:00-UTC", "1970-01-01T00:00:00.000Z", "UTC");
    check(-1, NULL, "Wednesday, December 31, 1969 23:59:59-UTC", "1969-12-31T23:59:59.999Z", "UTC");
    /* One second before and at the change to summer time. */
    check(INT64_C(1774745999) * SG_NS_PER_S, "Europe/Berlin", "Sunday, March 29, 2026 01:59:59-CET",
          "2026-03-29T01:59:59.000+01:00", "Europe/Berlin");
    check(INT64_C(1774746000) * SG_NS_PER_S, "Europe/Berlin",
          "Sunday, March 29, 2026 03:00:00-CEST", "2026-03-29T03:00:00.000+02:00", "Europe/Berlin");
}

static void test_not_a_zone(void **state)
{
    (void)state;
    static const char *const zones[] = {"Nowhere/City",
                                        "europe/berlin",
                                        "+01:00",
                                        "-05",
                                        "Z",
                                        "01:00",
                                        "UTC+1",
                                        "CET-1CEST",
                                        "EST5",
                                        "<+01>-1",
                                        "/etc/passwd",
                                        "/usr/share/zoneinfo/UTC",
                                        "../zoneinfo/UTC",
                                        "Europe/../UTC",
                                        "Europe/./Berlin",
                                        ":UTC",
                                        "Europe",
                                        "Europe/",
                                        "Europe//Berlin",
                                        "tzdata.zi",
                                        "leapseconds",
                                        "zone.tab",
                                        "localtime",
                                        "posixrules",
                                        "posix/UTC",
                                        "right/UTC",
                                        "Factory",
                                        "Europe/Berlin\n",
                                        " UTC",
                                        "UTC ",
                                        "Europe%2FBerlin",
                                        "M3.2.0",
                                        "_UTC",
                                        "9UTC",
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        struct daytime d;
        if (daytime_format(NOW, zones[i], &d) != SG_ERR_BAD_TIMEZONE)
            fail_msg("'%s' was taken for a zone", zones[i]);
    }
}

/* UTC by hand against the C library, over the whole range of 64-bit nanoseconds. */
static void test_utc_against_libc(void **state)
{
    (void)state;
    (void)setlocale(LC_ALL, "C");
    int64_t step = INT64_C(9007199254740881) * 3; /* some ten months, and odd */
    for (int64_t ns = INT64_MIN / 2; ns < INT64_MAX / 2; ns += step) {
        struct daytime d;
        char line[96], rfc3339[96], day[40], rest[40];
        int64_t s = ns / SG_NS_PER_S - (ns % SG_NS_PER_S < 0);
        time_t t = (time_t)s;
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        assert_true(strftime(day, sizeof(day), "%A, %B", &tm) > 0);
        assert_true(strftime(rest, sizeof(rest), "%Y %H:%M:%S-UTC", &tm) > 0);
        (void)snprintf(line, sizeof(line), "%s %d, %s", day, tm.tm_mday, rest);
        assert_int_equal(SG_OK, daytime_format(ns, NULL, &d));
        assert_string_equal(line, d.line);
        clock_format_rfc3339(ns, rfc3339);
        assert_string_equal(rfc3339, d.rfc3339);
    }
}

/* All zones that the database lists, from several threads, more than are kept. */
static char names[700][64];
static size_t name_count;

static void *all_zones(void *arg)
{
    size_t *bad = arg;
    for (size_t i = 0; i < name_count; i++) {
        struct daytime d;
        if (daytime_format(NOW, names[i], &d) != SG_OK || strcmp(d.timezone, names[i]) != 0)
            (*bad)++;
    }
    return NULL;
}

static void test_all_zones(void **state)
{
    (void)state;
    FILE *f = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    char line[512];
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) && name_count < 700) {
        char name[64];
        if ((sscanf(line, "Z %63s", name) == 1 || sscanf(line, "L %*s %63s", name) == 1) &&
            strcmp(name, "Factory") != 0)
            memcpy(names[name_count++], name, sizeof(name));
    }
    (void)fclose(f);
    assert_true(name_count > 400);
    pthread_t threads[4];
    size_t bad[4] = {0};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, all_zones, &bad[i]));
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(0, bad[i]);
    }
    print_message("%zu zones\n", name_count);
}

static void test_speed(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC", "Europe/Berlin"};
    for (unsigned z = 0; z < 2; z++) {
        struct daytime d;
        int64_t start = clock_monotonic_ns();
        for (unsigned i = 0; i < 200000; i++)
            assert_int_equal(SG_OK, daytime_format(NOW + i * INT64_C(1000003), zones[z], &d));
        int64_t each = (clock_monotonic_ns() - start) / 200000;
        print_message("%s: %d ns\n", zones[z], (int)each);
        assert_in_range(
            each, 0, 50000); /* only to see that it is of the right order, also with sanitizers */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_not_a_zone),
        cmocka_unit_test(test_utc_against_libc),
        cmocka_unit_test(test_all_zones),
        cmocka_unit_test(test_speed),
    };
    return cmocka_run_group_tests_name("daytime", tests, NULL, NULL);
}
