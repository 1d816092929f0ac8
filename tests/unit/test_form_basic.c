/* SPDX-License-Identifier: Apache-2.0 */
/* What a client shows with `Authorization: Basic`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "api/form_in.h"
#include "base/encode.h"

static struct arena *arena;

static enum sg_err basic(const char *plain, size_t len, char **id, char **secret)
{
    char text[SG_BASE64_SIZE(2048)];

    assert_true(len <= 2048);
    encode_base64(plain, len, text);
    return form_in_basic(text, arena, id, secret);
}

static void good(const char *plain, const char *id, const char *secret)
{
    char *got_id = NULL, *got_secret = NULL;

    assert_int_equal(SG_OK, basic(plain, strlen(plain), &got_id, &got_secret));
    assert_string_equal(id, got_id);
    assert_string_equal(secret, got_secret);
}

static void bad(const char *plain, size_t len)
{
    char *id = NULL, *secret = NULL;

    assert_int_equal(SG_ERR_BAD_FIELD, basic(plain, len, &id, &secret));
    assert_null(id);
    assert_null(secret);
}

static void test_halves(void **state)
{
    (void)state;
    good("billing:sgc_abc", "billing", "sgc_abc");
    good("billing:", "billing", "");
    good(":x", "", "x");
    good("a:b:c", "a", "b:c");
    good("a%3Ab:c+d%25", "a:b", "c d%");
    good("%C3%A4:x", "\xc3\xa4", "x");
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const texts[] = {"!!", "YQ", "YQ=", "YQ==x", "YTpi ", " YTpi", "YT pi"};
    char *id = NULL, *secret = NULL, large[1100];

    bad("", 0);
    bad("billing", 7);
    bad("a:%zz", 5);
    bad("a:%", 3);
    bad("a:b\0c", 5);
    bad("a%00:b", 6);
    bad("a:%0a", 5);
    bad("a:\xff", 3);
    memset(large, 'a', sizeof large);
    large[1] = ':';
    bad(large, sizeof large);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(SG_ERR_BAD_FIELD, form_in_basic(texts[i], arena, &id, &secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_halves),
                                       cmocka_unit_test(test_malformed)};
    int failed;

    arena = arena_new((size_t)1 << 20);
    failed = cmocka_run_group_tests_name("basic", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
