/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the message codec: exact bytes, and every way to be too short or too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ipc/codec.h"

static void test_exact_bytes(void **state)
{
    static const uint8_t expected[] = {0x07, 0, 0,    1,    2,    0,    0,    0,    0,    0,    0,
                                       0,    9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0,
                                       0,    0, 2,    'h',  'i',  0,    0,    0,    0};
    SG_BUF_CLEANUP struct buf b;

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&b, 7);
    codec_put_u32(&b, 258);
    codec_put_u64(&b, 9);
    codec_put_i64(&b, -2);
    codec_put_string(&b, "hi");
    codec_put_bytes(&b, NULL, 0);
    assert_int_equal(buf_status(&b), SG_OK);
    assert_int_equal(b.len, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);
}

static void decode_all(struct decoder *d, char text[8], size_t *len)
{
    (void)codec_u8(d);
    (void)codec_u32(d);
    (void)codec_u64(d);
    (void)codec_i64(d);
    codec_string(d, text, 8);
    (void)codec_bytes(d, 4, len);
}

static void test_every_prefix_fails_and_the_whole_succeeds(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;
    char text[8];
    size_t len;

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_u8(&b, 255);
    codec_put_u32(&b, UINT32_MAX);
    codec_put_u64(&b, UINT64_MAX);
    codec_put_i64(&b, INT64_MIN);
    codec_put_string(&b, "seven77");
    codec_put_bytes(&b, "four", 4);
    for (size_t i = 0; i < b.len; i++) {
        codec_start(&d, b.data, i);
        decode_all(&d, text, &len);
        assert_int_equal(codec_end(&d), SG_ERR_PROTOCOL);
    }
    codec_start(&d, b.data, b.len);
    decode_all(&d, text, &len);
    assert_int_equal(codec_end(&d), SG_OK);
    assert_string_equal(text, "seven77");
    assert_int_equal(len, 4);
    buf_putc(&b, 0);
    codec_start(&d, b.data, b.len);
    decode_all(&d, text, &len);
    assert_int_equal(codec_end(&d), SG_ERR_PROTOCOL);
}

static void test_values(void **state)
{
    static const uint8_t bytes[] = {0x80, 1, 2,    3, 4, 0xff, 0, 0, 0, 0, 0,
                                    0,    1, 0x80, 0, 0, 0,    0, 0, 0, 0};
    struct decoder d;

    (void)state;
    codec_start(&d, bytes, sizeof bytes);
    assert_int_equal(codec_u8(&d), 0x80);
    assert_int_equal(codec_u32(&d), 0x01020304);
    assert_true(codec_u64(&d) == UINT64_C(0xff00000000000001));
    assert_true(codec_i64(&d) == INT64_MIN);
    assert_int_equal(codec_end(&d), SG_OK);
    assert_int_equal(codec_u8(&d), 0);
    assert_int_equal(codec_end(&d), SG_ERR_PROTOCOL);
}

static enum sg_err decode_string(const void *data, size_t len, char *ret, size_t size)
{
    struct decoder d;

    codec_start(&d, data, len);
    codec_string(&d, ret, size);
    return codec_end(&d);
}

static void test_strings(void **state)
{
    char text[4] = "???";

    (void)state;
    assert_int_equal(decode_string("\0\0\0\3abc", 7, text, 4), SG_OK);
    assert_string_equal(text, "abc");
    assert_int_equal(decode_string("\0\0\0\0", 4, text, 1), SG_OK);
    assert_string_equal(text, "");
    assert_int_equal(decode_string("\0\0\0\4abcd", 8, text, 4), SG_ERR_PROTOCOL);
    assert_string_equal(text, "");
    assert_int_equal(decode_string("\0\0\0\3a\0c", 7, text, 4), SG_ERR_PROTOCOL);
    assert_string_equal(text, "");
    assert_int_equal(decode_string("\xff\xff\xff\xff"
                                   "abc",
                                   7, text, 4),
                     SG_ERR_PROTOCOL);
    assert_int_equal(decode_string("\0\0\0\3ab", 6, text, 4), SG_ERR_PROTOCOL);
    assert_int_equal(decode_string(NULL, 0, text, 4), SG_ERR_PROTOCOL);
}

static void test_bytes_have_a_maximum(void **state)
{
    struct decoder d;
    size_t len = 9;

    (void)state;
    codec_start(&d, "\0\0\0\2ab", 6);
    assert_memory_equal(codec_bytes(&d, 2, &len), "ab", 2);
    assert_int_equal(codec_end(&d), SG_OK);
    codec_start(&d, "\0\0\0\2ab", 6);
    assert_non_null(codec_bytes(&d, 1, &len));
    assert_int_equal(len, 0);
    assert_int_equal(codec_end(&d), SG_ERR_PROTOCOL);
}

static void test_a_message_has_a_cap(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    static const uint8_t zeroes[SG_IPC_MESSAGE_MAX];

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_bytes(&b, zeroes, SG_IPC_MESSAGE_MAX - 4);
    assert_int_equal(buf_status(&b), SG_OK);
    codec_put_u8(&b, 1);
    assert_int_equal(buf_status(&b), SG_ERR_TOO_LARGE);
    buf_clear(&b);
    codec_put_bytes(&b, zeroes, (size_t)UINT32_MAX + 1);
    assert_int_equal(buf_status(&b), SG_ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_bytes),
        cmocka_unit_test(test_every_prefix_fails_and_the_whole_succeeds),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_bytes_have_a_maximum),
        cmocka_unit_test(test_a_message_has_a_cap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
