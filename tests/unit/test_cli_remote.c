/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secctl's remote paths and addresses, and of what may become a local name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "cli/download.h"
#include "cli/remote.h"
#include "cli/trust.h"
#include "cli/upload.h"
#include "cli/url.h"

static void test_typed_paths_get_a_space(void **state)
{
    static const char *const cases[][2] = {
        {"common/a", "common/a"},
        {"common", "common"},
        {"~ann/x/", "~ann/x/"},
        {"@bob/x", "@bob/x"},
        {"/other/x", "other/x"},
        {"//other", "other"},
        {"/", ""},
        {"docs/a", "~me/docs/a"},
        {"", "~me/"},
        {".", "~me/"},
        {"./a", "~me/a"},
        {"~", "~me/"},
        {"~/a", "~me/a"},
        {"commons/a", "~me/commons/a"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_BUF_CLEANUP struct buf b = {0};

        buf_init(&b, SG_REMOTE_PATH_MAX);
        remote_resolve(&b, cases[i][0]);
        assert_string_equal(buf_str(&b), cases[i][1]);
    }
}

static void test_targets_are_encoded(void **state)
{
    SG_BUF_CLEANUP struct buf b = {0};

    (void)state;
    buf_init(&b, 4096);
    remote_target(&b, "~me/a b/\303\274?#%&");
    remote_query(&b, "sort", "-size");
    remote_query(&b, "prefix", "a/b&c");
    assert_string_equal(buf_str(&b),
                        "/v1/files/~me/a%20b/%C3%BC%3F%23%25%26?sort=-size&prefix=a%2Fb%26c");
}

static void expect_basename(const char *path, const char *wanted)
{
    const char *name;
    size_t len;

    remote_basename(path, &name, &len);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(name, wanted, len);
}

static void test_basenames(void **state)
{
    (void)state;
    expect_basename("common/a/b.txt", "b.txt");
    expect_basename("common/a/", "a");
    expect_basename("a", "a");
    expect_basename("/", "");
    expect_basename("", "");
}

static void test_only_harmless_names_become_local(void **state)
{
    static const char *const bad[] = {"",     "/a",    "a/",   "a//b", ".",    "..",     "../a",
                                      "a/..", "a/./b", "a\\b", "a\nb", "\033", "a/\177b"};
    static const char *const good[] = {"a", "a/b/c", "...", "..a", "-x", "a b", "\303\274"};
    char longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(remote_is_safe_relative(bad[i]));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(remote_is_safe_relative(good[i]));
    memset(longest, 'x', sizeof(longest));
    longest[255] = 0;
    assert_true(remote_is_safe_relative(longest));
    longest[255] = 'x';
    longest[256] = 0;
    assert_false(remote_is_safe_relative(longest));
}

static void test_addresses_are_made_canonical(void **state)
{
    static const char *const cases[][2] = {
        {"localhost", "https://localhost:8443"},
        {"localhost:9", "https://localhost:9"},
        {"https://LOCALHOST", "https://localhost:443"},
        {"https://localhost:8443/", "https://localhost:8443"},
        {"[::1]:9", "https://[::1]:9"},
        {"https://127.0.0.1:1", "https://127.0.0.1:1"},
    };
    static const char *const bad[] = {"http://localhost", "ftp://x",     "https://u:p@x",
                                      "https://x/y",      "https://x?y", "https://x#y",
                                      "https://x:99999",  "https://",    "",
                                      "https://a b"};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        SG_BUF_CLEANUP struct buf b = {0};

        buf_init(&b, 4096);
        assert_int_equal(url_normalise(cases[i][0], &b), SG_CLI_OK);
        assert_string_equal(buf_str(&b), cases[i][1]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        SG_BUF_CLEANUP struct buf b = {0};

        buf_init(&b, 4096);
        assert_int_equal(url_normalise(bad[i], &b), SG_CLI_USAGE);
    }
}

static void test_loopback_is_known(void **state)
{
    (void)state;
    assert_true(url_is_loopback("https://localhost:8443"));
    assert_true(url_is_loopback("https://127.0.0.1:1"));
    assert_true(url_is_loopback("https://[::1]:1"));
    assert_false(url_is_loopback("https://localhost.example:1"));
    assert_false(url_is_loopback("https://10.0.0.1:1"));
    assert_false(url_is_loopback("https://127.example:1"));
}

static void test_fingerprints(void **state)
{
    static const char hex[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    char text[SG_DIGEST_HEX_SIZE], shown[SG_TRUST_SHOWN_SIZE];

    (void)state;
    assert_true(trust_parse_fingerprint(hex, text));
    assert_string_equal(text, hex);
    assert_true(trust_parse_fingerprint("SHA256:9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:"
                                        "BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:"
                                        "0A:08",
                                        text));
    assert_string_equal(text, hex);
    trust_format_fingerprint(text, shown);
    assert_string_equal(shown,
                        "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:"
                        "D1:5D:6C:15:B0:F0:0A:08");
    assert_false(trust_parse_fingerprint("", text));
    assert_false(trust_parse_fingerprint("9f86", text));
    assert_false(trust_parse_fingerprint(
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0800", text));
    assert_false(trust_parse_fingerprint(
        "gf86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", text));
}

static void test_content_ranges(void **state)
{
    static const char *const bad[] = {"",
                                      "bytes 0-9/*",
                                      "bytes */10",
                                      "bytes 5-4/10",
                                      "bytes 0-10/10",
                                      "items 0-9/10",
                                      "bytes 0-9/10 ",
                                      "bytes -1-9/10"};
    int64_t first = 0, last = 0, total = 0;

    (void)state;
    assert_true(download_parse_range("bytes 5-9/10", &first, &last, &total));
    assert_int_equal(first, 5);
    assert_int_equal(last, 9);
    assert_int_equal(total, 10);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(download_parse_range(bad[i], &first, &last, &total));
}

static void test_if_match_takes_bare_and_quoted_values(void **state)
{
    char value[32];

    (void)state;
    assert_true(upload_format_match("abc", value, sizeof(value)));
    assert_string_equal(value, "\"abc\"");
    assert_true(upload_format_match("\"abc\"", value, sizeof(value)));
    assert_string_equal(value, "\"abc\"");
    assert_true(upload_format_match("*", value, sizeof(value)));
    assert_string_equal(value, "*");
    assert_false(upload_format_match("", value, sizeof(value)));
    assert_false(upload_format_match("a\r\nb", value, sizeof(value)));
    assert_false(upload_format_match("a\"b", value, sizeof(value)));
    assert_false(upload_format_match("01234567890123456789012345678901", value, sizeof(value)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_typed_paths_get_a_space),
        cmocka_unit_test(test_targets_are_encoded),
        cmocka_unit_test(test_basenames),
        cmocka_unit_test(test_only_harmless_names_become_local),
        cmocka_unit_test(test_addresses_are_made_canonical),
        cmocka_unit_test(test_loopback_is_known),
        cmocka_unit_test(test_fingerprints),
        cmocka_unit_test(test_content_ranges),
        cmocka_unit_test(test_if_match_takes_bare_and_quoted_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
