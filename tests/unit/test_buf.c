/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the capped buffer, and of the secrets' helpers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"

static void test_an_empty_buffer(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    size_t len = 77;

    (void)state;
    buf_init(&b, 10);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_status(&b), SG_OK);
    buf_append(&b, "", 0);
    buf_consume(&b, 0);
    assert_int_equal(b.len, 0);
    assert_null(buf_take(&b, &len));
    assert_int_equal(len, 77);
}

static void test_it_holds_exactly_its_cap(void **state)
{
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, 5);
    buf_puts(&b, "12345");
    assert_int_equal(buf_status(&b), SG_OK);
    assert_string_equal(buf_str(&b), "12345");
    buf_putc(&b, '6');
    assert_int_equal(buf_status(&b), SG_ERR_TOO_LARGE);
    assert_string_equal(buf_str(&b), "12345");
    buf_append(&b, "", 0);
    assert_int_equal(buf_status(&b), SG_ERR_TOO_LARGE);
    buf_clear(&b);
    assert_int_equal(buf_status(&b), SG_OK);
    assert_string_equal(buf_str(&b), "");
    buf_puts(&b, "abcde");
    assert_int_equal(buf_status(&b), SG_OK);
}

static void test_a_cap_of_zero_takes_nothing(void **state)
{
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_append(&b, "", 0);
    assert_int_equal(buf_status(&b), SG_OK);
    buf_putc(&b, 'x');
    assert_int_equal(buf_status(&b), SG_ERR_TOO_LARGE);
}

static void test_it_grows_and_keeps_its_content(void **state)
{
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, 100000);
    for (int i = 0; i < 100000; i++)
        buf_putc(&b, (char)('a' + i % 26));
    assert_int_equal(buf_status(&b), SG_OK);
    assert_int_equal(b.len, 100000);
    assert_in_range(b.cap, 100001, 100001);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    assert_int_equal(b.data[b.len], 0);
}

/* The sanitizers' allocators end the process on such a request unless told otherwise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void test_an_absurd_length_fails_without_overflow(void **state)
{
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    buf_puts(&b, "x");
    assert_null(buf_reserve(&b, SIZE_MAX - 1));
    assert_int_not_equal(buf_status(&b), SG_OK);
    buf_clear(&b);
    assert_null(buf_reserve(&b, SIZE_MAX / 4));
    assert_int_equal(buf_status(&b), SG_ERR_NO_MEMORY);
}

static void test_formatted_text(void **state)
{
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, 12);
    buf_printf(&b, "%s-%d", "abc", 42);
    assert_string_equal(buf_str(&b), "abc-42");
    buf_printf(&b, "%06d", 7);
    assert_string_equal(buf_str(&b), "abc-42000007");
    buf_printf(&b, "%d", 1);
    assert_int_equal(buf_status(&b), SG_ERR_TOO_LARGE);
    assert_string_equal(buf_str(&b), "abc-42000007");
}

static void test_reserve_commit_consume(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    uint8_t *to;

    (void)state;
    buf_init(&b, 100);
    to = buf_reserve(&b, 10);
    assert_non_null(to);
    memcpy(to, "0123456789", 10);
    buf_commit(&b, 4);
    assert_string_equal(buf_str(&b), "0123");
    buf_consume(&b, 1);
    assert_string_equal(buf_str(&b), "123");
    buf_consume(&b, 3);
    assert_string_equal(buf_str(&b), "");
    assert_null(buf_reserve(&b, 101));
}

static void test_take_gives_the_memory_away(void **state)
{
    struct buf b;
    char *text;
    size_t len;

    (void)state;
    buf_init(&b, 100);
    buf_puts(&b, "mine");
    text = buf_take(&b, &len);
    assert_string_equal(text, "mine");
    assert_int_equal(len, 4);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
    free(text);
    buf_init(&b, 2);
    buf_puts(&b, "x");
    buf_puts(&b, "too long");
    assert_null(buf_take(&b, &len));
    assert_int_equal(buf_status(&b), SG_OK);
    buf_wipe(&b);
}

static void test_secrets(void **state)
{
    char bytes[] = "secret";

    (void)state;
    assert_true(secret_equal("abc", "abc", 3));
    assert_false(secret_equal("abc", "abd", 3));
    assert_false(secret_equal("\x80", "\0", 1));
    assert_true(secret_equal("x", "y", 0));
    secret_wipe(bytes, 3);
    assert_memory_equal(bytes, "\0\0\0ret", 6);
    secret_wipe(NULL, 0);
    secret_free_string(NULL);
    secret_free_string(strdup("gone"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_buffer),
        cmocka_unit_test(test_it_holds_exactly_its_cap),
        cmocka_unit_test(test_a_cap_of_zero_takes_nothing),
        cmocka_unit_test(test_it_grows_and_keeps_its_content),
        cmocka_unit_test(test_an_absurd_length_fails_without_overflow),
        cmocka_unit_test(test_formatted_text),
        cmocka_unit_test(test_reserve_commit_consume),
        cmocka_unit_test(test_take_gives_the_memory_away),
        cmocka_unit_test(test_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
