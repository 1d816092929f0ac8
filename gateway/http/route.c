/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the row of the route table for a request; it never decodes the path. */
#include "http/route.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define RANK_SEGMENTS 15 /* deeper segments no longer decide between rows */
#define BUCKETS       64 /* a power of two */

struct route_index {
    const struct route *table;
    size_t start[BUCKETS + 1]; /* bucket i lists the rows of entries start[i] to start[i + 1] */
    struct {
        uint16_t row;
        uint16_t stem; /* bytes of its pattern before the first capture */
    } entry[];         /* in each bucket what wins stands before what loses */
};

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

/* "{name...}" */
static bool is_rest(const char *open)
{
    const char *close = strchr(open, '}');

    assert(close != NULL);
    return close - open > 4 && memcmp(close - 3, "...", 3) == 0;
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

/* What decides between patterns that fit one path: the first segment that is not of one kind. */
static uint32_t rank_of(const char *pattern)
{
    uint32_t rank = 0;

    for (int shift = 2 * RANK_SEGMENTS; *pattern != '\0' && shift >= 0; shift -= 2) {
        size_t len = strcspn(pattern + 1, "/") + 1;
        const char *open = memchr(pattern, '{', len);
        enum rank kind = RANK_LITERAL;

        if (open != NULL)
            kind = is_rest(open) ? RANK_REST : RANK_CAPTURE;
        rank |= (uint32_t)kind << shift;
        pattern += len;
    }
    return rank;
}

/* Whether the path fits the pattern, both from the first capture on. */
static bool match(const char *pattern, const char *path, struct route_match *m)
{
    m->captures = 0;
    while (*pattern != '\0') {
        const char *close, *end;

        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        close = strchr(pattern, '}');
        if (is_rest(pattern))
            return match_rest(pattern, close, path, m);
        end = strchrnul(path, '/');
        if (end == path)
            return false;
        capture(m, pattern + 1, (size_t)(close - pattern) - 1, path, (size_t)(end - path));
        pattern = close + 1;
        path = end;
    }
    return *path == '\0';
}

/* Length of the first two segments with their slashes, which tell most operations apart. */
static size_t beginning(const char *path)
{
    size_t len = 0;

    for (unsigned slashes = 0; path[len] != '\0'; len++)
        if (path[len] == '/' && ++slashes == 3)
            break;
    return len;
}

/* FNV-1a. Who fills a bucket on purpose gains nothing: the rows are fixed. */
static size_t bucket_of(const char *path)
{
    size_t len = beginning(path);
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)path[i]) * 16777619U;
    return (hash ^ hash >> 16) % BUCKETS;
}

/* Whether a row may fit paths of this bucket: of any, if a capture stands in its beginning. */
static bool belongs(const char *pattern, size_t bucket)
{
    return memchr(pattern, '{', beginning(pattern)) != NULL || bucket_of(pattern) == bucket;
}

/* Into the last bucket; of equals the first of the table stays the first. */
static void put_in_order(struct route_index *index, size_t start, size_t end, size_t row)
{
    const char *pattern = index->table[row].pattern;
    uint32_t rank = rank_of(pattern);

    for (; end > start && rank_of(index->table[index->entry[end - 1].row].pattern) < rank; end--)
        index->entry[end] = index->entry[end - 1];
    index->entry[end].row = (uint16_t)row;
    index->entry[end].stem = (uint16_t)strcspn(pattern, "{");
}

struct route_index *route_index_new(const struct route *table, size_t count)
{
    struct route_index *index;
    size_t entries = 0;

    for (size_t bucket = 0; bucket < BUCKETS; bucket++)
        for (size_t i = 0; i < count; i++)
            entries += belongs(table[i].pattern, bucket);
    index = malloc(sizeof *index + entries * sizeof index->entry[0]);
    if (index == NULL || count > UINT16_MAX) {
        free(index);
        return NULL;
    }
    index->table = table;
    entries = 0;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        index->start[bucket] = entries;
        for (size_t i = 0; i < count; i++)
            if (belongs(table[i].pattern, bucket))
                put_in_order(index, index->start[bucket], entries++, i);
    }
    index->start[BUCKETS] = entries;
    return index;
}

void route_index_free(struct route_index *index)
{
    free(index);
}

void route_find(const struct route_index *index, enum http_method method, const char *path,
                struct route_match *ret)
{
    enum http_method wanted = method == SG_METHOD_HEAD ? SG_METHOD_GET : method;
    size_t bucket = bucket_of(path), len = strlen(path);

    memset(ret, 0, sizeof *ret);
    for (size_t i = index->start[bucket]; i < index->start[bucket + 1]; i++) {
        const struct route *row = &index->table[index->entry[i].row];
        size_t stem = index->entry[i].stem;
        struct route_match m;

        if (stem > len || memcmp(row->pattern, path, stem) != 0 ||
            !match(row->pattern + stem, path + stem, &m))
            continue;
        ret->allow |= 1u << row->method;
        if (row->method == SG_METHOD_GET)
            ret->allow |= 1u << SG_METHOD_HEAD;
        if (row->method != wanted || ret->route != NULL)
            continue;
        ret->route = row;
        ret->captures = m.captures;
        memcpy(ret->capture, m.capture, sizeof m.capture);
    }
}
