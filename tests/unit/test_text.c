/* SPDX-License-Identifier: Apache-2.0 */
/* Control characters, and what looks like them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/text.h"

static void test_control(void **state)
{
    static const char *const bad[] = {"\n", "a\x1f", "\x7fz", "\xc2\x80", "x\xc2\x9fy"};
    static const char *const good[] = {"",         " ~",           "\xc2\xa0",
                                       "\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_true(text_has_control(bad[i], strlen(bad[i])));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_false(text_has_control(good[i], strlen(good[i])));
    assert_true(text_has_control("a\0b", 3));
    assert_false(text_has_control("\xc2\x80", 1)); /* reads no further than it may */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_control)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
