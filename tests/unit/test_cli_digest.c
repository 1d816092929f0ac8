/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of secctl's digests and of the JSON that it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/digest.h"
#include "cli/json.h"

#include <json-c/json.h>

#define SG_ABC_HEX    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SG_ABC_ETAG   "\"" SG_ABC_HEX "\""
#define SG_ABC_DIGEST "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"

static void test_the_hash_is_sha256(void **state)
{
    struct digest d = {NULL};
    uint8_t hash[SG_DIGEST_BYTES], parsed[SG_DIGEST_BYTES];
    char etag[SG_DIGEST_ETAG_SIZE], header[SG_DIGEST_HEADER_SIZE];

    (void)state;
    assert_true(digest_start(&d));
    digest_update(&d, "x", 1);
    assert_true(digest_start(&d));
    digest_update(&d, "a", 1);
    digest_update(&d, "bc", 2);
    digest_finish(&d, hash);
    digest_drop(&d);
    digest_format_etag(hash, etag);
    assert_string_equal(etag, SG_ABC_ETAG);
    digest_format_header(hash, header);
    assert_string_equal(header, SG_ABC_DIGEST);
    assert_true(digest_parse_etag(etag, parsed));
    assert_memory_equal(parsed, hash, sizeof(hash));
    assert_true(digest_parse_header(header, parsed));
    assert_memory_equal(parsed, hash, sizeof(hash));
}

static void test_headers_are_read_strictly(void **state)
{
    uint8_t hash[SG_DIGEST_BYTES];

    (void)state;
    assert_true(digest_parse_header("sha-512=:AAAA:, " SG_ABC_DIGEST, hash));
    assert_true(digest_parse_header(SG_ABC_DIGEST ",md5=:AAAA:", hash));
    assert_false(digest_parse_header("", hash));
    assert_false(digest_parse_header("sha-512=:AAAA:", hash));
    assert_false(digest_parse_header("sha-256=:AAAA:", hash));
    assert_false(
        digest_parse_header("sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", hash));
    assert_false(digest_parse_etag("W/" SG_ABC_ETAG, hash));
    assert_false(digest_parse_etag(SG_ABC_HEX, hash));
    assert_false(digest_parse_etag("\"something\"", hash));
}

static void test_only_an_unanimous_promise_counts(void **state)
{
    static const char other[] =
        "\"0000000000000000000000000000000000000000000000000000000000000000\"";
    uint8_t hash[SG_DIGEST_BYTES];

    (void)state;
    assert_true(digest_expected(SG_ABC_DIGEST, SG_ABC_ETAG, hash));
    assert_true(digest_expected(SG_ABC_DIGEST, "", hash));
    assert_true(digest_expected("", SG_ABC_ETAG, hash));
    assert_false(digest_expected("", "", hash));
    assert_false(digest_expected(SG_ABC_DIGEST, other, hash));
}

static struct json_object *parse(const char *text)
{
    return json_parse(text, strlen(text));
}

static void test_json_is_read_strictly(void **state)
{
    static const char *const bad[] = {"",         "{",        "{} x", "{}{}",
                                      "{\"a\":}", "\"\377\"", "[1,]", "nul"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(parse(bad[i]));
    SG_JSON_CLEANUP struct json_object *json = parse(
        " {\"t\":\"x\",\"n\":7,\"b\":true,\"z\":null,\"e\":\"a\\u0000b\",\"l\":[1],\"o\":{}} ");
    assert_non_null(json);
    assert_string_equal(json_text(json, "t", "?"), "x");
    assert_string_equal(json_text(json, "n", "?"), "?");
    assert_string_equal(json_text(json, "z", "?"), "?");
    assert_string_equal(json_text(json, "e", "?"), "?");
    assert_string_equal(json_text(NULL, "t", "?"), "?");
    assert_int_equal(json_int(json, "n", 0), 7);
    assert_int_equal(json_int(json, "t", -1), -1);
    assert_true(json_truth(json, "b", false));
    assert_non_null(json_array(json, "l"));
    assert_null(json_array(json, "o"));
    assert_non_null(json_member(json, "o"));
}

static void test_json_is_not_read_too_deep(void **state)
{
    char text[201];

    (void)state;
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    text[200] = 0;
    assert_null(parse(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_hash_is_sha256),
        cmocka_unit_test(test_headers_are_read_strictly),
        cmocka_unit_test(test_only_an_unanimous_promise_counts),
        cmocka_unit_test(test_json_is_read_strictly),
        cmocka_unit_test(test_json_is_not_read_too_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
