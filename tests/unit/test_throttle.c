/* SPDX-License-Identifier: Apache-2.0 */
/* Throttling of logins and codes, with a clock that the test moves. */
#include "core/throttle.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static int64_t now_ns;

static int64_t test_clock(void)
{
    return now_ns;
}

static void pass(int64_t seconds)
{
    now_ns += seconds * SG_NS_PER_S;
}

static int set_up(void **state)
{
    now_ns = 1000 * SG_NS_PER_S;
    clock_set_source(&(struct clock_source){.monotonic_ns = test_clock});
    *state = throttle_new();
    return *state == NULL;
}

static int tear_down(void **state)
{
    throttle_free(*state);
    clock_set_source(NULL);
    return 0;
}

/* Seconds to wait, 0 = may try. */
static unsigned wait_for(struct throttle *t, const char *name, const char *address, bool known)
{
    unsigned retry = 0;
    enum sg_err err = throttle_login(t, name, address, known, &retry);

    if (err == SG_OK) {
        assert_int_equal(retry, 0);
        return 0;
    }
    assert_int_equal(err, SG_ERR_THROTTLED);
    assert_in_range(retry, 1, 60);
    return retry;
}

static void test_delays_grow(void **state)
{
    static const unsigned expected[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct throttle *t = *state;

    for (unsigned i = 0; i < SG_THROTTLE_FREE; i++) {
        assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 0);
        throttle_login_failed(t, "ann", "192.0.2.1", true);
    }
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), expected[i]);
        now_ns += expected[i] * SG_NS_PER_S - 1;
        assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 1);
        now_ns++;
        assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 0);
        throttle_login_failed(t, "ann", "192.0.2.1", true);
    }
    /* Others are not concerned. */
    assert_int_equal(wait_for(t, "bob", "192.0.2.1", true), 0);
    assert_int_equal(wait_for(t, "ann", "192.0.2.2", true), 0);
    pass(SG_THROTTLE_FORGET);
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 0);
    throttle_login_failed(t, "ann", "192.0.2.1", true);
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 0);
}

static void test_success_resets_the_pair(void **state)
{
    struct throttle *t = *state;

    for (unsigned i = 0; i < SG_THROTTLE_FREE; i++)
        throttle_login_failed(t, "ann", "192.0.2.1", false);
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", false), 1);
    pass(1);
    throttle_login_succeeded(t, "ann", "192.0.2.1");
    for (unsigned i = 0; i < SG_THROTTLE_FREE; i++) {
        assert_int_equal(wait_for(t, "ann", "192.0.2.1", false), 0);
        throttle_login_failed(t, "ann", "192.0.2.1", false);
    }
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", false), 1);
}

static void test_address_limit(void **state)
{
    struct throttle *t = *state;
    char name[16];

    for (unsigned i = 0; i < SG_THROTTLE_ADDRESS; i++) {
        (void)snprintf(name, sizeof name, "user%u", i);
        assert_int_equal(wait_for(t, name, "192.0.2.1", true), 0);
        throttle_login_failed(t, name, "192.0.2.1", true);
    }
    assert_int_equal(wait_for(t, "fresh", "192.0.2.1", true), 2);
    assert_int_equal(wait_for(t, "fresh", "::ffff:192.0.2.1", true), 2);
    assert_int_equal(wait_for(t, "fresh", "192.0.2.2", true), 0);
    /* One success does not open the address again. */
    throttle_login_succeeded(t, "fresh", "192.0.2.1");
    assert_int_equal(wait_for(t, "fresh", "192.0.2.1", true), 2);
    pass(2);
    assert_int_equal(wait_for(t, "fresh", "192.0.2.1", true), 0);
    throttle_login_failed(t, "fresh", "192.0.2.1", true);
    assert_int_equal(wait_for(t, "other", "192.0.2.1", true), 2);
    pass(60);
    assert_int_equal(wait_for(t, "other", "192.0.2.1", true), 0);
}

static unsigned factor_wait(struct throttle *t, const char *name, bool known)
{
    unsigned retry = 0;
    enum sg_err err = throttle_factor(t, name, known, &retry);

    assert_true(err == (retry == 0 ? SG_OK : SG_ERR_THROTTLED));
    return retry;
}

static void test_factors(void **state)
{
    struct throttle *t = *state;

    for (unsigned i = 0; i < SG_THROTTLE_FACTOR; i++)
        assert_int_equal(factor_wait(t, "ann", false), 0);
    assert_int_equal(factor_wait(t, "ann", false), 360);
    assert_int_equal(factor_wait(t, "ann", true), 0); /* at home */
    assert_int_equal(factor_wait(t, "bob", false), 0);
    pass(360);
    assert_int_equal(factor_wait(t, "ann", false), 0);
    assert_int_equal(factor_wait(t, "ann", false), 360);
    throttle_factor_succeeded(t, "ann", true);
    assert_int_equal(factor_wait(t, "ann", false), 360);
    throttle_factor_succeeded(t, "ann", false);
    for (unsigned i = 0; i < SG_THROTTLE_FACTOR; i++)
        assert_int_equal(factor_wait(t, "ann", false), 0);
    assert_int_equal(factor_wait(t, "ann", false), 360);
}

static void test_name_limit_spares_known_addresses(void **state)
{
    struct throttle *t = *state;
    char address[32];

    for (unsigned i = 0; i < SG_THROTTLE_NAME; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%u", i);
        assert_int_equal(wait_for(t, "ann", address, false), 0);
        throttle_login_failed(t, "ann", address, false);
    }
    assert_int_equal(wait_for(t, "ann", "203.0.113.1", false), 3);
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 0);
    assert_int_equal(wait_for(t, "bob", "203.0.113.1", false), 0);
    /* Failures at known addresses do not count against the name. */
    pass(60);
    for (unsigned i = 0; i < 3 * SG_THROTTLE_NAME; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%u", i);
        throttle_login_failed(t, "ann", address, true);
    }
    assert_int_equal(wait_for(t, "ann", "203.0.113.1", false), 0);
}

static void test_ipv6_counts_by_64(void **state)
{
    struct throttle *t = *state;
    char address[64];

    for (unsigned i = 0; i < SG_THROTTLE_FREE; i++) {
        (void)snprintf(address, sizeof address, "2001:db8:1:2::%x", i + 1);
        throttle_login_failed(t, "ann", address, true);
    }
    assert_int_equal(wait_for(t, "ann", "2001:db8:1:2:ffff::9", true), 1);
    assert_int_equal(wait_for(t, "ann", "2001:db8:1:3::1", true), 0);
    assert_int_equal(wait_for(t, "ann", "fe80::1%eth0", true), 0);
}

static void test_codes(void **state)
{
    struct throttle *t = *state;
    unsigned retry = 0;

    for (unsigned i = 0; i < SG_THROTTLE_CODE; i++) {
        assert_int_equal(throttle_code(t, "192.0.2.1", &retry), SG_OK);
        throttle_code_failed(t, "192.0.2.1");
    }
    assert_int_equal(throttle_code(t, "192.0.2.1", &retry), SG_ERR_THROTTLED);
    assert_int_equal(retry, 6);
    assert_int_equal(throttle_code(t, "192.0.2.2", &retry), SG_OK);
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", false), 0);
    pass(6);
    assert_int_equal(throttle_code(t, "192.0.2.1", &retry), SG_OK);
}

/* Filling the tables with single failures of others does not free who is held back. */
static void test_flood_does_not_reset(void **state)
{
    struct throttle *t = *state;
    char address[32], name[32];
    unsigned held;

    for (unsigned i = 0; i < SG_THROTTLE_FREE + 6; i++)
        throttle_login_failed(t, "ann", "192.0.2.1", true);
    held = wait_for(t, "ann", "192.0.2.1", true);
    assert_int_equal(held, 60);
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(address, sizeof address, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        (void)snprintf(name, sizeof name, "user%u", i);
        throttle_login_failed(t, name, address, false);
    }
    assert_int_equal(wait_for(t, "ann", "192.0.2.1", true), 60);
    /* And the newest is counted all the same. */
    for (unsigned i = 0; i < SG_THROTTLE_FREE; i++)
        throttle_login_failed(t, "new", "192.0.2.7", true);
    assert_int_equal(wait_for(t, "new", "192.0.2.7", true), 1);
}

static void test_odd_input(void **state)
{
    struct throttle *t = *state;
    char name[4096];

    for (size_t i = 0; i < sizeof name; i++)
        name[i] = 'x';
    name[sizeof name - 1] = '\0';
    for (unsigned i = 0; i < SG_THROTTLE_FREE; i++)
        throttle_login_failed(t, name, "not an address, and a long one at that, indeed", true);
    assert_int_equal(wait_for(t, name, "not an address, and a long one at that, indeed", true), 1);
    assert_int_equal(wait_for(t, "", "", true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delays_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_success_resets_the_pair, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_address_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_factors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_name_limit_spares_known_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ipv6_counts_by_64, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_codes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flood_does_not_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_odd_input, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
