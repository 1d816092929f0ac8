/* SPDX-License-Identifier: Apache-2.0 */
/* Paths: what is accepted and becomes what, and what is refused and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "core/path.h"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new((size_t)4 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void good(const char *text, const char *space, const char *rest, bool directory)
{
    struct path path;
    const char *reason = "x";
    assert_int_equal(SG_OK, path_parse(text, strlen(text), arena, &path, &reason));
    assert_null(reason);
    assert_string_equal(space, path.space);
    assert_string_equal(rest, path.rest);
    assert_int_equal(directory, path.directory);
}

static void bad_n(const char *text, size_t len, const char *why)
{
    struct path path;
    const char *reason = NULL;
    assert_int_equal(SG_ERR_BAD_PATH, path_parse(text, len, arena, &path, &reason));
    assert_non_null(reason);
    if (!strstr(reason, why))
        fail_msg("'%s': %s", text, reason);
}

static void bad(const char *text, const char *why)
{
    bad_n(text, strlen(text), why);
}

static void test_accepted(void **state)
{
    (void)state;
    good("common", "common", "", false);
    good("common/", "common", "", true);
    good("common/a.txt", "common", "a.txt", false);
    good("~me/docs/2026/", "~me", "docs/2026", true);
    good("%63ommon/a%20b", "common", "a b", false);
    good("c/a+b%2B%25%3F%23", "c", "a+b+%?#", false);
    good("c/...", "c", "...", false);
    good("c/.hidden/..x/x..", "c", ".hidden/..x/x..", false);
    good("c/%252e%252e", "c", "%2e%2e", false); /* decoded once */
    good("c/%252F", "c", "%2F", false);
    good("c/\xc3\xa4", "c", "\xc3\xa4", false);
    good("c/%C3%A4", "c", "\xc3\xa4", false);
    good("c/a%CC%88", "c", "\xc3\xa4", false);                /* a + diaeresis */
    good("c/%E2%84%AB/x", "c", "\xc3\x85/x", false);          /* angstrom sign */
    good("c/%E1%84%80%E1%85%A1/", "c", "\xea\xb0\x80", true); /* conjoining jamo */
    good("c/%F0%9F%98%80", "c", "\xf0\x9f\x98\x80", false);
    good("c/%C2%A0", "c", "\xc2\xa0", false); /* the first after C1 */
}

static void test_refused(void **state)
{
    (void)state;
    bad("", "empty");
    bad("/", "empty");
    bad("//", "empty");
    bad("/common", "empty");
    bad("common//", "empty");
    bad("common//a", "empty");
    bad("common/a//", "empty");
    bad(".", ". or ..");
    bad("common/.", ". or ..");
    bad("common/./a", ". or ..");
    bad("common/..", ". or ..");
    bad("common/../", ". or ..");
    bad("common/%2e%2E/x", ". or ..");
    bad("common/%2e", ". or ..");
    bad("../x", ". or ..");
    bad("common/a%2fb", "encoded slash");
    bad("common/a%2Fb", "encoded slash");
    bad("common%2fa", "encoded slash");
    bad("common/a%5cb", "encoded slash");
    bad("common/a%5Cb", "encoded slash");
    bad("common/a\\b", "backslash");
    bad("common/a%00b", "control");
    bad_n("common/a\0b", 10, "control");
    bad("common/%01", "control");
    bad("common/%0a", "control");
    bad("common/%1F", "control");
    bad("common/%7f", "control");
    bad("common/%C2%80", "control");
    bad("common/%C2%9F", "control");
    bad("common/%ff", "UTF-8");
    bad("common/%C3", "UTF-8");
    bad("common/%C0%AF", "UTF-8"); /* overlong slash */
    bad("common/%C0%80", "UTF-8");
    bad("common/%E0%80%AF", "UTF-8");
    bad("common/%ED%A0%80", "UTF-8"); /* surrogate */
    bad("common/%F4%90%80%80", "UTF-8");
    bad("common/%", "escape");
    bad("common/%4", "escape");
    bad("common/%zz", "escape");
    bad("common/%u0041", "escape");
    bad("0123456789012345678901234567890123456789/x", "space");
}

static void test_limits(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 'a', sizeof(text));
    memcpy(text, "c/", 2);
    text[2 + 255] = '\0';
    struct path path;
    const char *reason;
    assert_int_equal(SG_OK, path_parse(text, strlen(text), arena, &path, &reason));
    assert_int_equal(255, strlen(path.rest));
    text[2 + 255] = 'a';
    text[2 + 256] = '\0';
    bad(text, "255");
    /* Whole: 4096 bytes, a slash at the end is not counted. */
    memset(text, 'a', sizeof(text));
    for (size_t i = 1; i < 4097; i += 200)
        text[i] = '/';
    text[4096] = '\0';
    assert_int_equal(SG_OK, path_parse(text, 4096, arena, &path, &reason));
    text[4096] = '/';
    text[4097] = '\0';
    assert_int_equal(SG_OK, path_parse(text, 4097, arena, &path, &reason));
    assert_true(path.directory);
    text[4096] = 'a';
    bad(text, "4096");
    memset(text, 'a', sizeof(text));
    bad_n(text, sizeof(text), "4096");
    /* Depth: 128 segments, with the space. */
    for (size_t i = 0; i < 2 * 128; i += 2)
        memcpy(text + i, "a/", 2);
    text[2 * 128] = '\0';
    assert_int_equal(SG_OK, path_parse(text, 2 * 128, arena, &path, &reason));
    assert_int_equal(SG_OK, path_parse(text, 2 * 128 - 1, arena, &path, &reason));
    memcpy(text + 2 * 128, "a", 2);
    bad(text, "128");
    /* Limits count after normalization: U+0958 becomes six bytes of three. */
    struct buf b;
    buf_init(&b, 4096);
    buf_puts(&b, "c/");
    for (unsigned i = 0; i < 43; i++)
        buf_puts(&b, "%E0%A5%98");
    bad(buf_str(&b), "255");
    buf_fini(&b);
    /* An arena that is too small is no bad path. */
    struct arena *small = arena_new(8);
    assert_int_equal(SG_ERR_NO_MEMORY, path_parse("common/some/file", 16, small, &path, &reason));
    arena_free(small);
}

/* What was parsed and encoded again parses to the same. */
static void test_stable(void **state)
{
    (void)state;
    static const char *const texts[] = {"c/a b/%C3%A4%CC%A3", "~me/%E1%BA%9B%CC%A3/x%25",
                                        "c/%EF%AC%81/"};
    for (unsigned i = 0; i < 3; i++) {
        struct path once, twice;
        const char *reason;
        struct buf b;
        buf_init(&b, 10000);
        assert_int_equal(SG_OK, path_parse(texts[i], strlen(texts[i]), arena, &once, &reason));
        encode_percent(&b, once.space, strlen(once.space), 0);
        buf_putc(&b, '/');
        encode_percent(&b, once.rest, strlen(once.rest), 1);
        assert_int_equal(SG_OK, path_parse(buf_str(&b), b.len, arena, &twice, &reason));
        assert_string_equal(once.rest, twice.rest);
        buf_fini(&b);
    }
}

static void test_prefix_and_name(void **state)
{
    (void)state;
    const char *prefix = NULL;
    assert_int_equal(SG_OK, path_prefix("", arena, &prefix));
    assert_string_equal("", prefix);
    assert_int_equal(SG_OK, path_prefix("docs/a", arena, &prefix));
    assert_string_equal("docs/a", prefix);
    assert_int_equal(SG_OK, path_prefix("a\xcc\x88", arena, &prefix));
    assert_string_equal("\xc3\xa4", prefix);
    assert_int_equal(SG_ERR_BAD_FIELD, path_prefix("\xff", arena, &prefix));
    assert_int_equal(SG_ERR_BAD_FIELD, path_prefix("a\x01", arena, &prefix));
    assert_string_equal("c", path_name("a/b/c"));
    assert_string_equal("c", path_name("c"));
    assert_string_equal("", path_name(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_stable),
        cmocka_unit_test(test_prefix_and_name),
    };
    return cmocka_run_group_tests_name("path", tests, setup, teardown);
}
