/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a flat object; whatever is unusual is left to others. */
#include "api/exchange_in.h"

#include <string.h>

#define DIGITS_MAX 15

struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* Printable ASCII without quotes and backslashes; what else is valid in base64 or names is not
 * plain. */
static bool take_string(struct scan *s, const char **ret, size_t *ret_len)
{
    const char *from, *to;

    if (!take(s, '"'))
        return false;
    from = s->at;
    to = memchr(from, '"', (size_t)(s->end - from));
    if (to == NULL)
        return false;
    for (const char *p = from; p < to; p++)
        if (*p < 0x20 || *p == '\\' || *p == 0x7f)
            return false;
    s->at = to + 1;
    *ret = from;
    *ret_len = (size_t)(to - from);
    return true;
}

static bool take_integer(struct scan *s, int64_t *ret)
{
    const char *from;
    int64_t value = 0;

    skip_space(s);
    for (from = s->at; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        if (s->at - from == DIGITS_MAX)
            return false;
        value = value * 10 + (*s->at - '0');
    }
    if (s->at == from || (*from == '0' && s->at - from > 1) ||
        (s->at < s->end && (*s->at == '.' || *s->at == 'e' || *s->at == 'E')))
        return false;
    *ret = value;
    return true;
}

static bool is(const char *name, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(name, text, len) == 0;
}

static bool take_member(struct scan *s, struct exchange_in *in)
{
    const char *name;
    size_t len;

    if (!take_string(s, &name, &len) || !take(s, ':'))
        return false;
    if (is(name, len, "sequence") && !in->has_sequence)
        return in->has_sequence = take_integer(s, &in->sequence);
    if (is(name, len, "epoch") && !in->has_epoch)
        return in->has_epoch = take_integer(s, &in->epoch);
    if (is(name, len, "nonce") && in->nonce == NULL)
        return take_string(s, &in->nonce, &in->nonce_len);
    if (is(name, len, "data") && in->data == NULL)
        return take_string(s, &in->data, &in->data_len);
    return false;
}

bool exchange_in_plain(const char *text, size_t len, struct exchange_in *ret)
{
    struct scan s = {text, text + len};
    struct exchange_in in = {.has_sequence = false};

    if (!take(&s, '{'))
        return false;
    do
        if (!take_member(&s, &in))
            return false;
    while (take(&s, ','));
    if (!take(&s, '}'))
        return false;
    skip_space(&s);
    if (s.at != s.end)
        return false;
    *ret = in;
    return true;
}
