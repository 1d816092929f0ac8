/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of QR codes on a terminal: what is drawn is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cli/json.h"
#include "cli/qr.h"

#define QUIET 4

static struct json_object *make_square(int size, unsigned seed)
{
    struct json_object *rows = json_object_new_array();
    char row[200];

    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            seed = seed * 1103515245 + 12345;
            row[x] = (seed >> 16) & 1 ? '1' : '0';
        }
        row[size] = 0;
        json_object_array_add(rows, json_object_new_string(row));
    }
    return rows;
}

/* Whether column `x` of a line has its upper, or lower, half filled. */
static bool is_filled(const char *line, int x, bool lower)
{
    for (; x > 0; x--)
        line += *line == ' ' ? 1 : 3;
    if (*line == ' ')
        return false;
    assert_memory_equal(line, "\342\226", 2);
    uint8_t last = (uint8_t)line[2];
    return last == 0x88 || last == (lower ? 0x84 : 0x80);
}

static void expect_square(int size, bool inverse)
{
    SG_JSON_CLEANUP struct json_object *rows = make_square(size, (unsigned)size);
    SG_BUF_CLEANUP struct buf b = {0};
    int lines = 0;

    buf_init(&b, 1 << 20);
    assert_true(qr_append(&b, rows, inverse));
    for (const char *line = buf_str(&b); *line; line = strchr(line, '\n') + 1, lines++) {
        for (int half = 0; half < 2; half++) {
            int y = 2 * lines + half - QUIET;

            for (int x = -QUIET; x < size + QUIET; x++) {
                bool inside = x >= 0 && y >= 0 && x < size && y < size;
                bool dark = inside && json_object_get_string(
                                          json_object_array_get_idx(rows, (size_t)y))[x] == '1';

                if (y < size + QUIET)
                    assert_int_equal(is_filled(line, x + QUIET, half), dark == inverse);
                else
                    assert_false(is_filled(line, x + QUIET, half));
            }
        }
    }
    assert_int_equal(lines, (size + 2 * QUIET + 1) / 2);
}

static void test_what_is_drawn_is_what_was_given(void **state)
{
    (void)state;
    for (int size = 21; size <= 177; size += 4) {
        expect_square(size, false);
        expect_square(size, true);
    }
}

static void expect_none(const char *json)
{
    SG_JSON_CLEANUP struct json_object *rows = json_parse(json, strlen(json));
    SG_BUF_CLEANUP struct buf b = {0};

    buf_init(&b, 1 << 20);
    assert_false(qr_append(&b, rows, false));
    assert_int_equal(b.len, 0);
}

static void test_what_is_no_square_is_not_drawn(void **state)
{
    (void)state;
    SG_JSON_CLEANUP struct json_object *rows = make_square(21, 1);
    SG_JSON_CLEANUP struct json_object *huge = make_square(181, 1);
    SG_BUF_CLEANUP struct buf b = {0};

    expect_none("[]");
    expect_none("{}");
    expect_none("\"0101\"");
    expect_none("[\"01\",\"10\"]");
    buf_init(&b, 1 << 20);
    assert_false(qr_append(&b, huge, false));
    json_object_array_put_idx(rows, 20, json_object_new_string("0101"));
    assert_false(qr_append(&b, rows, false));
    json_object_array_put_idx(rows, 20, json_object_new_string("0101010101010101010\033["));
    assert_false(qr_append(&b, rows, false));
    json_object_array_put_idx(rows, 20, json_object_new_int(1));
    assert_false(qr_append(&b, rows, false));
    assert_false(qr_append(&b, NULL, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_drawn_is_what_was_given),
        cmocka_unit_test(test_what_is_no_square_is_not_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
