/* SPDX-License-Identifier: Apache-2.0 */
/* Hex and base64 in both alphabets; a decoder never accepts two spellings of the same bytes (but
 * for the case of hex digits). */
#include "base/encode.h"

#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void encode_hex(const void *data, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = data;

    for (size_t i = 0; i < len; i++) {
        *ret++ = digits[in[i] >> 4];
        *ret++ = digits[in[i] & 15];
    }
    *ret = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum sg_err encode_unhex(const char *text, size_t text_len, uint8_t *ret, size_t size)
{
    if (text_len % 2 != 0 || text_len / 2 != size)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < text_len; i++)
        if (hex_digit(text[i]) < 0)
            return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < size; i++)
        ret[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return SG_OK;
}

static char *encode_64(const uint8_t *in, size_t len, const char *letters, char *ret)
{
    uint32_t group = 0;
    unsigned bits = 0;

    for (size_t i = 0; i < len; i++) {
        group = group << 8 | in[i];
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            *ret++ = letters[group >> bits & 63];
        }
        group &= 63;
    }
    if (bits > 0)
        *ret++ = letters[group << (6 - bits) & 63];
    return ret;
}

void encode_base64(const void *data, size_t len, char *ret)
{
    char *at = encode_64(data, len, alphabet, ret);

    while ((at - ret) % 4 != 0)
        *at++ = '=';
    *at = '\0';
}

void encode_base64url(const void *data, size_t len, char *ret)
{
    *encode_64(data, len, alphabet_url, ret) = '\0';
}

static int digit_64(char c, const char *letters)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == letters[62])
        return 62;
    if (c == letters[63])
        return 63;
    return -1;
}

/* `len` counts digits only. The bits of the last digit that carry nothing must be zero. */
static enum sg_err decode_64(const char *text, size_t len, const char *letters, uint8_t *ret,
                             size_t cap, size_t *ret_len)
{
    size_t size = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
    uint32_t group = 0;
    unsigned bits = 0;

    if (len % 4 == 1)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < len; i++)
        if (digit_64(text[i], letters) < 0)
            return SG_ERR_BAD_FIELD;
    if (len % 4 != 0) {
        unsigned spare = len % 4 == 2 ? 15 : 3;

        if (((unsigned)digit_64(text[len - 1], letters) & spare) != 0)
            return SG_ERR_BAD_FIELD;
    }
    if (size > cap)
        return SG_ERR_TOO_LARGE;
    for (size_t i = 0, out = 0; i < len && out < size; i++) {
        group = (group << 6 | (uint32_t)digit_64(text[i], letters)) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ret[out++] = (uint8_t)(group >> bits);
        }
    }
    *ret_len = size;
    return SG_OK;
}

enum sg_err encode_unbase64(const char *text, size_t text_len, uint8_t *ret, size_t cap,
                            size_t *ret_len)
{
    size_t digits = text_len;

    if (text_len % 4 != 0)
        return SG_ERR_BAD_FIELD;
    if (digits > 0 && text[digits - 1] == '=')
        digits--;
    if (digits < text_len && text[digits - 1] == '=')
        digits--;
    return decode_64(text, digits, alphabet, ret, cap, ret_len);
}

enum sg_err encode_unbase64url(const char *text, size_t text_len, uint8_t *ret, size_t cap,
                               size_t *ret_len)
{
    return decode_64(text, text_len, alphabet_url, ret, cap, ret_len);
}
