/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of hex, base64, base64url and percent-encoding: exact texts, and all that must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"

static void test_hex(void **state)
{
    const uint8_t bytes[] = {0x00, 0x0f, 0xa5, 0xff};
    char text[SG_HEX_SIZE(4)];
    uint8_t back[4];

    (void)state;
    encode_hex(bytes, 4, text);
    assert_string_equal(text, "000fa5ff");
    encode_hex(bytes, 0, text);
    assert_string_equal(text, "");
    assert_int_equal(encode_unhex("000fA5fF", 8, back, 4), SG_OK);
    assert_memory_equal(back, bytes, 4);
    assert_int_equal(encode_unhex("", 0, back, 0), SG_OK);
    assert_int_equal(encode_unhex("00", 2, back, 2), SG_ERR_BAD_FIELD);
    assert_int_equal(encode_unhex("000", 3, back, 1), SG_ERR_BAD_FIELD);
    assert_int_equal(encode_unhex("0g", 2, back, 1), SG_ERR_BAD_FIELD);
    assert_int_equal(encode_unhex("0x", 2, back, 1), SG_ERR_BAD_FIELD);
    assert_int_equal(encode_unhex(" 1", 2, back, 1), SG_ERR_BAD_FIELD);
    assert_int_equal(encode_unhex("1\0", 2, back, 1), SG_ERR_BAD_FIELD);
}

static void test_hex_writes_nothing_on_failure(void **state)
{
    uint8_t back[2] = {1, 2};

    (void)state;
    assert_int_equal(encode_unhex("ff0!", 4, back, 2), SG_ERR_BAD_FIELD);
    assert_int_equal(back[0], 1);
}

/* RFC 4648, section 10. */
static const struct {
    const char *plain;
    const char *padded;
    const char *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
};

static void test_base64_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        size_t len = strlen(vectors[i].plain);
        char text[SG_BASE64_SIZE(6)];
        uint8_t back[8];
        size_t back_len = 99;

        encode_base64(vectors[i].plain, len, text);
        assert_string_equal(text, vectors[i].padded);
        assert_int_equal(encode_unbase64(text, strlen(text), back, len, &back_len), SG_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, vectors[i].plain, len);
        encode_base64url(vectors[i].plain, len, text);
        assert_string_equal(text, vectors[i].url);
        assert_int_equal(encode_unbase64url(text, strlen(text), back, len, &back_len), SG_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, vectors[i].plain, len);
        if (len > 0)
            assert_int_equal(encode_unbase64(vectors[i].padded, strlen(vectors[i].padded), back,
                                             len - 1, &back_len),
                             SG_ERR_TOO_LARGE);
    }
}

static void test_base64_refuses_other_spellings(void **state)
{
    static const char *const bad[] = {
        "Zg",   "Zg=",  "Zg===", "=",      "==",    "====", "Z===",   "Zh==",  "Zm9=",
        "Zm=v", "Zg=A", " Zg==", "Zg==\n", "Zm9v=", "-_-_", "Zm\n9v", "Zm9vZ", "Zm9vZg==Zg=="};
    uint8_t back[16];
    size_t len = 5;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(encode_unbase64(bad[i], strlen(bad[i]), back, sizeof back, &len),
                         SG_ERR_BAD_FIELD);
    assert_int_equal(encode_unbase64("Zm\0v", 4, back, sizeof back, &len), SG_ERR_BAD_FIELD);
    assert_int_equal(len, 5);
}

static void test_base64url_refuses_other_spellings(void **state)
{
    static const char *const bad[] = {"Zg==", "Z",     "Zh",    "Zm9",
                                      "+/+/", "Zm9v ", "Zm9vZ", "Zm9vZm9"};
    uint8_t back[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(encode_unbase64url(bad[i], strlen(bad[i]), back, sizeof back, &len),
                         SG_ERR_BAD_FIELD);
}

/* Of all texts of two digits, exactly the 256 canonical ones decode. */
static void test_base64url_is_a_bijection(void **state)
{
    unsigned accepted = 0;

    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const char text[2] = {(char)a, (char)b};
            char again[SG_BASE64_SIZE(1)];
            uint8_t byte;
            size_t len;

            if (encode_unbase64url(text, 2, &byte, 1, &len) != SG_OK)
                continue;
            accepted++;
            encode_base64url(&byte, 1, again);
            assert_memory_equal(again, text, 2);
        }
    assert_int_equal(accepted, 256);
}

static void test_percent(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    char text[64];
    size_t len;

    (void)state;
    buf_init(&b, 1000);
    encode_percent(&b, "a/b c~-._%\xc3\xa4", 12, 1);
    assert_string_equal(buf_str(&b), "a/b%20c~-._%25%C3%A4");
    buf_clear(&b);
    encode_percent(&b, "a/b", 3, 0);
    assert_string_equal(buf_str(&b), "a%2Fb");
    assert_int_equal(encode_unpercent("a%2fb+%C3%A4%2541", 17, 0, text, &len), SG_OK);
    assert_int_equal(len, 9);
    assert_string_equal(text, "a/b+\xc3\xa4%41");
    assert_int_equal(encode_unpercent("a+b%00", 6, 1, text, &len), SG_OK);
    assert_memory_equal(text, "a b\0\0", 5);
    assert_int_equal(len, 4);
    assert_int_equal(encode_unpercent("", 0, 0, text, &len), SG_OK);
    assert_int_equal(len, 0);
}

static void test_percent_in_place(void **state)
{
    char text[] = "%41%42c";
    size_t len;

    (void)state;
    assert_int_equal(encode_unpercent(text, 7, 0, text, &len), SG_OK);
    assert_string_equal(text, "ABc");
    assert_int_equal(len, 3);
}

static void test_percent_refuses_broken_escapes(void **state)
{
    static const char *const bad[] = {"%", "%4", "%4g", "%g4", "a%", "%%41", "% 41", "%+1"};
    char text[16];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(encode_unpercent(bad[i], strlen(bad[i]), 0, text, &len),
                         SG_ERR_BAD_REQUEST);
}

static void test_eight_bytes(void **state)
{
    static const uint8_t bytes[] = {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    static const uint64_t values[] = {0, 1, 255, 256, INT64_MAX, UINT64_MAX};
    uint8_t got[8];

    (void)state;
    encode_be64(UINT64_C(0xfedcba9876543210), got);
    assert_memory_equal(got, bytes, sizeof got);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        encode_be64(values[i], got);
        assert_true(encode_unbe64(got) == values[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_hex_writes_nothing_on_failure),
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_refuses_other_spellings),
        cmocka_unit_test(test_base64url_refuses_other_spellings),
        cmocka_unit_test(test_base64url_is_a_bijection),
        cmocka_unit_test(test_percent),
        cmocka_unit_test(test_eight_bytes),
        cmocka_unit_test(test_percent_in_place),
        cmocka_unit_test(test_percent_refuses_broken_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
