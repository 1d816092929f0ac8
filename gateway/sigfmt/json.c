/* SPDX-License-Identifier: Apache-2.0 */
/* Finds values in JSON (RFC 8259) without building anything: enough for JWKs and DSSE envelopes.
 * Depth and size are bounded, a member that is there twice is refused, nothing recurses. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define DEPTH_MAX 32

static void skip_blank(struct sigfmt_span *s)
{
    while (s->len > 0 && strchr(" \t\r\n", *s->at) != NULL && *s->at != '\0') {
        s->at++;
        s->len--;
    }
}

/* Bytes of the string at the front, quotes included; 0: none. */
static size_t string_size(const struct sigfmt_span *s)
{
    if (s->len == 0 || *s->at != '"')
        return 0;
    for (size_t i = 1; i < s->len; i++) {
        if (s->at[i] == '"')
            return i + 1;
        if ((unsigned char)s->at[i] < 0x20)
            return 0;
        if (s->at[i] == '\\')
            i++;
    }
    return 0;
}

static bool is_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static void advance(struct sigfmt_span *s, size_t n)
{
    s->at += n;
    s->len -= n;
}

/* Takes one value off the front: brackets must match, strings must end. */
static bool take_value(struct sigfmt_span *s, struct sigfmt_span *ret)
{
    char closing[DEPTH_MAX];
    size_t depth = 0;
    const char *start;

    skip_blank(s);
    start = s->at;
    do {
        size_t n = 0;

        skip_blank(s);
        if (s->len == 0)
            return false;
        if (*s->at == '{' || *s->at == '[') {
            if (depth == DEPTH_MAX)
                return false;
            closing[depth++] = *s->at == '{' ? '}' : ']';
            n = 1;
        } else if (*s->at == '}' || *s->at == ']') {
            if (depth == 0 || closing[--depth] != *s->at)
                return false;
            n = 1;
        } else if (*s->at == ',' || *s->at == ':') {
            n = depth > 0 ? 1 : 0;
        } else if (*s->at == '"') {
            n = string_size(s);
        } else {
            while (n < s->len && is_scalar(s->at[n]))
                n++;
        }
        if (n == 0)
            return false;
        advance(s, n);
    } while (depth > 0);
    *ret = (struct sigfmt_span){.at = start, .len = (size_t)(s->at - start)};
    return true;
}

bool sigfmt_json_document(const char *text, size_t len, struct sigfmt_span *ret)
{
    struct sigfmt_span rest = {.at = text, .len = len};

    if (!take_value(&rest, ret))
        return false;
    skip_blank(&rest);
    return rest.len == 0;
}

bool sigfmt_json_element(struct sigfmt_span *rest, char opening, struct sigfmt_span *ret)
{
    skip_blank(rest);
    if (rest->len > 0 && (*rest->at == opening || *rest->at == ','))
        advance(rest, 1);
    else
        return false;
    skip_blank(rest);
    return take_value(rest, ret);
}

bool sigfmt_json_member(struct sigfmt_span object, const char *name, struct sigfmt_span *ret)
{
    struct sigfmt_span found = {0};
    struct sigfmt_span key;
    size_t len = strlen(name);

    if (object.len == 0 || *object.at != '{')
        return false;
    while (sigfmt_json_element(&object, '{', &key)) {
        struct sigfmt_span value;

        skip_blank(&object);
        if (*key.at != '"' || object.len == 0 || *object.at != ':')
            return false;
        advance(&object, 1);
        if (!take_value(&object, &value))
            return false;
        /* An escaped spelling of the name would be a second one that others see. */
        if (memchr(key.at, '\\', key.len) != NULL)
            return false;
        if (key.len != len + 2 || memcmp(key.at + 1, name, len) != 0)
            continue;
        if (found.at != NULL)
            return false;
        found = value;
    }
    skip_blank(&object);
    if (found.at == NULL || object.len != 1 || *object.at != '}')
        return false;
    *ret = found;
    return true;
}

/* Appends a code point as UTF-8. */
static void put_utf8(char **to, unsigned c)
{
    if (c < 0x80) {
        *(*to)++ = (char)c;
    } else if (c < 0x800) {
        *(*to)++ = (char)(0xc0 | c >> 6);
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *(*to)++ = (char)(0xe0 | c >> 12);
        *(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    } else {
        *(*to)++ = (char)(0xf0 | c >> 18);
        *(*to)++ = (char)(0x80 | (c >> 12 & 0x3f));
        *(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    }
}

static bool hex4(const char *at, const char *end, unsigned *ret)
{
    uint8_t two[2];

    if (end - at < 4 || encode_unhex(at, 4, two, 2) != SG_OK)
        return false;
    *ret = (unsigned)two[0] << 8 | two[1];
    return true;
}

/* One escape; *at is behind the backslash. An escape is never shorter than what it stands for. */
static bool unescape(const char **at, const char *end, char **to)
{
    static const char from[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    const char *plain = *at < end && **at != '\0' ? strchr(from, **at) : NULL;
    unsigned c;
    unsigned low;

    if (plain != NULL) {
        *(*to)++ = means[plain - from];
        (*at)++;
        return true;
    }
    if (*at >= end || **at != 'u' || !hex4(*at + 1, end, &c) || c == 0)
        return false;
    *at += 5;
    if (c >= 0xdc00 && c <= 0xdfff)
        return false;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u' || !hex4(*at + 2, end, &low) ||
            low < 0xdc00 || low > 0xdfff)
            return false;
        *at += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    put_utf8(to, c);
    return true;
}

char *sigfmt_json_string(struct sigfmt_span value)
{
    const char *at = value.at + 1;
    const char *end = value.at + value.len - 1;
    char *text;
    char *to;

    if (value.len < 2 || *value.at != '"' || memchr(value.at, '\0', value.len) != NULL)
        return NULL;
    text = malloc(value.len);
    if (text == NULL)
        return NULL;
    to = text;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        at++;
        if (!unescape(&at, end, &to)) {
            free(text);
            return NULL;
        }
    }
    *to = '\0';
    return text;
}
