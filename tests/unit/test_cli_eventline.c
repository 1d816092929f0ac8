/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of how secctl shows events: lines, wrapping, colours, what a text cannot do; and of the
 * pauses between tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "cli/eventline.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/retry.h"

static void expect_line(const char *json, const struct eventline_style *style, const char *wanted)
{
    SG_JSON_CLEANUP struct json_object *event = json_parse(json, strlen(json));
    SG_BUF_CLEANUP struct buf b = {0};

    assert_non_null(event);
    buf_init(&b, 65536);
    eventline_append(&b, event, style);
    assert_string_equal(buf_str(&b), wanted);
}

#define AT "\"sent_at\":\"2026-11-20T16:02:14.123Z\""

static const struct eventline_style plain = {.numbers = true};

static void test_messages_are_lines(void **state)
{
    (void)state;
    expect_line("{\"type\":\"message\",\"seq\":41,\"sender\":\"ann\",\"text\":\"hi\"," AT "}",
                &plain, "[2026-11-20 16:02] 41 ann: hi\n");
    expect_line(
        "{\"type\":\"message\",\"seq\":42,\"sender\":\"bob\",\"text\":\"yes\",\"reply_to\":41,"
        "\"files\":[{\"path\":\"a.txt\",\"size\":2048}]," AT "}",
        &plain, "[2026-11-20 16:02] 42 bob (to 41): yes\n    file a.txt (2.0K)\n");
    expect_line("{\"type\":\"message\",\"seq\":1,\"sender\":\"a\",\"revision\":{\"text\":\"x\"}," AT
                "}",
                &plain, "[2026-11-20 16:02] 1 a: x (edited)\n");
    expect_line(
        "{\"type\":\"message\",\"seq\":1,\"sender\":\"a\",\"revision\":{\"deleted\":true}," AT "}",
        &plain, "[2026-11-20 16:02] 1 a: (deleted)\n");
    expect_line(
        "{\"type\":\"message.updated\",\"seq\":2,\"target\":1,\"sender\":\"a\",\"text\":\"x\"," AT
        "}",
        &plain, "[2026-11-20 16:02] 2 a changed 1: x\n");
}

static void test_other_events_are_lines(void **state)
{
    const struct eventline_style style = {.self = "me"};

    (void)state;
    expect_line("{\"type\":\"presence.joined\",\"sender\":\"ann\"," AT "}", &style,
                "[2026-11-20 16:02] -- ann joined\n");
    expect_line("{\"type\":\"presence.joined\",\"sender\":\"me\"," AT "}", &style, "");
    expect_line("{\"type\":\"typing\",\"sender\":\"ann\"," AT "}", &style, "");
    expect_line("{\"type\":\"file.moved\",\"sender\":\"ann\",\"from_path\":\"a\",\"path\":\"b\","
                "\"directory\":true," AT "}",
                &style, "[2026-11-20 16:02] -- ann moved a to b/\n");
    expect_line(
        "{\"type\":\"member.added\",\"sender\":\"ann\",\"member\":\"bob\",\"role\":\"writer\"," AT
        "}",
        &style, "[2026-11-20 16:02] -- ann added bob as writer\n");
    expect_line("{\"type\":\"member.removed\",\"sender\":\"bob\",\"member\":\"bob\"," AT "}",
                &style, "[2026-11-20 16:02] -- bob left the space\n");
    expect_line("{\"type\":\"message.deleted\",\"sender\":\"bob\",\"target\":7}", &style,
                "[?] -- bob deleted 7\n");
    expect_line("{}", &style, "");
    expect_line("{\"type\":\"message\"}", &style, "[?] ?: (not readable)\n");
}

static void test_the_day_is_left_out_today(void **state)
{
    struct eventline_style style = {.now = 1795190400 + 3600};

    (void)state;
    expect_line("{\"type\":\"message\",\"sender\":\"a\",\"text\":\"x\",\"sent_at\":"
                "\"2026-11-20T16:02:14Z\"}",
                &style, "[16:02] a: x\n");
    expect_line("{\"type\":\"message\",\"sender\":\"a\",\"text\":\"x\",\"sent_at\":"
                "\"2026-11-19T16:02:14Z\"}",
                &style, "[2026-11-19 16:02] a: x\n");
}

/* A text must not be able to look like another line, or to command the terminal. */
static void test_texts_stay_texts(void **state)
{
    (void)state;
    expect_line("{\"type\":\"message\",\"sender\":\"a\",\"text\":\"x\\n[2026-11-20 16:02] 9 ann: "
                "no\\r\\n\\u001b[31mred\\u0007\\u202e\\n\\n\"," AT "}",
                &plain,
                "[2026-11-20 16:02] a: x\n    [2026-11-20 16:02] 9 ann: no\n"
                "    \\x1b[31mred\\x07\\u{202e}\n");
    expect_line("{\"type\":\"file.stored\",\"sender\":\"a\\u001b\\n\",\"path\":\"b\\nc\"," AT "}",
                &plain, "[2026-11-20 16:02] -- a\\x1b\\x0a stored b\\x0ac\n");
}

static void expect_wrapped(const char *text, size_t used, size_t columns, const char *wanted)
{
    SG_BUF_CLEANUP struct buf b = {0};

    buf_init(&b, 65536);
    eventline_wrap(&b, text, strlen(text), used, 4, columns);
    assert_string_equal(buf_str(&b), wanted);
}

static void test_lines_are_wrapped_between_words(void **state)
{
    (void)state;
    expect_wrapped("one two three", 0, 0, "one two three");
    expect_wrapped("one two three four five six", 10, 30, "one two three four\n    five six");
    expect_wrapped("abcdefghijklmnopqrstuvwxyz0123456789", 10, 24,
                   "\n    abcdefghijklmnopqrst\n    uvwxyz0123456789");
    expect_wrapped("a\nb", 10, 30, "a\n    b");
    expect_wrapped("", 10, 30, "");
    /* Wide characters take two columns. */
    expect_wrapped("\346\227\245\346\227\245\346\227\245\346\227\245\346\227\245\346\227\245"
                   "\346\227\245\346\227\245\346\227\245\346\227\245\346\227\245",
                   4, 24,
                   "\346\227\245\346\227\245\346\227\245\346\227\245\346\227\245\346\227\245"
                   "\346\227\245\346\227\245\346\227\245\346\227\245\n    \346\227\245");
    /* A terminal that is too narrow wraps by itself. */
    expect_wrapped("one two three four", 10, 12, "one two three four");
}

static void test_colours_stay_with_names(void **state)
{
    const struct eventline_style style = {.colour = true};
    char wanted[128];

    (void)state;
    assert_string_equal(eventline_colour("ann"), eventline_colour("ann"));
    assert_string_not_equal(eventline_colour("ann"), eventline_colour("bob"));
    snprintf(wanted, sizeof(wanted), "\033[2m[2026-11-20 16:02] \033[0m%sann\033[0m: hi\n",
             eventline_colour("ann"));
    expect_line("{\"type\":\"message\",\"sender\":\"ann\",\"text\":\"hi\"," AT "}", &style, wanted);
}

static void no_randomness(void *data, size_t len)
{
    memset(data, 0, len);
}

static void test_pauses_double_up_to_a_bound(void **state)
{
    (void)state;
    rng_set_source(no_randomness);
    assert_int_equal(retry_delay_ms(1, 0), 100);
    assert_int_equal(retry_delay_ms(2, 0), 200);
    assert_int_equal(retry_delay_ms(5, 0), 1600);
    assert_int_equal(retry_delay_ms(100, 0), SG_RETRY_MOST_MS);
    assert_int_equal(retry_delay_ms(1, 7), 7000);
    assert_int_equal(retry_delay_ms(1, 100000), SG_RETRY_AFTER_MAX * 1000);
    rng_set_source(NULL);
    for (int i = 0; i < 100; i++) {
        int64_t delay = retry_delay_ms(3, 0);

        assert_in_range(delay, 300, 400);
    }
}

static void test_only_what_may_pass_is_tried_again(void **state)
{
    static const struct {
        enum http_failure failure;
        long status;
        bool worth;
    } cases[] = {{SG_HTTP_NETWORK, 0, true},    {SG_HTTP_TLS, 0, true},
                 {SG_HTTP_UNTRUSTED, 0, false}, {SG_HTTP_DONE, 503, true},
                 {SG_HTTP_DONE, 500, true},     {SG_HTTP_DONE, 429, true},
                 {SG_HTTP_DONE, 507, false},    {SG_HTTP_DONE, 404, false},
                 {SG_HTTP_DONE, 410, false},    {SG_HTTP_GAVE_UP, 200, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_call call = {.failure = cases[i].failure, .status = cases[i].status};

        assert_int_equal(retry_is_worth(&call), cases[i].worth);
    }
}

static void expect_space(const char *typed, const char *wanted)
{
    SG_BUF_CLEANUP struct buf b = {0};

    buf_init(&b, 256);
    message_space(&b, typed);
    assert_string_equal(buf_str(&b), wanted);
}

static void test_spaces_as_they_are_typed(void **state)
{
    int64_t number = 0;

    (void)state;
    expect_space("common", "common");
    expect_space("/lab/", "lab");
    expect_space("~", "~me");
    expect_space("me", "~me");
    expect_space("", "~me");
    expect_space("@bob", "@bob");
    assert_true(message_number("42", &number));
    assert_int_equal(number, 42);
    assert_false(message_number("0", &number));
    assert_false(message_number("-1", &number));
    assert_false(message_number("4x", &number));
    assert_false(message_number("", &number));
    assert_false(message_number("9007199254740992", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_lines),
        cmocka_unit_test(test_other_events_are_lines),
        cmocka_unit_test(test_the_day_is_left_out_today),
        cmocka_unit_test(test_texts_stay_texts),
        cmocka_unit_test(test_lines_are_wrapped_between_words),
        cmocka_unit_test(test_colours_stay_with_names),
        cmocka_unit_test(test_pauses_double_up_to_a_bound),
        cmocka_unit_test(test_only_what_may_pass_is_tried_again),
        cmocka_unit_test(test_spaces_as_they_are_typed),
    };

    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
