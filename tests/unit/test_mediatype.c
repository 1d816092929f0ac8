/* SPDX-License-Identifier: Apache-2.0 */
/* Media types by name and content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/mediatype.h"

static void check_n(const char *name, const void *data, size_t len, const char *expected)
{
    char type[SG_MEDIATYPE_SIZE];
    mediatype_guess(name, data, len, type);
    assert_string_equal(expected, type);
}

static void check(const char *name, const char *data, const char *expected)
{
    check_n(name, data, strlen(data), expected);
}

static void test_types(void **state)
{
    (void)state;
    check("a.txt", "hello\n", "text/plain; charset=utf-8");
    check("a.txt", "gr\xc3\xbc\xc3\x9f\n", "text/plain; charset=utf-8");
    check("a.txt", "gr\xfc\xdf of Latin-1\n", "text/plain");
    check("NOTES", "hello\n", "text/plain; charset=utf-8");
    check("README", "hello\n", "text/x-readme; charset=utf-8");
    check("a.html", "<!DOCTYPE html><p>x", "text/html; charset=utf-8");
    check("a.css", "p { color: red }", "text/css; charset=utf-8");
    check("a.json", "{\"a\": 1}", "application/json");
    check("a.pdf", "%PDF-1.7\n", "application/pdf");
    check_n("a.png", "\x89PNG\r\n\x1a\n", 8, "image/png");
    check_n("unknown", "\x89PNG\r\n\x1a\n", 8, "image/png");
    check_n("a.zip", "PK\3\4", 4, "application/zip");
    check_n("a.bin", "\0\1\2\3\xff", 5, "application/octet-stream");
    check_n("a.unknown-ending", "\0\1\2\3\xff", 5, "application/octet-stream");
}

static void test_empty(void **state)
{
    (void)state;
    char type[SG_MEDIATYPE_SIZE];
    check_n("empty.txt", NULL, 0, "text/plain; charset=utf-8");
    mediatype_guess("empty", NULL, 0, type);
    assert_non_null(strchr(type, '/'));
    assert_null(strstr(type, "zerosize"));
    mediatype_guess("", NULL, 0, type);
    assert_non_null(strchr(type, '/'));
}

/* A character that is cut where the sniffing ends does not make text something else. */
static void test_cut_character(void **state)
{
    (void)state;
    char data[SG_MEDIATYPE_SNIFF + 10];
    memset(data, 'a', sizeof(data));
    memcpy(data + SG_MEDIATYPE_SNIFF - 1, "\xc3\xa4", 2);
    check_n("a.txt", data, sizeof(data), "text/plain; charset=utf-8");
    memcpy(data + SG_MEDIATYPE_SNIFF - 3, "\xf0\x9f\x98\x80", 4);
    check_n("a.txt", data, sizeof(data), "text/plain; charset=utf-8");
    data[100] = '\xc3';
    check_n("a.txt", data, sizeof(data), "text/plain");
}

/* Whatever comes in, what comes out can stand in a header. */
static void test_always_safe(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int64_t start = clock_monotonic_ns();
    for (unsigned i = 0; i < 2000; i++) {
        char name[24], data[64], type[SG_MEDIATYPE_SIZE];
        for (unsigned k = 0; k < sizeof(data); k++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            data[k] = (char)(seed >> 56);
        }
        (void)snprintf(name, sizeof(name), "x.%c%c%c", 'a' + (data[0] & 15), 'a' + (data[1] & 15),
                       'a' + (data[2] & 15));
        mediatype_guess(name, data, sizeof(data), type);
        assert_non_null(strchr(type, '/'));
        for (const char *c = type; *c; c++)
            assert_in_range(*c, 0x20, 0x7e);
    }
    print_message("%d ns each\n", (int)((clock_monotonic_ns() - start) / 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_cut_character),
        cmocka_unit_test(test_always_safe),
    };
    return cmocka_run_group_tests_name("mediatype", tests, NULL, NULL);
}
