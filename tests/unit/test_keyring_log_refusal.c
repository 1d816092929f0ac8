/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what closes the log, and of the way out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "keyring/acceptlog.h"
#include "keyring/logstate.h"
#include "translog_fixture.h"

static struct translog_fixture f;
static struct note_key key;
static char said[4096]; /* by the last accept */
static int log_fd[2];   /* standard error, to see the log lines */

static int set_up_group(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    return 0;
}

/* 900 entries in three batches, the log is closed. "kept/" has the files after 600 of them. */
static int set_up(void **state)
{
    static const char *const names[] = {"log/entries", "log/bundles",    "log/hash.0",
                                        "log/hash.1",  "log/checkpoint", "keyring/log.state"};

    (void)state;
    translog_fixture_begin(&f);
    key = *translog_key(f.log);
    assert_int_equal(translog_fixture_append(&f, 0, 300, NULL), SG_OK);
    assert_int_equal(translog_fixture_append(&f, 300, 300, NULL), SG_OK);
    translog_fixture_close(&f);
    assert_int_equal(mkdir(translog_fixture_path(&f, "kept"), 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char to[64];

        (void)snprintf(to, sizeof to, "kept%s", strchr(names[i], '/'));
        translog_fixture_copy(&f, names[i], to);
    }
    translog_fixture_open(&f);
    assert_int_equal(translog_fixture_append(&f, 600, 300, NULL), SG_OK);
    translog_fixture_close(&f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    translog_fixture_end(&f);
    return 0;
}

/* What the log line about it says goes through a pipe. */
static void open_and_read(char *ret, size_t size)
{
    int former = dup(STDERR_FILENO);
    ssize_t n;

    assert_int_equal(pipe2(log_fd, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(dup2(log_fd[1], STDERR_FILENO) >= 0);
    translog_fixture_open(&f);
    assert_true(dup2(former, STDERR_FILENO) >= 0);
    (void)close(former);
    (void)close(log_fd[1]);
    n = read(log_fd[0], ret, size - 1);
    ret[n > 0 ? n : 0] = '\0';
    (void)close(log_fd[0]);
}

static void assert_closed(const char *reason)
{
    struct translog_receipt r;
    char line[4096];
    char expected[64];

    open_and_read(line, sizeof line);
    (void)snprintf(expected, sizeof expected, "reason=%s", reason);
    if (strstr(line, "keyring.log_closed") == NULL || strstr(line, expected) == NULL ||
        strstr(line, "accept-log --data") == NULL)
        fail_msg("not closed for %s: %s", reason, line);
    assert_true(translog_is_closed(f.log));
    assert_int_equal(translog_fixture_append(&f, 900, 1, &r), SG_ERR_LOG_CLOSED);
    assert_memory_equal(translog_key(f.log), &key, sizeof key);
    translog_fixture_close(&f);
}

static enum sg_err accept_it(void)
{
    FILE *out = fmemopen(said, sizeof said, "w");
    enum sg_err err;

    assert_non_null(out);
    err = acceptlog_run(f.data, out);
    assert_int_equal(fclose(out), 0);
    return err;
}

static void assert_goes_on_from(uint64_t size)
{
    struct translog_receipt r;

    translog_fixture_open(&f);
    assert_false(translog_is_closed(f.log));
    assert_int_equal(translog_fixture_check(&f, &key).size, size);
    assert_int_equal(translog_fixture_append(&f, size, 5, &r), SG_OK);
    assert_int_equal(r.first, size);
    assert_int_equal(translog_fixture_check(&f, &key).size, size + 5);
    translog_fixture_close(&f);
}

static void put_back(const char *name)
{
    char from[64];

    (void)snprintf(from, sizeof from, "kept%s", strchr(name, '/'));
    translog_fixture_copy(&f, from, name);
}

/* -- closed ------------------------------------------------------------------------------------ */

static void old_entries_put_back(void **state)
{
    (void)state;
    put_back("log/entries");
    assert_closed("log-shorter");
    assert_int_equal(accept_it(), SG_ERR_CORRUPT); /* the checkpoint shows that some are missing */
    assert_non_null(strstr(said, "more entries than there are"));
    assert_closed("log-shorter");
}

static void old_log_directory_put_back(void **state)
{
    static const char *const names[] = {"log/entries", "log/bundles", "log/hash.0", "log/hash.1",
                                        "log/checkpoint"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put_back(names[i]);
    assert_closed("log-shorter");
    assert_int_equal(accept_it(), SG_OK);
    assert_non_null(strstr(said, "the keyring remembers 900 entries"));
    assert_non_null(strstr(said, "300 entries are lost"));
    assert_goes_on_from(600);
}

static void old_data_directory_put_back(void **state)
{
    static const char *const names[] = {"log/entries", "log/bundles",    "log/hash.0",
                                        "log/hash.1",  "log/checkpoint", "keyring/log.state"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put_back(names[i]);
    assert_closed("state-copied");
    assert_closed("state-copied"); /* looking at it has not mended it */
    assert_int_equal(accept_it(), SG_OK);
    assert_goes_on_from(600);
}

static void old_state_put_back(void **state)
{
    (void)state;
    put_back("keyring/log.state");
    assert_closed("state-copied");
    assert_int_equal(accept_it(), SG_OK);
    assert_goes_on_from(900);
}

/* Also one that was written anew here, so that it is where it says. */
static void state_behind_the_checkpoint(void **state)
{
    struct logstate old;
    bool replaced;

    (void)state;
    assert_int_equal(logstate_load(translog_fixture_path(&f, "kept/log.state"), &old),
                     SG_ERR_CONFLICT);
    assert_int_equal(old.frontier.size, 600);
    assert_int_equal(logstate_save(translog_fixture_path(&f, "keyring/log.state"), &old, &replaced),
                     SG_OK);
    assert_true(replaced);
    assert_closed("checkpoint-ahead");
}

static void state_of_another_tree(void **state)
{
    struct logstate s;
    bool replaced;

    (void)state;
    assert_int_equal(logstate_load(translog_fixture_path(&f, "keyring/log.state"), &s), SG_OK);
    s.frontier.hash[2][0] ^= 1;
    assert_int_equal(logstate_save(translog_fixture_path(&f, "keyring/log.state"), &s, &replaced),
                     SG_OK);
    assert_closed("entries-changed");
    assert_int_equal(accept_it(), SG_OK); /* the log itself is whole */
    assert_goes_on_from(900);
}

static void state_lost_or_damaged(void **state)
{
    (void)state;
    translog_fixture_flip(&f, "keyring/log.state", 60);
    assert_closed("state-damaged");
    translog_fixture_write(&f, "keyring/log.state", "", 0);
    assert_closed("state-damaged");
    assert_int_equal(unlink(translog_fixture_path(&f, "keyring/log.state")), 0);
    assert_int_equal(unlink(translog_fixture_path(&f, "keyring/log.pub")), 0);
    assert_int_equal(accept_it(), SG_ERR_NOT_FOUND);
    assert_non_null(strstr(said, "no public key of the log"));
    assert_closed("state-missing"); /* which writes it again, from the key */
    assert_int_equal(accept_it(), SG_OK);
    assert_goes_on_from(900);
}

/* It can be made again, unlike a checkpoint that says something else. */
static void checkpoint_empty(void **state)
{
    (void)state;
    translog_fixture_write(&f, "log/checkpoint", "", 0);
    assert_goes_on_from(900);
}

static void entry_changed(void **state)
{
    (void)state;
    translog_fixture_flip(&f, "log/entries", -20);
    assert_closed("entries-changed");
    assert_int_equal(accept_it(), SG_ERR_CORRUPT);
    assert_non_null(strstr(said, "other entries than those that are there"));
    translog_fixture_flip(&f, "log/entries", -20);
    assert_goes_on_from(900);
}

static void entries_gone(void **state)
{
    (void)state;
    assert_int_equal(unlink(translog_fixture_path(&f, "log/entries")), 0);
    assert_closed("log-shorter");
}

/* A checkpoint that the key has signed, of another history. */
static void forked_checkpoint(void **state)
{
    struct translog_leaf other = {"{\"another\":\"history\"}", 21};
    struct translog_fixture second;
    struct translog_receipt r;
    struct logstate s;

    (void)state;
    second.data = f.data;
    assert_int_equal(
        rename(translog_fixture_path(&f, "log"), translog_fixture_path(&f, "log.true")), 0);
    assert_int_equal(rename(translog_fixture_path(&f, "keyring/log.state"),
                            translog_fixture_path(&f, "state.true")),
                     0);
    assert_int_equal(logstate_load(translog_fixture_path(&f, "state.true"), &s), SG_OK);
    translog_fixture_open(&second); /* the same key, an empty log */
    assert_true(translog_append(second.log, &other, 1, 1, &r) == SG_OK);
    translog_fixture_close(&second);
    translog_fixture_copy(&f, "log/checkpoint", "log.true/checkpoint");
    assert_int_equal(
        rename(translog_fixture_path(&f, "log"), translog_fixture_path(&f, "log.other")), 0);
    assert_int_equal(
        rename(translog_fixture_path(&f, "log.true"), translog_fixture_path(&f, "log")), 0);
    assert_int_equal(rename(translog_fixture_path(&f, "state.true"),
                            translog_fixture_path(&f, "keyring/log.state")),
                     0);
    assert_closed("forked");
    assert_int_equal(accept_it(), SG_ERR_CORRUPT);
}

static void key_lost_or_changed(void **state)
{
    char line[4096];

    (void)state;
    assert_int_equal(rename(translog_fixture_path(&f, "keyring/log.key"),
                            translog_fixture_path(&f, "kept/log.key")),
                     0);
    open_and_read(line, sizeof line);
    assert_non_null(strstr(line, "keyring.log_key_missing"));
    assert_true(translog_is_closed(f.log));
    assert_int_equal(access(translog_fixture_path(&f, "keyring/log.key"), F_OK), -1);
    translog_fixture_close(&f);
    assert_int_equal(rename(translog_fixture_path(&f, "kept/log.key"),
                            translog_fixture_path(&f, "keyring/log.key")),
                     0);
    assert_goes_on_from(900);
}

/* -- the way out ------------------------------------------------------------------------------- */

static void nothing_to_accept(void **state)
{
    int lock;

    (void)state;
    assert_int_equal(acceptlog_run("/nonexistent/data", stderr), SG_ERR_NOT_FOUND);
    lock = open(translog_fixture_path(&f, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    assert_int_equal(accept_it(), SG_ERR_CONFLICT);
    assert_non_null(strstr(said, "a gateway is running"));
    (void)close(lock);
    assert_int_equal(accept_it(), SG_OK);
    assert_goes_on_from(900);
}

static void accepting_cuts_what_is_torn(void **state)
{
    FILE *file = fopen(translog_fixture_path(&f, "log/entries"), "ab");

    (void)state;
    assert_non_null(file);
    assert_true(fputs("no entry", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(unlink(translog_fixture_path(&f, "keyring/log.state")), 0);
    assert_int_equal(accept_it(), SG_OK);
    assert_non_null(strstr(said, "900 whole entries are there, and 8 bytes that are none"));
    assert_goes_on_from(900);
}

/* -- the state's file -------------------------------------------------------------------------- */

static void state_is_exact(void **state)
{
    const struct logstate_file file = {.inode = 7, .birth_ns = 9};
    const struct logstate_file copy = {.inode = 7, .birth_ns = 10};
    struct logstate s;
    struct logstate again;
    struct buf text;

    (void)state;
    assert_int_equal(logstate_load(translog_fixture_path(&f, "keyring/log.state"), &s), SG_OK);
    buf_init(&text, SG_LOGSTATE_MAX);
    logstate_put(&text, &s, &file);
    assert_int_equal(logstate_get(text.data, text.len, &file, &again), SG_OK);
    assert_memory_equal(&again, &s, sizeof s);
    assert_int_equal(logstate_get(text.data, text.len, &copy, &again), SG_ERR_CONFLICT);
    for (size_t i = 0; i < text.len; i++) {
        assert_int_equal(logstate_get(text.data, i, &file, &again), SG_ERR_CORRUPT);
        text.data[i] ^= 0x10;
        assert_int_equal(logstate_get(text.data, text.len, &file, &again), SG_ERR_CORRUPT);
        text.data[i] ^= 0x10;
    }
    buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(old_entries_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_log_directory_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_data_directory_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_state_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(state_behind_the_checkpoint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(state_of_another_tree, set_up, tear_down),
        cmocka_unit_test_setup_teardown(state_lost_or_damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(checkpoint_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entry_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forked_checkpoint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(key_lost_or_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_to_accept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(accepting_cuts_what_is_torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(state_is_exact, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, set_up_group, NULL);
}
