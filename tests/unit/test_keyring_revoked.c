/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the list of revoked certificates on disk: what is added stays, what has expired leaves,
 * what is damaged is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "keyring/kek.h"
#include "keyring/revoked.h"
#include "tempdir.h"

#define NOW_S INT64_C(1795190534)
#define DAY_S INT64_C(86400)

static const struct kek kek = {{1, 2, 3}};
static const struct kek other = {{1, 2, 4}};
static char *dir;
static struct revoked list;

static int set_up(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    dir = tempdir_make();
    return revoked_open(&kek, dir, &list) != SG_OK;
}

static int tear_down(void **state)
{
    (void)state;
    revoked_fini(&list);
    tempdir_remove(dir);
    return 0;
}

static void reopen(void)
{
    revoked_fini(&list);
    assert_int_equal(revoked_open(&kek, dir, &list), SG_OK);
}

static enum sg_err add(uint8_t tag, int64_t expires_s, bool *ret_added)
{
    struct keyring_revocation m = {
        .serial_len = SG_SERIAL_SIZE, .revoked_s = NOW_S, .expires_s = expires_s};

    memset(m.serial, tag, sizeof m.serial);
    return revoked_add(&list, &m, NOW_S, ret_added);
}

static void test_what_is_added_stays(void **state)
{
    bool added = false;

    (void)state;
    assert_int_equal(list.count, 0);
    assert_int_equal(add(1, NOW_S + DAY_S, &added), SG_OK);
    assert_true(added);
    assert_int_equal(add(2, NOW_S + DAY_S, &added), SG_OK);
    assert_int_equal(add(1, NOW_S + DAY_S, &added), SG_OK);
    assert_false(added);
    reopen();
    assert_int_equal(list.count, 2);
    assert_int_equal(list.list[0].serial[19], 1);
    assert_int_equal(list.list[0].serial_len, SG_SERIAL_SIZE);
    assert_int_equal(list.list[0].revoked_s, NOW_S);
    assert_int_equal(list.list[1].serial[0], 2);
    assert_int_equal(list.expires_s[1], NOW_S + DAY_S);
}

/* A day after its end, with the next that comes. */
static void test_what_has_expired_leaves(void **state)
{
    bool added;

    (void)state;
    assert_int_equal(add(1, NOW_S + DAY_S, &added), SG_OK);
    assert_int_equal(add(2, NOW_S + DAY_S, &added), SG_OK);
    list.expires_s[0] = NOW_S - DAY_S - 1;
    list.expires_s[1] = NOW_S - DAY_S;
    assert_int_equal(add(3, NOW_S + DAY_S, &added), SG_OK);
    reopen();
    assert_int_equal(list.count, 2);
    assert_int_equal(list.list[0].serial[0], 2);
    assert_int_equal(list.list[1].serial[0], 3);
}

static void test_a_full_one(void **state)
{
    bool added = false;

    (void)state;
    for (size_t i = 0; i < SG_PKI_REVOKED_MAX; i++) {
        list.list[i].serial_len = SG_SERIAL_SIZE;
        memset(list.list[i].serial, 0x40, SG_SERIAL_SIZE);
        memcpy(list.list[i].serial + 1, &i, sizeof i);
        list.expires_s[i] = NOW_S + DAY_S;
    }
    list.count = SG_PKI_REVOKED_MAX;
    assert_int_equal(add(1, NOW_S + DAY_S, &added), SG_ERR_LIMIT);
    assert_false(added);
    assert_int_equal(list.count, SG_PKI_REVOKED_MAX);
    list.expires_s[7] = NOW_S - 2 * DAY_S;
    assert_int_equal(add(1, NOW_S + DAY_S, &added), SG_OK);
    assert_true(added);
    reopen();
    assert_int_equal(list.count, SG_PKI_REVOKED_MAX); /* all of them fit into a file */
    assert_int_equal(list.list[SG_PKI_REVOKED_MAX - 1].serial[0], 1);
}

static void test_what_is_refused(void **state)
{
    bool added;
    struct revoked again;
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, 4096);
    assert_int_equal(add(1, 0, &added), SG_ERR_BAD_FIELD);
    assert_int_equal(add(1, NOW_S + 100 * DAY_S, &added), SG_ERR_BAD_FIELD);
    assert_int_equal(add(1, NOW_S + 90 * DAY_S, &added), SG_OK);
    assert_int_equal(revoked_open(&other, dir, &again), SG_ERR_CORRUPT);
    assert_int_equal(file_read(tempdir_path(dir, SG_REVOKED_FILE), &b), SG_OK);
    b.data[b.len - 1] ^= 1;
    assert_int_equal(file_write_atomic(tempdir_path(dir, SG_REVOKED_FILE), b.data, b.len, 0600),
                     SG_OK);
    assert_int_equal(revoked_open(&kek, dir, &again), SG_ERR_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_added_stays),
        TEST(test_what_has_expired_leaves),
        TEST(test_a_full_one),
        TEST(test_what_is_refused),
    };

    return cmocka_run_group_tests_name("keyring_revoked", tests, NULL, NULL);
}
