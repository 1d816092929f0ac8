/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secctl's partial downloads and profiles on disk, and of its progress line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/part.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "tempdir.h"

static char *root;

static int set_up(void **state)
{
    (void)state;
    root = tempdir_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(root);
    return 0;
}

static int open_root(void)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static bool exists(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return access(path, F_OK) == 0;
}

static void test_a_part_goes_on_where_it_stopped(void **state)
{
    struct part part;
    char data[8] = "";

    (void)state;
    assert_int_equal(part_open(&part, open_root(), "x", "x"), SG_CLI_OK);
    assert_int_equal(part.size, 0);
    assert_true(part_restart(&part, "\"etag\""));
    assert_true(part_write(&part, "abc", 3));
    part_close(&part);
    assert_false(exists("x"));
    assert_true(exists("x.secctl-part"));
    assert_int_equal(part_open(&part, open_root(), "x", "x"), SG_CLI_OK);
    assert_int_equal(part.size, 3);
    assert_string_equal(part.etag, "\"etag\"");
    assert_int_equal(part_read(&part, data, sizeof(data), 1), 2);
    assert_string_equal(data, "bc");
    assert_true(part_write(&part, "def", 3));
    assert_true(part_publish(&part));
    part_close(&part);
    assert_true(exists("x"));
    assert_false(exists("x.secctl-part"));
    assert_false(exists("x.secctl-part-etag"));
}

static void test_a_part_of_unknown_origin_is_worth_nothing(void **state)
{
    struct part part;

    (void)state;
    assert_int_equal(part_open(&part, open_root(), "x", "x"), SG_CLI_OK);
    assert_true(part_restart(&part, ""));
    assert_true(part_write(&part, "abc", 3));
    part_close(&part);
    assert_int_equal(part_open(&part, open_root(), "x", "x"), SG_CLI_OK);
    assert_int_equal(part.size, 0);
    part_close(&part);
    assert_false(exists("x.secctl-part"));
}

static void test_one_process_at_a_time(void **state)
{
    struct part first, second;

    (void)state;
    assert_int_equal(part_open(&first, open_root(), "x", "x"), SG_CLI_OK);
    assert_int_equal(part_open(&second, open_root(), "x", "x"), SG_CLI_USAGE);
    assert_true(exists("x.secctl-part"));
    part_close(&first);
}

static void test_only_what_was_written_gets_the_name(void **state)
{
    struct part part, other;

    (void)state;
    assert_int_equal(part_open(&part, open_root(), "x", "x"), SG_CLI_OK);
    assert_true(part_restart(&part, "\"e\""));
    assert_true(part_write(&part, "mine", 4));
    /* Another file happens to have the name of the part. */
    assert_int_equal(part_open(&other, open_root(), "x.secctl-part", "y"), SG_CLI_OK);
    assert_true(part_restart(&other, "\"f\""));
    assert_true(part_write(&other, "other", 5));
    assert_true(part_publish(&other));
    part_close(&other);
    assert_false(part_publish(&part));
    assert_int_equal(errno, ESTALE);
    part_close(&part);
    assert_false(exists("x"));
    assert_true(exists("x.secctl-part"));
}

static void test_long_names_have_parts_too(void **state)
{
    char name[256];
    struct part part;

    (void)state;
    memset(name, 'n', sizeof(name));
    name[255] = 0;
    assert_int_equal(part_open(&part, open_root(), name, name), SG_CLI_OK);
    assert_true(part_restart(&part, "\"e\""));
    assert_true(part_write(&part, "x", 1));
    assert_true(part_publish(&part));
    part_close(&part);
    assert_true(exists(name));
}

static void test_no_symlink_is_followed(void **state)
{
    int dir = open_root();
    struct part part;

    (void)state;
    assert_int_equal(symlinkat("/tmp", dir, "out"), 0);
    assert_int_equal(symlinkat("/tmp/secctl-elsewhere", dir, "y.secctl-part"), 0);
    assert_int_equal(part_open_dir(dir, "out/x", 5), -1);
    assert_int_equal(part_open_dir(dir, "out", 3), -1);
    int made = part_open_dir(dir, "a/b/c", 5);
    assert_true(made >= 0);
    (void)close(made);
    assert_true(exists("a/b/c"));
    assert_int_equal(part_open(&part, dir, "y", "y"), SG_CLI_USAGE);
    assert_int_not_equal(access("/tmp/secctl-elsewhere", F_OK), 0);
}

static void test_a_directory_is_not_replaced(void **state)
{
    struct part part;
    int dir = open_root();

    (void)state;
    assert_int_equal(mkdirat(dir, "d", 0700), 0);
    assert_int_equal(part_open(&part, dir, "d", "d"), SG_CLI_USAGE);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_profiles_are_private(void **state)
{
    struct profile *p = NULL;

    (void)state;
    setenv("SECCTL_HOME", root, 1);
    unsetenv("SECGATE_PROFILE");
    assert_int_equal(profile_open(NULL, &p), SG_CLI_OK);
    assert_string_equal(p->name, "default");
    assert_null(p->url);
    assert_false(exists("default"));
    assert_int_equal(profile_set_url(p, "https://localhost:1"), SG_CLI_OK);
    assert_int_equal(profile_set_username(p, "ann"), SG_CLI_OK);
    assert_int_equal(profile_save_ca(p, "pem", 3), SG_CLI_OK);
    assert_int_equal(profile_save(p), SG_CLI_OK);
    assert_int_equal(profile_write(p, p->session_path, "{}", 2), SG_CLI_OK);
    assert_int_equal(mode_of(p->dir), 0700);
    assert_int_equal(mode_of(p->session_path), 0600);
    assert_int_equal(mode_of(p->config_path), 0600);
    profile_close(p);
    assert_int_equal(profile_open("default", &p), SG_CLI_OK);
    assert_string_equal(p->url, "https://localhost:1");
    assert_string_equal(p->username, "ann");
    assert_true(p->has_ca);
    assert_int_equal(profile_remove(p->session_path), SG_CLI_OK);
    assert_int_equal(profile_remove(p->session_path), SG_CLI_OK);
    assert_int_equal(file_write_atomic(p->config_path, "{", 1, 0600), SG_OK);
    profile_close(p);
    assert_int_equal(profile_open("default", &p), SG_CLI_USAGE);
}

static void test_profile_names_stay_below_the_root(void **state)
{
    static const char *const bad[] = {"..", ".", "a/b", "/x", ".hidden", "-x", "a b", "\303\274"};
    struct profile *p = NULL;

    (void)state;
    setenv("SECCTL_HOME", root, 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(profile_open(bad[i], &p), SG_CLI_USAGE);
}

static void test_the_progress_line_fits(void **state)
{
    struct progress p = {.expected = 27 << 20, .moved = 12 << 20, .files = 1, .name = "big.iso"};
    char line[1024];

    (void)state;
    progress_format(&p, 80, 3 * SG_NS_PER_S, line, sizeof(line));
    assert_true(strlen(line) <= 80);
    assert_non_null(strstr(line, "big.iso  [####"));
    assert_non_null(strstr(line, " 44%  12M/27M  4.0M/s  0:03"));
    progress_format(&p, 40, 3 * SG_NS_PER_S, line, sizeof(line));
    assert_null(strchr(line, '['));
    p.moved = 40 << 20;
    progress_format(&p, 80, 3 * SG_NS_PER_S, line, sizeof(line));
    assert_non_null(strstr(line, "100%"));
    p.expected = 0;
    p.files = 3;
    progress_format(&p, 80, 0, line, sizeof(line));
    assert_non_null(strstr(line, "0/3 files  40M"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_part_goes_on_where_it_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_of_unknown_origin_is_worth_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_one_process_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_what_was_written_gets_the_name, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_long_names_have_parts_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_symlink_is_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_directory_is_not_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_profiles_are_private, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_profile_names_stay_below_the_root, set_up, tear_down),
        cmocka_unit_test(test_the_progress_line_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
