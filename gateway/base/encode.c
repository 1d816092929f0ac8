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
    uint32_t group;

    for (; len >= 3; in += 3, len -= 3) {
        group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *ret++ = letters[group >> 18];
        *ret++ = letters[group >> 12 & 63];
        *ret++ = letters[group >> 6 & 63];
        *ret++ = letters[group & 63];
    }
    if (len == 0)
        return ret;
    group = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);
    *ret++ = letters[group >> 18];
    *ret++ = letters[group >> 12 & 63];
    if (len == 2)
        *ret++ = letters[group >> 6 & 63];
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

/* A digit's value and one; 0: none. What is decoded may be megabytes, and random: a table does not
 * guess branches. */
#define LETTERS                                                                                    \
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,        \
    ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, \
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23,            \
    ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,            \
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,            \
    ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,            \
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51,            \
    ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58,            \
    ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62
static const uint8_t digits_std[256] = {LETTERS, ['+'] = 63, ['/'] = 64};
static const uint8_t digits_url[256] = {LETTERS, ['-'] = 63, ['_'] = 64};
#undef LETTERS

static uint32_t digit_64(char c, const uint8_t *digits)
{
    return (uint32_t)digits[(uint8_t)c] - 1;
}

static bool all_digits(const char *text, size_t len, const uint8_t *digits)
{
    bool all = true;

    for (size_t i = 0; i < len; i++)
        all &= digits[(uint8_t)text[i]] != 0;
    return all;
}

/* `len` counts digits only. The bits of the last digit that carry nothing must be zero. `ret` may
 * be `text`: what is written never passes what is read. */
static enum sg_err decode_64(const char *text, size_t len, const uint8_t *digits, uint8_t *ret,
                             size_t cap, size_t *ret_len)
{
    size_t size = len / 4 * 3 + (len % 4 == 0 ? 0 : len % 4 - 1);
    uint32_t group;

    if (len % 4 == 1 || !all_digits(text, len, digits))
        return SG_ERR_BAD_FIELD;
    if (len % 4 != 0) {
        uint32_t spare = len % 4 == 2 ? 15 : 3;

        if ((digit_64(text[len - 1], digits) & spare) != 0)
            return SG_ERR_BAD_FIELD;
    }
    if (size > cap)
        return SG_ERR_TOO_LARGE;
    for (; len >= 4; text += 4, len -= 4) {
        group = digit_64(text[0], digits) << 18 | digit_64(text[1], digits) << 12 |
                digit_64(text[2], digits) << 6 | digit_64(text[3], digits);
        *ret++ = (uint8_t)(group >> 16);
        *ret++ = (uint8_t)(group >> 8);
        *ret++ = (uint8_t)group;
    }
    if (len > 0) {
        group = digit_64(text[0], digits) << 18 | digit_64(text[1], digits) << 12 |
                (len == 3 ? digit_64(text[2], digits) << 6 : 0);
        *ret++ = (uint8_t)(group >> 16);
        if (len == 3)
            *ret++ = (uint8_t)(group >> 8);
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
    return decode_64(text, digits, digits_std, ret, cap, ret_len);
}

enum sg_err encode_unbase64url(const char *text, size_t text_len, uint8_t *ret, size_t cap,
                               size_t *ret_len)
{
    return decode_64(text, text_len, digits_url, ret, cap, ret_len);
}

void encode_be64(uint64_t value, uint8_t ret[8])
{
    for (unsigned i = 0; i < 8; i++)
        ret[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint64_t encode_unbe64(const uint8_t data[8])
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | data[i];
    return value;
}
