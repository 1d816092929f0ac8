/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors at logins and confirmations: when one is asked for, and how often it may be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_identity.h"

static struct {
    bool needed;
    int checked;
} seen;

static enum sg_err factor_needed(void *ctx, int64_t user_id, bool *ret)
{
    (void)ctx;
    assert_true(user_id > 0);
    *ret = seen.needed;
    return SG_OK;
}

static enum sg_err factor_check(void *ctx, int64_t user_id, const char *code, bool *ret_recovery)
{
    (void)ctx;
    (void)user_id;
    seen.checked++;
    if (strcmp(code, "123456") != 0 && strcmp(code, "recovery") != 0)
        return SG_ERR_BAD_FACTOR;
    *ret_recovery = strcmp(code, "recovery") == 0;
    return SG_OK;
}

static void hook(struct fake_identity *f)
{
    const struct identity_hooks hooks = {.factor_needed = factor_needed,
                                         .factor_check = factor_check};

    memset(&seen, 0, sizeof seen);
    identity_set_hooks(f->id, &hooks);
}

static enum sg_err with_code(struct fake_identity *f, const char *password, const char *code,
                             struct grant *ret)
{
    unsigned retry = 0;
    const struct login login = {.method = SG_METHOD_PASSWORD,
                                .username = "ann",
                                .password = password,
                                .code = code,
                                .with = &fake_presented};

    return identity_login(f->id, &login, ret, &retry);
}

static void test_second_factor(void **state)
{
    struct fake_identity *f = *state;
    struct grant grant;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    assert_int_equal(with_code(f, FAKE_PASSWORD, NULL, &grant), SG_OK);
    seen.needed = true;
    assert_int_equal(with_code(f, FAKE_PASSWORD, NULL, &grant), SG_ERR_FACTOR_NEEDED);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "", &grant), SG_ERR_FACTOR_NEEDED);
    assert_int_equal(with_code(f, "wrong", "123456", &grant), SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(seen.checked, 0); /* nobody learns of codes without the password */
    assert_int_equal(with_code(f, FAKE_PASSWORD, "000000", &grant), SG_ERR_BAD_FACTOR);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "123456", &grant), SG_OK);
    assert_false(grant.recovery_used);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "recovery", &grant), SG_OK);
    assert_true(grant.recovery_used);
}

/* Who knows the password guesses codes no faster than passwords. */
static void test_codes_are_throttled(void **state)
{
    struct fake_identity *f = *state;
    struct grant grant;
    int tries = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    seen.needed = true;
    while (with_code(f, FAKE_PASSWORD, "000000", &grant) == SG_ERR_BAD_FACTOR)
        assert_true(++tries < 20);
    assert_int_equal(tries, 5);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "123456", &grant), SG_ERR_THROTTLED);
    fake_identity_pass(2);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "123456", &grant), SG_OK);
}

static enum sg_err confirm(struct fake_identity *f, const struct principal *who,
                           const char *password, const char *code, bool *ret_recovery)
{
    unsigned retry = 0;

    return identity_confirm_password(f->id, who, password, code, FAKE_ADDRESS, ret_recovery,
                                     &retry);
}

static void test_confirmation_of_the_password(void **state)
{
    struct fake_identity *f = *state;
    struct principal who;
    struct grant grant;
    bool recovery = false;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    seen.needed = true;
    assert_int_equal(confirm(f, &who, FAKE_PASSWORD, NULL, &recovery), SG_OK);
    assert_int_equal(confirm(f, &who, FAKE_PASSWORD, "", &recovery), SG_ERR_FACTOR_NEEDED);
    assert_int_equal(confirm(f, &who, FAKE_PASSWORD, "000000", &recovery), SG_ERR_BAD_FACTOR);
    assert_int_equal(confirm(f, &who, FAKE_PASSWORD, "123456", &recovery), SG_OK);
    assert_false(recovery);
    assert_int_equal(confirm(f, &who, FAKE_PASSWORD, "recovery", &recovery), SG_OK);
    assert_true(recovery);
    assert_int_equal(confirm(f, &who, "wrong", NULL, &recovery), SG_ERR_BAD_CREDENTIALS);
}

/* The password alone does not excuse wrong codes, however often it is confirmed between them. */
static void test_the_password_excuses_no_codes(void **state)
{
    struct fake_identity *f = *state;
    struct principal who;
    struct grant grant;
    bool recovery = false;
    int tries = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    seen.needed = true;
    while (confirm(f, &who, FAKE_PASSWORD, "000000", &recovery) == SG_ERR_BAD_FACTOR) {
        assert_true(++tries < 20);
        enum sg_err err = confirm(f, &who, FAKE_PASSWORD, NULL, &recovery);
        assert_true(err == SG_OK || tries == 5);
    }
    assert_int_equal(tries, 5);
}

/* However slowly, and wherever a code is asked for: ten an hour. */
static void test_codes_of_an_hour(void **state)
{
    struct fake_identity *f = *state;
    struct principal who;
    struct grant grant;
    unsigned retry = 0;
    int tries = 0;

    fake_identity_add(f, "ann", SG_ROLE_MEMBER, NULL);
    hook(f);
    fake_identity_login(f, "ann", &grant);
    assert_int_equal(fake_identity_authenticate(f, grant.access_token, &who), SG_OK);
    seen.needed = true;
    for (; tries < 4; tries++)
        assert_int_equal(with_code(f, FAKE_PASSWORD, "000000", &grant), SG_ERR_BAD_FACTOR);
    for (; tries < 8; tries++)
        assert_int_equal(identity_try_factor(f->id, &who, FAKE_ADDRESS, &retry), SG_OK);
    for (; tries < 10; tries++) {
        fake_identity_pass(61);
        assert_int_equal(with_code(f, FAKE_PASSWORD, "000000", &grant), SG_ERR_BAD_FACTOR);
    }
    fake_identity_pass(61);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "123456", &grant), SG_ERR_THROTTLED);
    assert_int_equal(identity_try_factor(f->id, &who, FAKE_ADDRESS, &retry), SG_ERR_THROTTLED);
    assert_in_range(retry, 100, 360);
    fake_identity_pass(360);
    assert_int_equal(with_code(f, FAKE_PASSWORD, "123456", &grant), SG_OK);
    assert_int_equal(identity_try_factor(f->id, &who, FAKE_ADDRESS, &retry), SG_OK);
    assert_int_equal(identity_try_factor(f->id, &who, FAKE_ADDRESS, &retry), SG_OK);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, fake_identity_set_up, fake_identity_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_second_factor),
        TEST(test_codes_are_throttled),
        TEST(test_confirmation_of_the_password),
        TEST(test_the_password_excuses_no_codes),
        TEST(test_codes_of_an_hour),
    };
    int failed =
        cmocka_run_group_tests_name("memory", tests, fake_identity_group, fake_identity_group_end);

    return failed + cmocka_run_group_tests_name("SQLite", tests, fake_identity_group_sqlite,
                                                fake_identity_group_end);
}
