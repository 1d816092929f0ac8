/* SPDX-License-Identifier: Apache-2.0 */
/* Where the key-encryption key comes from, and what is said when it is not there or another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/kek.h"
#include "keyring/sealed.h"
#include "tempdir.h"

static char *dir;

static int set_up(void **state)
{
    (void)state;
    dir = tempdir_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(dir);
    return 0;
}

static enum sg_err open_with(struct kek_options o, struct kek *ret)
{
    o.dir = dir;
    return kek_open(&o, ret);
}

static void test_a_file_is_made_once(void **state)
{
    const struct kek_options o = {.source = SG_KEK_FILE};
    struct kek first;
    struct kek second;
    struct stat st;

    (void)state;
    assert_int_equal(open_with(o, &first), SG_OK);
    assert_int_equal(stat(tempdir_path(dir, "kek"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(open_with(o, &second), SG_OK);
    assert_memory_equal(&first, &second, sizeof first);
    /* Without it there is no other: the keys would be lost. */
    assert_int_equal(unlink(tempdir_path(dir, "kek")), 0);
    assert_int_equal(open_with(o, &second), SG_ERR_NOT_FOUND);
    assert_int_not_equal(access(tempdir_path(dir, "kek"), F_OK), 0);
    assert_int_equal(
        file_write_atomic(tempdir_path(dir, "kek"), "00112233445566778899aabbccddeeff", 32, 0600),
        SG_OK);
    assert_int_equal(open_with(o, &second), SG_ERR_BAD_CREDENTIALS);
    assert_int_equal(file_write_atomic(tempdir_path(dir, "kek"), "short", 5, 0600), SG_OK);
    assert_int_equal(open_with(o, &second), SG_ERR_CORRUPT);
}

static void test_a_file_elsewhere(void **state)
{
    char *elsewhere = tempdir_make();
    char path[512];
    struct kek_options o = {.source = SG_KEK_FILE, .file = path};
    struct kek first;
    struct kek second;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/my-kek", elsewhere);
    assert_int_equal(open_with(o, &first), SG_OK);
    assert_int_not_equal(access(tempdir_path(dir, "kek"), F_OK), 0);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(open_with(o, &second), SG_OK);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(open_with(o, &second), SG_ERR_FORBIDDEN);
    tempdir_remove(elsewhere);
}

static void test_a_credential(void **state)
{
    struct kek_options o = {.source = SG_KEK_CREDENTIAL, .credential = "gate"};
    char *credentials = tempdir_make();
    struct kek first;
    struct kek second;

    (void)state;
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(open_with(o, &first), SG_ERR_NOT_FOUND);
    (void)setenv("CREDENTIALS_DIRECTORY", credentials, 1);
    assert_int_equal(open_with(o, &first), SG_ERR_NOT_FOUND);
    assert_int_equal(file_write_atomic(tempdir_path(credentials, "gate"),
                                       "a credential of 32 bytes or more\n", 33, 0400),
                     SG_OK);
    assert_int_equal(open_with(o, &first), SG_OK);
    /* The newline that an editor leaves is no part of it. */
    assert_int_equal(file_write_atomic(tempdir_path(credentials, "gate"),
                                       "a credential of 32 bytes or more", 32, 0400),
                     SG_OK);
    assert_int_equal(open_with(o, &second), SG_OK);
    assert_memory_equal(&first, &second, sizeof first);
    o.credential = "../gate";
    assert_int_equal(open_with(o, &second), SG_ERR_BAD_FIELD);
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    tempdir_remove(credentials);
}

static void test_a_passphrase(void **state)
{
    struct kek_options o = {.source = SG_KEK_PASSPHRASE, .passphrase = "short"};
    struct kek first;
    struct kek second;

    (void)state;
    assert_int_equal(open_with(o, &first), SG_ERR_BAD_FIELD);
    o.passphrase = "correct horse";
    assert_int_equal(open_with(o, &first), SG_OK);
    assert_int_equal(open_with(o, &second), SG_OK);
    assert_memory_equal(&first, &second, sizeof first);
    o.passphrase = "correct horsf";
    assert_int_equal(open_with(o, &second), SG_ERR_BAD_CREDENTIALS);
    o.passphrase = "";
    assert_int_equal(open_with(o, &second), SG_ERR_BAD_CREDENTIALS);
    o.passphrase = "short";
    assert_int_equal(open_with(o, &second), SG_ERR_BAD_CREDENTIALS);
}

static void test_the_source_stays(void **state)
{
    struct kek_options o = {.source = SG_KEK_FILE};
    struct kek kek;

    (void)state;
    assert_int_equal(open_with(o, &kek), SG_OK);
    o = (struct kek_options){.source = SG_KEK_PASSPHRASE, .passphrase = "correct horse"};
    assert_int_equal(open_with(o, &kek), SG_ERR_CONFLICT);
}

static void test_the_info_is_part_of_the_keys(void **state)
{
    const struct kek_options o = {.source = SG_KEK_FILE};
    SG_BUF_CLEANUP struct buf info;
    struct kek kek;
    struct kek again;

    (void)state;
    assert_int_equal(open_with(o, &kek), SG_OK);
    buf_init(&info, 4096);
    assert_int_equal(file_read(tempdir_path(dir, "kek.info"), &info), SG_OK);
    /* While nothing is sealed yet it is made again; then it is missed. */
    assert_int_equal(sealed_save(&kek, tempdir_path(dir, "ca.key"), "private-key", "ca", "x", 1),
                     SG_OK);
    assert_int_equal(unlink(tempdir_path(dir, "kek.info")), 0);
    assert_int_equal(open_with(o, &again), SG_ERR_NOT_FOUND);
    for (size_t len = 0; len < info.len; len += 7) {
        assert_int_equal(file_write_atomic(tempdir_path(dir, "kek.info"), info.data, len, 0600),
                         SG_OK);
        assert_int_equal(open_with(o, &again), SG_ERR_CORRUPT);
    }
    info.data[20] ^= 1; /* the salt */
    assert_int_equal(file_write_atomic(tempdir_path(dir, "kek.info"), info.data, info.len, 0600),
                     SG_OK);
    assert_int_equal(open_with(o, &again), SG_ERR_BAD_CREDENTIALS);
    info.data[20] ^= 1;
    assert_int_equal(file_write_atomic(tempdir_path(dir, "kek.info"), info.data, info.len, 0600),
                     SG_OK);
    assert_int_equal(open_with(o, &again), SG_OK);
    assert_memory_equal(&kek, &again, sizeof kek);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_is_made_once), TEST(test_a_file_elsewhere),
        TEST(test_a_credential),        TEST(test_a_passphrase),
        TEST(test_the_source_stays),    TEST(test_the_info_is_part_of_the_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
