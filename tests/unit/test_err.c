/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the error table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"

static void test_every_error_has_status_code_and_title(void **state)
{
    (void)state;
    assert_int_equal(err_status(SG_OK), 200);
    assert_string_equal(err_code(SG_OK), "ok");
    for (int i = 1; i < SG_ERR_COUNT; i++) {
        enum sg_err err = (enum sg_err)i;

        assert_in_range(err_status(err), 400, 599);
        assert_true(strlen(err_code(err)) > 1);
        assert_true(strlen(err_title(err)) > 1);
        assert_int_equal(strspn(err_code(err), "abcdefghijklmnopqrstuvwxyz-"),
                         strlen(err_code(err)));
    }
}

static void test_public_codes_are_unique(void **state)
{
    (void)state;
    for (int i = 0; i < SG_ERR_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(err_code((enum sg_err)i), err_code((enum sg_err)j));
}

static void test_an_unknown_value_is_internal(void **state)
{
    (void)state;
    assert_int_equal(err_status(SG_ERR_COUNT), 500);
    assert_string_equal(err_code((enum sg_err)100000), "internal");
}

static void test_examples(void **state)
{
    (void)state;
    assert_int_equal(err_status(SG_ERR_NOT_FOUND), 404);
    assert_string_equal(err_code(SG_ERR_NOT_FOUND), "not-found");
    assert_int_equal(err_status(SG_ERR_NO_SPACE), 507);
    assert_string_equal(err_title(SG_ERR_THROTTLED), "Too many attempts");
}

static void test_errno_is_converted(void **state)
{
    (void)state;
    assert_int_equal(err_from_errno(ENOSPC), SG_ERR_NO_SPACE);
    assert_int_equal(err_from_errno(EDQUOT), SG_ERR_NO_SPACE);
    assert_int_equal(err_from_errno(ENOMEM), SG_ERR_NO_MEMORY);
    assert_int_equal(err_from_errno(ENOENT), SG_ERR_NOT_FOUND);
    assert_int_equal(err_from_errno(EMFILE), SG_ERR_OVERLOADED);
    assert_int_equal(err_from_errno(ENFILE), SG_ERR_OVERLOADED);
    assert_int_equal(err_from_errno(ETIMEDOUT), SG_ERR_TIMEOUT);
    assert_int_equal(err_from_errno(EIO), SG_ERR_IO);
    assert_int_equal(err_from_errno(0), SG_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_status_code_and_title),
        cmocka_unit_test(test_public_codes_are_unique),
        cmocka_unit_test(test_an_unknown_value_is_internal),
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_errno_is_converted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
