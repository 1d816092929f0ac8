/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors of the event log: one spelling for each, and other logs' are told from nonsense. */
#include "core/eventcursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define EPOCH "00ff12ab9c3d"

static void test_round_trip(void **state)
{
    static const struct {
        struct eventcursor cursor;
        const char *text;
    } rows[] = {
        {{.seq = 0}, EPOCH ".0"},
        {{.seq = 42}, EPOCH ".42"},
        {{.seq = (UINT64_C(1) << 53) - 1}, EPOCH ".9007199254740991"},
        {{.seq = 0, .note = 0, .has_note = true}, EPOCH ".0.0"},
        {{.seq = 9007199254740991, .note = 9007199254740991, .has_note = true},
         EPOCH ".9007199254740991.9007199254740991"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SG_EVENTCURSOR_SIZE];
        struct eventcursor parsed = {.seq = 1};

        eventcursor_format(EPOCH, &rows[i].cursor, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(eventcursor_parse(text, EPOCH, &parsed), SG_OK);
        assert_int_equal(parsed.seq, rows[i].cursor.seq);
        assert_int_equal(parsed.note, rows[i].cursor.note);
        assert_int_equal(parsed.has_note, rows[i].cursor.has_note);
        assert_int_equal(eventcursor_parse(text, "00ff12ab9c3e", &parsed), SG_ERR_CURSOR_EPOCH);
    }
}

static void test_nonsense(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "0",
        "latest",
        EPOCH,
        EPOCH ".",
        EPOCH ".x",
        EPOCH ".-1",
        EPOCH ".+1",
        EPOCH ". 1",
        EPOCH ".1 ",
        EPOCH ".01",
        EPOCH ".1.",
        EPOCH ".1.x",
        EPOCH ".1.01",
        EPOCH ".1.2.",
        EPOCH ".1.2.3",
        EPOCH "..1",
        EPOCH ".9007199254740992",
        EPOCH ".1.9007199254740992",
        EPOCH ".99999999999999999999999",
        "00FF12AB9C3D.1",
        "00ff12ab9c3.1",
        "00ff12ab9c3d0.1",
        "00ff12ab9c3g.1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct eventcursor parsed = {.seq = 7, .note = 8};

        assert_int_equal(eventcursor_parse(texts[i], EPOCH, &parsed), SG_ERR_BAD_CURSOR);
        assert_int_equal(parsed.seq, 7);
        assert_int_equal(parsed.note, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
