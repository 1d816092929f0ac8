/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the row of the route table for a request; it never decodes the path. */
#include "http/route.h"

#include <string.h>

#define RANK_SEGMENTS 15 /* deeper segments no longer decide between rows */

/* What a segment of a pattern is; the larger number wins. */
enum rank { RANK_REST = 1, RANK_CAPTURE = 2, RANK_LITERAL = 3 };

const char *http_method_name(enum http_method m)
{
    static const char *const names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                        "PATCH", "DELETE", "OPTIONS", "OTHER"};

    return m <= SG_METHOD_OTHER ? names[m] : "OTHER";
}

static void capture(struct route_match *m, const char *name, size_t name_len, const char *value,
                    size_t value_len)
{
    if (m->captures >= SG_CAPTURES_MAX)
        return;
    m->capture[m->captures].name = name;
    m->capture[m->captures].name_len = name_len;
    m->capture[m->captures].value = value;
    m->capture[m->captures].value_len = value_len;
    m->captures++;
}

/* The rest capture that begins at `open` ("{name...}" and perhaps "/" after it) against all of
 * `path`. */
static bool match_rest(const char *open, const char *close, const char *path, struct route_match *m)
{
    size_t len = strlen(path);
    bool slash = close[1] == '/';

    if (slash) {
        if (len < 2 || path[len - 1] != '/')
            return false;
        len--;
    }
    if (len == 0)
        return false;
    capture(m, open + 1, (size_t)(close - open) - 4, path, len);
    return true;
}

/* Whether the path fits the pattern; *ret_rank orders the patterns that fit. */
static bool match(const char *pattern, const char *path, struct route_match *m, uint32_t *ret_rank)
{
    uint32_t rank = 0;
    unsigned shift = 2 * RANK_SEGMENTS;

    m->captures = 0;
    while (*pattern != '\0') {
        enum rank kind = RANK_LITERAL;

        if (*pattern == '{') {
            const char *close = strchr(pattern, '}');
            size_t len = strcspn(path, "/");

            if (close == NULL)
                return false;
            if (close - pattern > 4 && memcmp(close - 3, "...", 3) == 0) {
                rank |= (uint32_t)RANK_REST << shift;
                if (shift > 0 && close[1] == '/')
                    rank |= (uint32_t)RANK_LITERAL << (shift - 2);
                *ret_rank = rank;
                return match_rest(pattern, close, path, m);
            }
            if (len == 0)
                return false;
            capture(m, pattern + 1, (size_t)(close - pattern) - 1, path, len);
            pattern = close + 1;
            path += len;
            kind = RANK_CAPTURE;
        } else {
            if (*pattern == '/' && *path == '/') {
                pattern++;
                path++;
            }
            while (*pattern != '\0' && *pattern != '/' && *pattern != '{')
                if (*pattern++ != *path++)
                    return false;
            if (*pattern == '{')
                continue; /* the capture decides this segment's rank */
            if (*pattern == '/' && *path != '/')
                return false;
        }
        rank |= (uint32_t)kind << shift;
        shift = shift > 0 ? shift - 2 : 0;
        if (*pattern == '/' && *path != '/')
            return false;
    }
    *ret_rank = rank;
    return *path == '\0';
}

void route_find(const struct route *table, size_t count, enum http_method method, const char *path,
                struct route_match *ret)
{
    enum http_method wanted = method == SG_METHOD_HEAD ? SG_METHOD_GET : method;
    uint32_t best = 0;

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < count; i++) {
        struct route_match m;
        uint32_t rank;

        if (!match(table[i].pattern, path, &m, &rank))
            continue;
        ret->allow |= 1u << table[i].method;
        if (table[i].method == SG_METHOD_GET)
            ret->allow |= 1u << SG_METHOD_HEAD;
        if (table[i].method != wanted || rank <= best)
            continue;
        best = rank;
        ret->route = &table[i];
        ret->captures = m.captures;
        memcpy(ret->capture, m.capture, sizeof m.capture);
    }
}
