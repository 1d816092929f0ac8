/* SPDX-License-Identifier: Apache-2.0 */
/* Steps through accepted JSON; it never allocates and never looks at what the grammar promises. */
#include "api/json_text.h"

#include <string.h>

#include "api/utf8.h"

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int32_t json_text_hex4(const uint8_t *p)
{
    int32_t value = 0;

    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static uint8_t simple_escape(uint8_t c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

struct json_bytes json_text_bytes(struct json_span s)
{
    return (struct json_bytes){.p = s.p, .end = s.end};
}

int json_text_byte(struct json_bytes *b)
{
    uint32_t unit, low;

    if (b->next < b->have)
        return b->bytes[b->next++];
    if (b->p == b->end)
        return -1;
    if (*b->p != '\\')
        return *b->p++;
    if (b->p[1] != 'u') {
        b->p += 2;
        return simple_escape(b->p[-1]);
    }
    unit = (uint32_t)json_text_hex4(b->p + 2);
    b->p += 6;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        low = (uint32_t)json_text_hex4(b->p + 2);
        b->p += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    b->have = utf8_encode(unit, b->bytes);
    b->next = 1;
    return b->bytes[0];
}

static bool is_plain(struct json_span s)
{
    return s.p == s.end || memchr(s.p, '\\', (size_t)(s.end - s.p)) == NULL;
}

static bool starts_character(int byte)
{
    return (byte & 0xc0) != 0x80;
}

size_t json_text_length(struct json_span s, size_t *ret_characters)
{
    struct json_bytes b = json_text_bytes(s);
    size_t bytes = 0, characters = 0;

    for (int c = json_text_byte(&b); c >= 0; c = json_text_byte(&b)) {
        bytes++;
        characters += starts_character(c);
    }
    *ret_characters = characters;
    return bytes;
}

void json_text_copy(struct json_span s, char *ret)
{
    struct json_bytes b = json_text_bytes(s);
    size_t len = 0;

    if (is_plain(s)) {
        len = (size_t)(s.end - s.p);
        memcpy(ret, s.p, len);
    } else {
        for (int c = json_text_byte(&b); c >= 0; c = json_text_byte(&b))
            ret[len++] = (char)c;
    }
    ret[len] = 0;
}

bool json_text_is(struct json_span s, const char *text, size_t len)
{
    struct json_bytes b = json_text_bytes(s);

    if ((size_t)(s.end - s.p) == len && memcmp(s.p, text, len) == 0)
        return is_plain(s);
    if (is_plain(s))
        return false;
    for (size_t i = 0; i < len; i++)
        if (json_text_byte(&b) != (uint8_t)text[i])
            return false;
    return json_text_byte(&b) < 0;
}

const uint8_t *json_text_skip_space(const uint8_t *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    return p;
}

const uint8_t *json_text_string(const uint8_t *p, struct json_span *ret)
{
    ret->p = ++p;
    while (*p != '"')
        p += *p == '\\' ? 2 : 1;
    ret->end = p;
    return p + 1;
}

/* Behind a number or word. */
static const uint8_t *skip_word(const uint8_t *p)
{
    while (*p != 0 && strchr(",]} \t\r\n", *p) == NULL)
        p++;
    return p;
}

const uint8_t *json_text_skip(const uint8_t *p)
{
    struct json_span ignored;
    size_t depth = 0;

    do {
        if (*p == '"') {
            p = json_text_string(p, &ignored);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (depth > 0 && strchr(",: \t\r\n", *p) != NULL) {
            p++;
        } else {
            p = skip_word(p);
        }
    } while (depth > 0);
    return p;
}

const uint8_t *json_text_open(const uint8_t *p, bool *ret_more)
{
    p = json_text_skip_space(p + 1);
    *ret_more = *p != '}' && *p != ']';
    return *ret_more ? p : p + 1;
}

const uint8_t *json_text_next(const uint8_t *p, bool *ret_more)
{
    p = json_text_skip_space(p);
    *ret_more = *p == ',';
    return *ret_more ? json_text_skip_space(p + 1) : p + 1;
}

const uint8_t *json_text_colon(const uint8_t *p)
{
    p = json_text_skip_space(p);
    return json_text_skip_space(p + 1);
}
