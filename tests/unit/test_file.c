/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of whole-file helpers, failures included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
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

static unsigned count_entries(const char *path)
{
    DIR *d = opendir(path);
    unsigned count = 0;

    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 2;
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_write_and_read(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    const char *path = tempdir_path(dir, "file");
    mode_t before = umask(077);

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(file_write_atomic(path, "one", 3, 0644), SG_OK);
    assert_int_equal(mode_of(path), 0644);
    assert_int_equal(file_write_atomic(path, "second", 6, 0600), SG_OK);
    assert_int_equal(mode_of(path), 0600);
    umask(before);
    assert_int_equal(file_read(path, &b), SG_OK);
    assert_string_equal(buf_str(&b), "second");
    assert_int_equal(file_read(path, &b), SG_OK);
    assert_string_equal(buf_str(&b), "secondsecond");
    assert_int_equal(count_entries(dir), 1);
}

static void test_an_empty_file(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    const char *path = tempdir_path(dir, "empty");

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(file_write_atomic(path, "", 0, 0600), SG_OK);
    assert_int_equal(file_read(path, &b), SG_OK);
    assert_int_equal(b.len, 0);
}

static void test_the_cap_is_exact(void **state)
{
    struct buf b;
    const char *path = tempdir_path(dir, "five");

    (void)state;
    assert_int_equal(file_write_atomic(path, "12345", 5, 0600), SG_OK);
    buf_init(&b, 5);
    assert_int_equal(file_read(path, &b), SG_OK);
    assert_string_equal(buf_str(&b), "12345");
    buf_fini(&b);
    buf_init(&b, 4);
    assert_int_equal(file_read(path, &b), SG_ERR_TOO_LARGE);
    buf_fini(&b);
}

static void test_a_large_file(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    const char *path = tempdir_path(dir, "large");
    char *data = malloc(300000);

    (void)state;
    buf_init(&b, 1 << 20);
    memset(data, 'x', 300000);
    assert_int_equal(file_write_atomic(path, data, 300000, 0600), SG_OK);
    assert_int_equal(file_read(path, &b), SG_OK);
    assert_int_equal(b.len, 300000);
    assert_memory_equal(b.data, data, 300000);
    free(data);
}

static void test_failures(void **state)
{
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(file_read(tempdir_path(dir, "none"), &b), SG_ERR_NOT_FOUND);
    assert_int_equal(file_read(dir, &b), SG_ERR_IO);
    assert_int_equal(file_write_atomic(tempdir_path(dir, "no/file"), "x", 1, 0600),
                     SG_ERR_NOT_FOUND);
    assert_int_equal(mkdir(tempdir_path(dir, "taken"), 0700), 0);
    assert_int_equal(file_write_atomic(tempdir_path(dir, "taken"), "x", 1, 0600), SG_ERR_IO);
    assert_int_equal(count_entries(dir), 1);
    assert_int_equal(file_write_all(-1, "x", 1), SG_ERR_IO);
    assert_int_equal(file_sync_dir(tempdir_path(dir, "none")), SG_ERR_NOT_FOUND);
    assert_int_equal(file_sync_dir(dir), SG_OK);
}

static void test_a_link_is_replaced_not_followed(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    const char *target = tempdir_path(dir, "target");
    const char *path = tempdir_path(dir, "link");

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(file_write_atomic(target, "keep", 4, 0600), SG_OK);
    assert_int_equal(symlink("target", path), 0);
    assert_int_equal(file_write_atomic(path, "new", 3, 0600), SG_OK);
    assert_int_equal(file_read(target, &b), SG_OK);
    assert_string_equal(buf_str(&b), "keep");
}

static void test_write_in_the_working_directory(void **state)
{
    char *former = getcwd(NULL, 0);

    (void)state;
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(file_write_atomic("plain", "x", 1, 0600), SG_OK);
    assert_int_equal(chdir(former), 0);
    assert_int_equal(mode_of(tempdir_path(dir, "plain")), 0600);
    free(former);
}

static void test_directories(void **state)
{
    (void)state;
    assert_int_equal(file_mkdirs(tempdir_path(dir, "a/b//c/"), 0700), SG_OK);
    assert_int_equal(mode_of(tempdir_path(dir, "a/b/c")), 0700);
    assert_int_equal(file_mkdirs(tempdir_path(dir, "a/b/c"), 0700), SG_OK);
    assert_int_equal(file_write_atomic(tempdir_path(dir, "a/f"), "x", 1, 0600), SG_OK);
    assert_int_equal(file_mkdirs(tempdir_path(dir, "a/f"), 0700), SG_ERR_NOT_DIRECTORY);
    assert_int_equal(file_mkdirs(tempdir_path(dir, "a/f/g"), 0700), SG_ERR_NOT_DIRECTORY);
}

static void test_temporaries_are_removed(void **state)
{
    static const char *const leftovers[] = {".a.0123456789abcdef.tmp", ".b.0123456789abcdef.tmp"};
    static const char *const others[] = {"a", ".a.0123456789abcde.tmp", "a.0123456789abcdef.tmp",
                                         ".0123456789abcdef.tmp", ".a.0123456789abcdeg.tmp"};

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(file_write_atomic(tempdir_path(dir, leftovers[i]), "x", 1, 0600), SG_OK);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(file_write_atomic(tempdir_path(dir, others[i]), "x", 1, 0600), SG_OK);
    assert_int_equal(file_remove_temporaries(dir, "b"), SG_OK);
    assert_int_equal(count_entries(dir), 6);
    assert_int_equal(file_remove_temporaries(dir, NULL), SG_OK);
    assert_int_equal(count_entries(dir), 5);
    assert_int_equal(file_remove_temporaries(tempdir_path(dir, "none"), NULL), SG_ERR_NOT_FOUND);
}

static void test_join(void **state)
{
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char *path = file_join(cases[i][0], cases[i][1]);

        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_write_and_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_empty_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_cap_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_link_is_replaced_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_in_the_working_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_temporaries_are_removed, set_up, tear_down),
        cmocka_unit_test(test_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
