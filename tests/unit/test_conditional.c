/* SPDX-License-Identifier: Apache-2.0 */
/* Preconditions: the order of RFC 9110 section 13.2.2 and each of its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/conditional.h"

#define T0     784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"

static const struct conditional_state there = {.etag = "\"a\"", .modified_s = T0};
static const struct conditional_state nothing = {0};

static void test_match(void **state)
{
    const struct conditional same = {.if_match = "\"a\""};
    const struct conditional other = {.if_match = "\"b\"", .if_unmodified_since = DATE};
    const struct conditional any = {.if_match = "*"};
    const struct conditional weak = {.if_match = "W/\"a\""};
    const struct conditional bad = {.if_match = "a"};

    (void)state;
    assert_int_equal(conditional_check(&same, &there, true), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&same, &nothing, false), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&other, &there, false), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&any, &there, false), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&any, &nothing, false), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&weak, &there, false), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&bad, &there, false), SG_CONDITION_MALFORMED);
}

static void test_none_match(void **state)
{
    const struct conditional same = {.if_none_match = "W/\"a\""};
    const struct conditional other = {.if_none_match = "\"b\"", .if_modified_since = DATE};
    const struct conditional any = {.if_none_match = "*"};
    const struct conditional bad = {.if_none_match = "\"a"};

    (void)state;
    assert_int_equal(conditional_check(&same, &there, true), SG_CONDITION_NOT_MODIFIED);
    assert_int_equal(conditional_check(&same, &there, false), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&other, &there, true), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&any, &there, false), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&any, &there, true), SG_CONDITION_NOT_MODIFIED);
    assert_int_equal(conditional_check(&any, &nothing, false), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&bad, &there, true), SG_CONDITION_MALFORMED);
}

static void test_dates(void **state)
{
    const struct conditional since = {.if_modified_since = DATE};
    const struct conditional since_before = {.if_modified_since = BEFORE};
    const struct conditional unmodified = {.if_unmodified_since = DATE};
    const struct conditional unmodified_before = {.if_unmodified_since = BEFORE};
    const struct conditional bad = {.if_modified_since = "yesterday",
                                    .if_unmodified_since = "yesterday"};

    (void)state;
    assert_int_equal(conditional_check(&since, &there, true), SG_CONDITION_NOT_MODIFIED);
    assert_int_equal(conditional_check(&since, &there, false), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&since_before, &there, true), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&unmodified, &there, true), SG_CONDITION_PROCEED);
    assert_int_equal(conditional_check(&unmodified_before, &there, true), SG_CONDITION_FAILED);
    assert_int_equal(conditional_check(&bad, &there, true), SG_CONDITION_PROCEED);
}

static void test_if_range(void **state)
{
    const struct conditional none = {0};
    const struct conditional same = {.if_range = "\"a\""};
    const struct conditional weak = {.if_range = "W/\"a\""};
    const struct conditional date = {.if_range = DATE};
    const struct conditional before = {.if_range = BEFORE};
    const struct conditional bad = {.if_range = "x"};

    (void)state;
    assert_true(conditional_range_holds(&none, &there));
    assert_true(conditional_range_holds(&same, &there));
    assert_false(conditional_range_holds(&weak, &there));
    assert_true(conditional_range_holds(&date, &there));
    assert_false(conditional_range_holds(&before, &there));
    assert_false(conditional_range_holds(&bad, &there));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),
        cmocka_unit_test(test_none_match),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_if_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
