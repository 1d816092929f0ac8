/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets and queries; it never reads outside the text that is given. */
#include "http/uri.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/encode.h"

bool uri_utf8(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    const uint8_t *end = p + len;

    while (p < end) {
        uint32_t c = *p++;
        uint32_t least;
        unsigned more;

        if (c < 0x80)
            continue;
        if (c >= 0xC2 && c <= 0xDF) {
            more = 1;
            least = 0x80;
            c &= 0x1F;
        } else if (c >= 0xE0 && c <= 0xEF) {
            more = 2;
            least = 0x800;
            c &= 0x0F;
        } else if (c >= 0xF0 && c <= 0xF4) {
            more = 3;
            least = 0x10000;
            c &= 0x07;
        } else {
            return false;
        }
        if ((size_t)(end - p) < more)
            return false;
        for (; more > 0; more--, p++) {
            if ((*p & 0xC0) != 0x80)
                return false;
            c = (c << 6) | (*p & 0x3Fu);
        }
        if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
            return false;
    }
    return true;
}

static bool target_clean(const char *target)
{
    for (const uint8_t *p = (const uint8_t *)target; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7F || *p == '#')
            return false;
    return true;
}

enum sg_err uri_split(char *target, const char **ret_path, const char **ret_query)
{
    char *path = target;
    char *query;

    if (!target_clean(target))
        return SG_ERR_BAD_REQUEST;
    if (strncasecmp(target, "https://", 8) == 0 || strncasecmp(target, "http://", 7) == 0) {
        path = strchr(target, ':') + 3;
        if (*path == '/' || *path == '?' || *path == '\0')
            return SG_ERR_BAD_REQUEST;
        path += strcspn(path, "/?");
    } else if (*path != '/' && strcmp(path, "*") != 0) {
        return SG_ERR_BAD_REQUEST;
    }
    query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    *ret_path = *path == '\0' ? "/" : path;
    *ret_query = query;
    return SG_OK;
}

enum sg_err uri_decode(struct arena *a, const char *text, size_t len, bool plus, bool no_controls,
                       const char **ret)
{
    size_t out_len;
    char *out = arena_alloc(a, len + 1);

    if (out == NULL)
        return SG_ERR_NO_MEMORY;
    if (encode_unpercent(text, len, plus, out, &out_len) != SG_OK)
        return SG_ERR_BAD_FIELD;
    if (memchr(out, '\0', out_len) != NULL || !uri_utf8(out, out_len))
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; no_controls && i < out_len; i++)
        if ((uint8_t)out[i] < 0x20 || out[i] == 0x7F)
            return SG_ERR_BAD_FIELD;
    *ret = out;
    return SG_OK;
}

/* One parameter of a query. */
struct pair {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

/* Steps to the next non-empty parameter; false at the end. */
static bool next_pair(const char **query, struct pair *ret)
{
    const char *p = *query;
    const char *eq;
    size_t len;

    while (*p == '&')
        p++;
    if (*p == '\0')
        return false;
    len = strcspn(p, "&");
    eq = memchr(p, '=', len);
    ret->name = p;
    ret->name_len = eq != NULL ? (size_t)(eq - p) : len;
    ret->value = eq != NULL ? eq + 1 : p + len;
    ret->value_len = (size_t)(p + len - ret->value);
    *query = p + len;
    return true;
}

/* The decoded name; names that need no decoding are compared by the caller without a copy. */
static enum sg_err pair_name(struct arena *a, const struct pair *p, const char **ret)
{
    return uri_decode(a, p->name, p->name_len, true, false, ret);
}

static bool plain(const struct pair *p)
{
    return memchr(p->name, '%', p->name_len) == NULL && memchr(p->name, '+', p->name_len) == NULL;
}

static enum sg_err pair_is(struct arena *a, const struct pair *p, const char *name, bool *ret)
{
    const char *decoded;
    enum sg_err err;

    if (plain(p)) {
        *ret = strlen(name) == p->name_len && memcmp(name, p->name, p->name_len) == 0;
        return SG_OK;
    }
    err = pair_name(a, p, &decoded);
    if (err == SG_OK)
        *ret = strcmp(decoded, name) == 0;
    return err;
}

enum sg_err uri_query_find(struct arena *a, const char *query, const char *name, const char **ret)
{
    const char *found = NULL;
    struct pair p;

    while (query != NULL && next_pair(&query, &p)) {
        bool same = false;
        enum sg_err err = pair_is(a, &p, name, &same);

        if (err == SG_OK && same && found != NULL)
            err = SG_ERR_BAD_FIELD;
        if (err == SG_OK && same)
            err = uri_decode(a, p.value, p.value_len, true, false, &found);
        if (err != SG_OK)
            return err;
    }
    *ret = found;
    return SG_OK;
}

enum sg_err uri_query_unknown(struct arena *a, const char *query, const char *const *known,
                              const char **ret)
{
    struct pair p;

    while (query != NULL && next_pair(&query, &p)) {
        bool same = false;
        enum sg_err err = SG_OK;

        for (size_t i = 0; err == SG_OK && !same && known[i] != NULL; i++)
            err = pair_is(a, &p, known[i], &same);
        if (err == SG_OK && !same)
            return pair_name(a, &p, ret);
        if (err != SG_OK)
            return err;
    }
    *ret = NULL;
    return SG_OK;
}
