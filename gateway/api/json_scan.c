/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner for strict JSON with an explicit stack; it never builds values and never allocates. */
#include "api/json_scan.h"

#include <stdbool.h>
#include <string.h>

#include "api/utf8.h"

struct span {
    const uint8_t *p, *end;
};

struct scan {
    const uint8_t *text, *p, *end;
    const char *reason;
    size_t depth;
    uint8_t close[SG_JSON_DEPTH]; /* '}' or ']' of each open container */
    size_t first[SG_JSON_DEPTH];  /* index of its first name below */
    struct span name[SG_JSON_MEMBERS];
    size_t names;
    size_t values; /* begun so far */
};

static bool fail(struct scan *s, const char *reason)
{
    if (s->reason == NULL)
        s->reason = reason;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

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

/* Four hex digits at `p`, which has them; -1 when they are none. */
static int32_t hex4(const uint8_t *p)
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

/* The code unit of an escape "\uXXXX" at `p`, -1 when there is none. */
static int32_t unicode_escape(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : -1;
}

/* An escape; s->p is at the backslash. */
static bool scan_escape(struct scan *s)
{
    int32_t unit, low;

    if (s->end - s->p < 2)
        return fail(s, "a string has no end");
    if (s->p[1] != 'u') {
        if (s->p[1] == 0 || strchr("\"\\/bfnrt", s->p[1]) == NULL)
            return fail(s, "a string has an unknown escape");
        s->p += 2;
        return true;
    }
    unit = unicode_escape(s->p, s->end);
    if (unit < 0)
        return fail(s, "a string has an unknown escape");
    if (unit == 0)
        return fail(s, "a string has a NUL character");
    s->p += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    low = unicode_escape(s->p, s->end);
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return fail(s, "a string has half of a surrogate pair");
    s->p += 6;
    return true;
}

/* A string; s->p is at the opening quote. The span is what stands between the quotes. */
static bool scan_string(struct scan *s, struct span *ret)
{
    ret->p = ++s->p;
    for (;;) {
        size_t n;

        if (s->p == s->end)
            return fail(s, "a string has no end");
        if (*s->p == '"')
            break;
        if (*s->p < 0x20)
            return fail(s, "a string has a control character that is not escaped");
        if (*s->p == '\\') {
            if (!scan_escape(s))
                return false;
            continue;
        }
        if (*s->p < 0x80) {
            s->p++;
            continue;
        }
        n = utf8_next(s->p, (size_t)(s->end - s->p));
        if (n == 0)
            return fail(s, "it is not valid UTF-8");
        s->p += n;
    }
    ret->end = s->p++;
    return true;
}

static bool digit_at(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool scan_digits(struct scan *s)
{
    if (!digit_at(s))
        return fail(s, "a number is malformed");
    while (digit_at(s))
        s->p++;
    return true;
}

/* Whether the integer's digits fit int64_t. */
static bool integer_fits(const uint8_t *p, const uint8_t *end, bool negative)
{
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    uint64_t value = 0;

    for (; p < end; p++)
        if (__builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value) || value > limit)
            return false;
    return true;
}

static bool scan_number(struct scan *s)
{
    bool negative = *s->p == '-', integer = true;
    const uint8_t *digits;

    if (negative)
        s->p++;
    digits = s->p;
    if (!scan_digits(s))
        return false;
    if (*digits == '0' && s->p - digits > 1)
        return fail(s, "a number begins with 0");
    if (s->p < s->end && (*s->p == '.' || *s->p == 'e' || *s->p == 'E'))
        integer = false;
    if (integer && !integer_fits(digits, s->p, negative))
        return fail(s, "an integer does not fit 64 bits");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
        return fail(s, "a value is malformed");
    s->p += len;
    return true;
}

/* A name's characters as UTF-8 bytes, with its escapes resolved. */
struct name_reader {
    const uint8_t *p, *end;
    uint8_t bytes[4];
    size_t have, next;
};

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

/* The next byte, -1 at the end. The name was scanned before, so every escape is whole. */
static int name_byte(struct name_reader *n)
{
    uint32_t unit, low;

    if (n->next < n->have)
        return n->bytes[n->next++];
    if (n->p == n->end)
        return -1;
    if (*n->p != '\\')
        return *n->p++;
    if (n->p[1] != 'u') {
        n->p += 2;
        return simple_escape(n->p[-1]);
    }
    unit = (uint32_t)hex4(n->p + 2);
    n->p += 6;
    if (unit >= 0xd800 && unit <= 0xdbff) {
        low = (uint32_t)hex4(n->p + 2);
        n->p += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    }
    n->have = utf8_encode(unit, n->bytes);
    n->next = 1;
    return n->bytes[0];
}

static bool names_equal(struct span a, struct span b)
{
    struct name_reader x = {.p = a.p, .end = a.end}, y = {.p = b.p, .end = b.end};
    int c;

    do {
        c = name_byte(&x);
        if (c != name_byte(&y))
            return false;
    } while (c != -1);
    return true;
}

/* A member's name and colon; s->p is at the name. */
static bool scan_name(struct scan *s)
{
    struct span name;

    if (s->p == s->end || *s->p != '"')
        return fail(s, "the name of a member is missing");
    if (!scan_string(s, &name))
        return false;
    for (size_t i = s->first[s->depth - 1]; i < s->names; i++)
        if (names_equal(s->name[i], name))
            return fail(s, "a member is given twice");
    if (s->names == SG_JSON_MEMBERS)
        return fail(s, "it has too many members");
    s->name[s->names++] = name;
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return fail(s, "a colon is missing");
    s->p++;
    skip_space(s);
    return true;
}

static bool open_container(struct scan *s)
{
    if (s->depth == SG_JSON_DEPTH)
        return fail(s, "it is nested too deeply");
    s->close[s->depth] = *s->p == '{' ? '}' : ']';
    s->first[s->depth] = s->names;
    s->depth++;
    s->p++;
    return true;
}

static void close_container(struct scan *s)
{
    s->p++;
    s->depth--;
    s->names = s->first[s->depth];
}

/* A value that is no container. */
static bool scan_scalar(struct scan *s)
{
    struct span ignored;

    switch (*s->p) {
    case '"':
        return scan_string(s, &ignored);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (*s->p == '-' || digit_at(s))
            return scan_number(s);
        return fail(s, "a value is malformed");
    }
}

/* After a value: closes what ends here and moves to the next value; *ret_done at the end of the
 * outermost one. */
static bool after_value(struct scan *s, bool *ret_done)
{
    for (;;) {
        skip_space(s);
        if (s->depth == 0) {
            *ret_done = true;
            return true;
        }
        if (s->p == s->end)
            return fail(s, "it ends early");
        if (*s->p == ',')
            break;
        if (*s->p != s->close[s->depth - 1])
            return fail(s, "a comma is missing");
        close_container(s);
    }
    s->p++;
    skip_space(s);
    return s->close[s->depth - 1] == ']' || scan_name(s);
}

/* One step: a scalar, or the beginning of a container up to its first value. */
static bool step(struct scan *s, bool *ret_done)
{
    if (s->p == s->end)
        return fail(s, "it ends early");
    if (s->values++ == SG_JSON_VALUES)
        return fail(s, "it has too many values");
    if (*s->p != '{' && *s->p != '[')
        return scan_scalar(s) && after_value(s, ret_done);
    if (!open_container(s))
        return false;
    skip_space(s);
    if (s->p < s->end && *s->p == s->close[s->depth - 1]) {
        close_container(s);
        return after_value(s, ret_done);
    }
    return s->close[s->depth - 1] == ']' || scan_name(s);
}

enum sg_err json_scan(const uint8_t *text, size_t len, const char **ret_reason, size_t *ret_offset)
{
    struct scan s;
    bool done = false, ok = true;

    s.text = s.p = text;
    s.end = text + len;
    s.reason = NULL;
    s.depth = s.names = s.values = 0;
    skip_space(&s);
    while (ok && !done)
        ok = step(&s, &done);
    if (ok && s.p != s.end)
        ok = fail(&s, "something follows its end");
    if (ok)
        return SG_OK;
    *ret_reason = s.reason;
    *ret_offset = (size_t)(s.p - text);
    return SG_ERR_BAD_JSON;
}
