/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as clients write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "api/rfc3339_in.h"
#include "base/clock.h"

static const struct {
    const char *text;
    int64_t ns; /* -1: refused */
} cases[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-21T12:00:00Z", INT64_C(1795262400000000000)},
    {"2026-11-21T12:00:00.123Z", INT64_C(1795262400123000000)},
    {"2026-11-21t12:00:00.1z", INT64_C(1795262400100000000)},
    {"2026-11-21T12:00:00.1234567899Z", INT64_C(1795262400123456789)},
    {"2026-11-21T13:30:00+01:30", INT64_C(1795262400000000000)},
    {"2026-11-21T04:00:00-08:00", INT64_C(1795262400000000000)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000000000)},
    {"2016-12-31T23:59:60Z", INT64_C(1483228799000000000)},
    {"", -1},
    {"2026-11-21", -1},
    {"2026-11-21T12:00:00", -1},
    {"2026-11-21T12:00Z", -1},
    {"2026-11-21 12:00:00Z", -1},
    {"2026-11-21T12:00:00.Z", -1},
    {"2026-11-21T12:00:00,5Z", -1},
    {"2026-11-21T12:00:00Zx", -1},
    {"2026-11-21T12:00:00+0100", -1},
    {"2026-11-21T12:00:00+24:00", -1},
    {"2026-11-21T12:00:00+01:60", -1},
    {"2026-13-01T00:00:00Z", -1},
    {"2026-00-01T00:00:00Z", -1},
    {"2026-11-31T00:00:00Z", -1},
    {"2026-02-29T00:00:00Z", -1},
    {"2100-02-29T00:00:00Z", -1},
    {"2026-11-21T24:00:00Z", -1},
    {"2026-11-21T12:60:00Z", -1},
    {"2026-11-21T12:00:61Z", -1},
    {"1969-12-31T23:59:59Z", -1},
    {"2262-01-01T00:00:00Z", -1},
    {"9999-12-31T23:59:59Z", -1},
    {"-026-11-21T12:00:00Z", -1},
    {" 2026-11-21T12:00:00Z", -1},
    {"2026-11-21T12:00:00Z ", -1},
    {"yesterday", -1},
};

static void parses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = -1;
        enum sg_err err = rfc3339_in_parse(cases[i].text, &ns);

        if ((err == SG_OK) != (cases[i].ns >= 0) || ns != cases[i].ns)
            fail_msg("%s: %d, %lld", cases[i].text, err, (long long)ns);
    }
}

/* What is shown is read as the same, to the millisecond. */
static void reads_what_is_shown(void **state)
{
    (void)state;
    for (int64_t at = 0; at < INT64_C(9000000000); at += 98765432) {
        int64_t ns = at * SG_NS_PER_S + 987654321, back;
        char text[SG_RFC3339_SIZE];

        clock_format_rfc3339(ns, text);
        assert_int_equal(rfc3339_in_parse(text, &back), SG_OK);
        assert_int_equal(back, ns - 654321);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(reads_what_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
