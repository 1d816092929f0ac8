/* SPDX-License-Identifier: Apache-2.0 */
/* Recovery codes: what they look like, how they may be typed, what is kept of them. */
#include "core/recovery.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[SG_FACTOR_KEY_SIZE] = {4, 5, 6};
static uint8_t byte;

static void source(void *data, size_t len)
{
    memset(data, byte, len);
}

static void test_form(void **state)
{
    char code[SG_RECOVERY_CODE_SIZE];
    uint8_t digest[SG_DIGEST_SIZE];

    (void)state;
    rng_set_source(source);
    byte = 0;
    recovery_make(key, 1, code, digest);
    assert_string_equal("0000-0000-0000", code);
    byte = 31;
    recovery_make(key, 1, code, digest);
    assert_string_equal("ZZZZ-ZZZZ-ZZZZ", code);
    byte = 255; /* every value of a byte counts alike */
    recovery_make(key, 1, code, digest);
    assert_string_equal("ZZZZ-ZZZZ-ZZZZ", code);
    rng_set_source(NULL);
}

static void test_typed(void **state)
{
    static const char *const spellings[] = {"0000-0000-0000", "000000000000", "oO0O ooo0-0000",
                                            " 0000 0000 0000 ", "-0-0-0-0-0-0-0-0-0-0-0-0-"};
    static const char *const wrong[] = {"",
                                        "0000-0000-000",
                                        "0000-0000-00000",
                                        "0000-0000-000U",
                                        "0000_0000_0000",
                                        "0000-0000-000\xc3\xa9"};
    char code[SG_RECOVERY_CODE_SIZE];
    uint8_t digest[SG_DIGEST_SIZE], again[SG_DIGEST_SIZE];

    (void)state;
    rng_set_source(source);
    byte = 0;
    recovery_make(key, 1, code, digest);
    rng_set_source(NULL);
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        assert_int_equal(SG_OK, recovery_digest(key, 1, spellings[i], again));
        assert_memory_equal(digest, again, sizeof again);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(SG_ERR_BAD_FACTOR, recovery_digest(key, 1, wrong[i], again));
    assert_int_equal(SG_OK, recovery_digest(key, 1, "1111-1111-1111", digest));
    assert_int_equal(SG_OK, recovery_digest(key, 1, "iIlL-iIlL-1111", again));
    assert_memory_equal(digest, again, sizeof again);
}

static void test_digest(void **state)
{
    static const uint8_t other[SG_FACTOR_KEY_SIZE] = {7};
    char code[SG_RECOVERY_CODE_SIZE], second[SG_RECOVERY_CODE_SIZE];
    uint8_t digest[SG_DIGEST_SIZE], again[SG_DIGEST_SIZE];

    (void)state;
    recovery_make(key, 1, code, digest);
    assert_int_equal(SG_OK, recovery_digest(key, 1, code, again));
    assert_memory_equal(digest, again, sizeof again);
    assert_int_equal(SG_OK, recovery_digest(key, 2, code, again)); /* another user */
    assert_memory_not_equal(digest, again, sizeof again);
    assert_int_equal(SG_OK, recovery_digest(other, 1, code, again)); /* another gateway */
    assert_memory_not_equal(digest, again, sizeof again);
    recovery_make(key, 1, second, again);
    assert_string_not_equal(code, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_typed),
        cmocka_unit_test(test_digest),
    };

    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
