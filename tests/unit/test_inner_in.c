/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of exchanges, and what is enclosed in them, as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/exchange_in.h"
#include "api/inner_in.h"

/* -- bodies -------------------------------------------------------------------------------------
 */
static void test_plain(void **state)
{
    static const char text[] = " { \"data\" : \"AA+/==\" , \"sequence\":12,\n\"epoch\":0,"
                               "\"nonce\":\"abcd\" } ";
    struct exchange_in in;

    (void)state;
    assert_true(exchange_in_plain(text, strlen(text), &in));
    assert_true(in.has_sequence && in.has_epoch);
    assert_int_equal(12, in.sequence);
    assert_int_equal(0, in.epoch);
    assert_int_equal(4, in.nonce_len);
    assert_memory_equal("abcd", in.nonce, 4);
    assert_int_equal(6, in.data_len);
    assert_memory_equal("AA+/==", in.data, 6);
}

static void test_not_plain(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "null",
        "{\"sequence\":1",
        "{\"sequence\":1,}",
        "{\"sequence\":1}}",
        "{\"sequence\":1} x",
        "{\"sequence\":1 \"epoch\":1}",
        "{\"sequence\":01}",
        "{\"sequence\":-1}",
        "{\"sequence\":+1}",
        "{\"sequence\":1.0}",
        "{\"sequence\":1e3}",
        "{\"sequence\":\"1\"}",
        "{\"sequence\":1000000000000000}",
        "{\"sequence\":1,\"sequence\":1}",
        "{\"epoch\":1,\"epoch\":1}",
        "{\"data\":\"a\",\"data\":\"b\"}",
        "{\"data\":\"a\\/b\"}",
        "{\"data\":\"a\nb\"}",
        "{\"data\":\"\xc3\xbc\"}",
        "{\"data\":\"a}",
        "{\"data\":null}",
        "{\"other\":1}",
        "{\"sequence\" 1}",
        "{sequence:1}",
    };
    struct exchange_in in;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (exchange_in_plain(texts[i], strlen(texts[i]), &in))
            fail_msg("%s", texts[i]);
}

/* -- enclosed requests --------------------------------------------------------------------------
 */
static struct inner_request in;
static char detail[SG_INNER_DETAIL_SIZE];

static enum sg_err read_text(const char *text)
{
    return inner_in_read((const uint8_t *)text, strlen(text), &in, detail);
}

static void test_request(void **state)
{
    (void)state;
    assert_int_equal(SG_OK,
                     read_text("{\"path\":\"/v1/files/common/%C3%BC?x=y\",\"method\":\"PUT\","
                               "\"headers\":{\"Content-Type\":\"text/plain\",\"If-Match\":"
                               "\"\\\"a\\\"\"},\"body\":\"\\u00fc\\n\"}"));
    assert_string_equal("PUT", in.request.method);
    assert_string_equal("/v1/files/common/%C3%BC?x=y", in.request.target);
    assert_int_equal(2, in.request.header_count);
    assert_string_equal("If-Match", in.request.header[1].name);
    assert_string_equal("\"a\"", in.request.header[1].value);
    assert_int_equal(3, in.request.body_len);
    assert_memory_equal("\xc3\xbc\n", in.request.body, 3);
    inner_in_fini(&in);
    assert_null(in.json);
    assert_int_equal(SG_OK,
                     read_text("{\"method\":\"GET\",\"path\":\"/\",\"body_base64\":\"AP8=\"}"));
    assert_int_equal(2, in.request.body_len);
    assert_memory_equal("\0\xff", in.request.body, 2);
    inner_in_fini(&in);
    inner_in_fini(&in);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "{\"method\":\"GET\"}",
        "{\"path\":\"/\"}",
        "{\"method\":\"\",\"path\":\"/\"}",
        "{\"method\":\"GET \",\"path\":\"/\"}",
        "{\"method\":\"GET\\u0000\",\"path\":\"/\"}",
        "{\"method\":\"ABCDEFGHIJKLMNOPQ\",\"path\":\"/\"}",
        "{\"method\":1,\"path\":\"/\"}",
        "{\"method\":\"GET\",\"path\":\"\"}",
        "{\"method\":\"GET\",\"path\":\"https://other/\"}",
        "{\"method\":\"GET\",\"path\":\"/a b\"}",
        "{\"method\":\"GET\",\"path\":\"/a\\r\\nb\"}",
        "{\"method\":\"GET\",\"path\":\"/\xc3\xbc\"}",
        "{\"method\":\"GET\",\"path\":\"/#a\"}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":null}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"\":\"a\"}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"a:b\":\"a\"}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"a\":\"b\\nc\"}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"a\":null}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"aUTHORIZATION\":\"a\"}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"DPoP\":\"a\"}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{\"content-length\":\"1\"}}",
        "{\"method\":\"GET\",\"path\":\"/\",\"body\":null}",
        "{\"method\":\"GET\",\"path\":\"/\",\"body\":\"\",\"body_base64\":\"\"}",
        "{\"method\":\"GET\",\"path\":\"/\",\"body_base64\":\"A\"}",
        "{\"method\":\"GET\",\"path\":\"/\",\"body_base64\":\"AP9=\"}",
        "{\"method\":\"GET\",\"path\":\"/\",\"more\":1}",
    };
    static const char *const no_json[] = {"",
                                          "x",
                                          "{",
                                          "[]",
                                          "1",
                                          "\"a\"",
                                          "null",
                                          "{\"method\":\"GET\",\"method\":\"GET\",\"path\":\"/\"}",
                                          "{\"method\":\"GET\",\"path\":\"/\"}x"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        enum sg_err err = read_text(texts[i]);

        if ((err != SG_ERR_BAD_FIELD && err != SG_ERR_BAD_JSON) || detail[0] == 0)
            fail_msg("%s: %s", texts[i], err_code(err));
        assert_null(in.json);
    }
    for (size_t i = 0; i < sizeof no_json / sizeof no_json[0]; i++) {
        assert_int_equal(SG_ERR_BAD_JSON, read_text(no_json[i]));
        assert_int_not_equal(0, detail[0]);
    }
}

static void test_headers_bound(void **state)
{
    char text[4096], *at = text;

    (void)state;
    for (unsigned count = 32; count <= 33; count++) {
        at = text + sprintf(text, "{\"method\":\"GET\",\"path\":\"/\",\"headers\":{");
        for (unsigned i = 0; i < count; i++)
            at += sprintf(at, "%s\"x-%u\":\"y\"", i > 0 ? "," : "", i);
        strcpy(at, "}}");
        assert_int_equal(count == 32 ? SG_OK : SG_ERR_BAD_FIELD, read_text(text));
        inner_in_fini(&in);
    }
}

/* -- answers ------------------------------------------------------------------------------------
 */
static void assert_answer(const char *expected, const void *body, size_t len)
{
    struct enclosed_answer a = {.status = 200,
                                .header = {{"Content-Type", "a/b"}, {"X", "1"}, {"x", "2"}},
                                .header_count = 3,
                                .body = body,
                                .body_len = len};
    struct buf out;

    buf_init(&out, len * 2 + 256);
    assert_int_equal(SG_OK, inner_out_write(&a, &out));
    assert_string_equal(expected, buf_str(&out));
    buf_fini(&out);
}

#define BEGIN "{\"status\":200,\"headers\":{\"Content-Type\":\"a/b\",\"X\":\"1\"}"
static void test_answers(void **state)
{
    (void)state;
    assert_answer(BEGIN "}", "", 0);
    assert_answer(BEGIN ",\"body\":\"plain \\\"text\\\"\\n\xc3\xbc\"}", "plain \"text\"\n\xc3\xbc",
                  15);
    assert_answer(BEGIN ",\"body_base64\":\"AAEC\"}", "\0\1\2", 3);
    assert_answer(BEGIN ",\"body_base64\":\"/v8=\"}", "\xfe\xff", 2);
    /* Text, but shorter so. */
    assert_answer(BEGIN ",\"body_base64\":\"AQEBAQEB\"}", "\1\1\1\1\1\1", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_not_plain),
        cmocka_unit_test(test_request),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_headers_bound), cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
