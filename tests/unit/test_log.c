/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the log: exact lines in both formats, escaping, levels, the limit on repeated records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "tempdir.h"

static char *dir;
static int saved_stderr;
static int64_t monotonic_ns;

static int64_t fixed_now(void)
{
    return INT64_C(1795190534123456789);
}

static int64_t fixed_monotonic(void)
{
    return monotonic_ns;
}

static int set_up(void **state)
{
    static const struct clock_source source = {.now_ns = fixed_now,
                                               .monotonic_ns = fixed_monotonic};

    (void)state;
    dir = tempdir_make();
    clock_set_source(&source);
    log_setup("worker", SG_LOG_TEXT, SG_LOG_INFO);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clock_set_source(NULL);
    tempdir_remove(dir);
    return 0;
}

static void capture(void)
{
    const char *path = tempdir_path(dir, "log");
    SG_FD_CLEANUP int fd = -1;

    assert_int_equal(file_write_atomic(path, "", 0, 0600), SG_OK);
    fd = open(path, O_WRONLY | O_APPEND);
    assert_true(fd >= 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static char *captured(void)
{
    struct buf b;

    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    close(saved_stderr);
    buf_init(&b, 1 << 20);
    assert_int_equal(file_read(tempdir_path(dir, "log"), &b), SG_OK);
    buf_putc(&b, '\0'); /* so that an empty log is a string too */
    return buf_take(&b, NULL);
}

static void test_text(void **state)
{
    char *log;

    (void)state;
    capture();
    log_write(SG_LOG_INFO, "request.done", SG_STR("path", "/v1/files"), SG_INT("status", -7),
              SG_STR("empty", NULL), SG_STR("agent", "a b\"c\\\n\x7f\xff=\xc3\xa4"));
    log = captured();
    assert_string_equal(log, "time=2026-11-20T16:02:14.123Z level=info role=worker "
                             "event=request.done path=/v1/files status=-7 empty=\"\" "
                             "agent=\"a b\\\"c\\\\\\u000a\\u007f\\ufffd=\xc3\xa4\"\n");
    free(log);
}

static void test_json(void **state)
{
    char *log;

    (void)state;
    log_setup("keyring", SG_LOG_JSON, SG_LOG_DEBUG);
    capture();
    log_write(SG_LOG_DEBUG, "e", SG_STR("k\"", "\t\xed\xa0\x80\xe2\x80\xa8\xc2\x85"),
              SG_INT("n", INT64_MIN));
    log_write(SG_LOG_ERROR, "plain");
    log = captured();
    assert_string_equal(
        log, "{\"time\":\"2026-11-20T16:02:14.123Z\",\"level\":\"debug\",\"role\":\"keyring\","
             "\"event\":\"e\",\"k\\\"\":\"\\u0009\\ufffd\\ufffd\\ufffd\\u2028\\u0085\","
             "\"n\":-9223372036854775808}\n"
             "{\"time\":\"2026-11-20T16:02:14.123Z\",\"level\":\"error\",\"role\":\"keyring\","
             "\"event\":\"plain\"}\n");
    free(log);
}

static void test_levels(void **state)
{
    char *log;

    (void)state;
    log_setup("worker", SG_LOG_TEXT, SG_LOG_WARN);
    assert_false(log_enabled(SG_LOG_INFO));
    assert_true(log_enabled(SG_LOG_WARN));
    capture();
    log_write(SG_LOG_INFO, "hidden");
    log = captured();
    assert_string_equal(log, "");
    free(log);
}

static void test_a_long_value_is_cut(void **state)
{
    char value[5001];
    char *log;

    (void)state;
    memset(value, 'x', 5000);
    value[5000] = '\0';
    capture();
    log_write(SG_LOG_INFO, "long", SG_STR("v", value));
    log = captured();
    assert_non_null(strstr(log, "xxx...\"\n"));
    assert_in_range(strlen(log), 2048, 2200);
    free(log);
}

static unsigned count_lines(const char *text)
{
    unsigned lines = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        lines++;
    return lines;
}

static void test_repeated_warnings_are_limited(void **state)
{
    char *log;

    (void)state;
    capture();
    for (int i = 0; i < 120; i++) {
        log_write(SG_LOG_WARN, "flood");
        log_write(SG_LOG_INFO, "info");
    }
    log_write(SG_LOG_WARN, "another");
    log = captured();
    assert_int_equal(count_lines(log), 50 + 120 + 1);
    assert_null(strstr(log, "dropped_before"));
    free(log);
    monotonic_ns += 10 * SG_NS_PER_S;
    capture();
    log_write(SG_LOG_WARN, "flood");
    log_write(SG_LOG_WARN, "flood");
    log = captured();
    assert_int_equal(count_lines(log), 2);
    assert_non_null(strstr(log, "event=flood dropped_before=70\n"));
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_long_value_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_repeated_warnings_are_limited, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
