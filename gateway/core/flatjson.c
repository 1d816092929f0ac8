/* SPDX-License-Identifier: Apache-2.0 */
/* Reads flat objects byte by byte; it never allocates, never recurses, never guesses. */
#include "core/flatjson.h"

#include <string.h>

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, char expected)
{
    if (c->at == c->end || *c->at != expected)
        return false;
    c->at++;
    return true;
}

static bool take_text(struct cursor *c, const char **ret, size_t *ret_len)
{
    const char *start;

    if (!take(c, '"'))
        return false;
    start = c->at;
    while (c->at < c->end && *c->at >= 0x20 && *c->at <= 0x7e && *c->at != '"' && *c->at != '\\')
        c->at++;
    *ret = start;
    *ret_len = (size_t)(c->at - start);
    return take(c, '"');
}

/* 0, or up to 18 digits without a leading zero: always fits. */
static bool take_number(struct cursor *c, int64_t *ret)
{
    const char *start = c->at;
    int64_t value = 0;

    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        if (c->at - start == 18)
            return false;
        value = value * 10 + (*c->at++ - '0');
    }
    *ret = value;
    return c->at > start && (*start != '0' || c->at == start + 1);
}

/* To the brace that closes the one it begins with; what is between is looked at later. */
static bool take_object(struct cursor *c, const char **ret, size_t *ret_len)
{
    const char *start = c->at, *text;
    size_t depth = 0, len;

    while (c->at < c->end) {
        char next = *c->at;

        if (next == '"') {
            if (!take_text(c, &text, &len))
                return false;
            continue;
        }
        c->at++;
        if (next == '{' && ++depth > SG_FLATJSON_DEPTH)
            return false;
        if (next == '}' && --depth == 0) {
            *ret = start;
            *ret_len = (size_t)(c->at - start);
            return true;
        }
    }
    return false;
}

static bool take_member(struct cursor *c, struct flatjson_member *ret)
{
    memset(ret, 0, sizeof *ret);
    if (!take_text(c, &ret->name, &ret->name_len) || !take(c, ':'))
        return false;
    if (c->at < c->end && *c->at == '"')
        return take_text(c, &ret->text, &ret->text_len);
    if (c->at < c->end && *c->at == '{') {
        ret->object = true;
        return take_object(c, &ret->text, &ret->text_len);
    }
    return take_number(c, &ret->number);
}

static bool is_named(const struct flatjson_member *m, const char *name, size_t len)
{
    return m->name_len == len && memcmp(m->name, name, len) == 0;
}

enum sg_err flatjson_parse(const char *text, size_t len, struct flatjson *ret)
{
    struct cursor c = {.at = text, .end = text + len};

    ret->count = 0;
    if (!take(&c, '{'))
        return SG_ERR_BAD_JSON;
    if (c.at < c.end && *c.at == '}')
        return c.at + 1 == c.end ? SG_OK : SG_ERR_BAD_JSON;
    do {
        struct flatjson_member *m = &ret->member[ret->count];

        if (ret->count == SG_FLATJSON_MEMBERS || !take_member(&c, m))
            return SG_ERR_BAD_JSON;
        for (size_t i = 0; i < ret->count; i++)
            if (is_named(&ret->member[i], m->name, m->name_len))
                return SG_ERR_BAD_JSON;
        ret->count++;
    } while (take(&c, ','));
    return take(&c, '}') && c.at == c.end ? SG_OK : SG_ERR_BAD_JSON;
}

const struct flatjson_member *flatjson_get(const struct flatjson *json, const char *name)
{
    for (size_t i = 0; i < json->count; i++)
        if (is_named(&json->member[i], name, strlen(name)))
            return &json->member[i];
    return NULL;
}

bool flatjson_text(const struct flatjson *json, const char *name, char *ret, size_t size)
{
    const struct flatjson_member *m = flatjson_get(json, name);

    if (m == NULL || m->text == NULL || m->object || m->text_len >= size)
        return false;
    memcpy(ret, m->text, m->text_len);
    ret[m->text_len] = '\0';
    return true;
}

bool flatjson_object(const struct flatjson *json, const char *name, struct flatjson *ret)
{
    const struct flatjson_member *m = flatjson_get(json, name);

    return m != NULL && m->object && flatjson_parse(m->text, m->text_len, ret) == SG_OK;
}

bool flatjson_number(const struct flatjson *json, const char *name, int64_t *ret)
{
    const struct flatjson_member *m = flatjson_get(json, name);

    if (m == NULL || m->text != NULL)
        return false;
    *ret = m->number;
    return true;
}
