/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds any bytes to the strict decoders of base: what one accepts must encode to the same text,
 * and what is encoded must decode to the same bytes. The first byte chooses the property.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 4096

static void check(int holds)
{
    if (!holds)
        abort();
}

static void hex(const char *text, size_t len)
{
    uint8_t bytes[MAX];
    char again[SG_HEX_SIZE(MAX)];

    encode_hex(text, len, again);
    check(encode_unhex(again, 2 * len, bytes, len) == SG_OK && memcmp(bytes, text, len) == 0);
    if (encode_unhex(text, len, bytes, len / 2) != SG_OK)
        return;
    encode_hex(bytes, len / 2, again);
    check(strlen(again) == len);
    for (size_t i = 0; i < len; i++)
        check(again[i] == (char)tolower((unsigned char)text[i]));
}

static void base64(const char *text, size_t len)
{
    uint8_t bytes[MAX];
    char again[SG_BASE64_SIZE(MAX)];
    size_t n;

    encode_base64(text, len, again);
    check(encode_unbase64(again, strlen(again), bytes, len, &n) == SG_OK && n == len &&
          memcmp(bytes, text, len) == 0);
    if (encode_unbase64(text, len, bytes, sizeof bytes, &n) != SG_OK)
        return;
    encode_base64(bytes, n, again);
    check(strlen(again) == len && memcmp(again, text, len) == 0);
}

static void base64url(const char *text, size_t len)
{
    uint8_t bytes[MAX];
    char again[SG_BASE64_SIZE(MAX)];
    size_t n;

    encode_base64url(text, len, again);
    check(encode_unbase64url(again, strlen(again), bytes, len, &n) == SG_OK && n == len &&
          memcmp(bytes, text, len) == 0);
    if (encode_unbase64url(text, len, bytes, sizeof bytes, &n) != SG_OK)
        return;
    encode_base64url(bytes, n, again);
    check(strlen(again) == len && memcmp(again, text, len) == 0);
}

static void percent(const char *text, size_t len)
{
    char once[MAX + 1];
    char twice[3 * MAX + 1];
    struct buf b;
    size_t n;
    size_t m;

    buf_init(&b, (size_t)3 * MAX);
    encode_percent(&b, text, len, (int)(len % 2));
    check(buf_status(&b) == SG_OK);
    check(encode_unpercent(buf_str(&b), b.len, 1, twice, &n) == SG_OK && n == len &&
          memcmp(twice, text, len) == 0);
    if (encode_unpercent(text, len, (int)(len % 2), once, &n) == SG_OK) {
        check(n <= len && once[n] == '\0');
        buf_clear(&b);
        encode_percent(&b, once, n, 1);
        check(encode_unpercent(buf_str(&b), b.len, 0, twice, &m) == SG_OK && m == n &&
              memcmp(once, twice, n) == 0);
    }
    buf_fini(&b);
}

static void http_date(const char *text, size_t len)
{
    char *copy = strndup(text, len);
    char again[SG_HTTP_DATE_SIZE];
    int64_t s;
    int64_t back;

    if (clock_parse_http(copy, &s) == SG_OK && s <= INT64_C(253402300799)) {
        clock_format_http(s, again);
        check(clock_parse_http(again, &back) == SG_OK && back == s);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const properties[])(const char *, size_t) = {hex, base64, base64url, percent,
                                                               http_date};

    if (size < 1 || size > MAX)
        return 0;
    properties[data[0] % (sizeof properties / sizeof properties[0])]((const char *)data + 1,
                                                                     size - 1);
    return 0;
}
