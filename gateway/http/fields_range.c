/* SPDX-License-Identifier: Apache-2.0 */
/* Byte ranges (RFC 9110 section 14); malformed ones are ignored, never guessed at. */
#include "http/fields.h"

#include <string.h>
#include <strings.h>

static const char *skip_ows(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* A number that saturates: what lies beyond 2^64 lies beyond every content. False without a digit.
 */
static bool parse_number(const char **text, uint64_t *ret)
{
    const char *p = *text;
    uint64_t n = 0;

    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            n = UINT64_MAX / 10; /* stays large whatever follows */
    if (p == *text)
        return false;
    *text = p;
    *ret = n;
    return true;
}

/* Reads one range-spec. False when malformed; *ret_usable false when it lies outside the content.
 */
static bool parse_spec(const char **text, uint64_t size, struct fields_range *ret, bool *ret_usable)
{
    const char *p = *text;
    uint64_t first;
    uint64_t last = UINT64_MAX;

    if (*p == '-') { /* suffix-range */
        p++;
        if (!parse_number(&p, &last))
            return false;
        if (last > 0 && size == 0)
            return false; /* holds, but no Content-Range can say so */
        *ret_usable = last > 0;
        ret->first = last < size ? size - last : 0;
        ret->last = size - 1;
    } else {
        if (!parse_number(&p, &first) || *p++ != '-')
            return false;
        if (*p >= '0' && *p <= '9' && (!parse_number(&p, &last) || last < first))
            return false;
        *ret_usable = first < size;
        ret->first = first;
        ret->last = last < size ? last : size - 1;
    }
    *text = p;
    return true;
}

/* Adds a range, joined with those that it overlaps or touches. False when there is no room. */
static bool add_range(struct fields_range *ranges, size_t *count, struct fields_range r)
{
    size_t at = *count;

    for (size_t i = 0; i < *count;) {
        struct fields_range *o = &ranges[i];
        bool apart = r.first > o->last + 1 || o->first > r.last + 1;

        if (apart) {
            i++;
            continue;
        }
        r.first = r.first < o->first ? r.first : o->first;
        r.last = r.last > o->last ? r.last : o->last;
        at = at == *count || i < at ? i : at;
        memmove(o, o + 1, (*count - i - 1) * sizeof *o);
        (*count)--;
        i = 0; /* the joined one may touch an earlier one now */
    }
    if (*count >= SG_RANGES_MAX)
        return false;
    at = at < *count ? at : *count;
    memmove(&ranges[at + 1], &ranges[at], (*count - at) * sizeof *ranges);
    ranges[at] = r;
    (*count)++;
    return true;
}

enum fields_ranges fields_range(const char *value, uint64_t size,
                                struct fields_range ret[SG_RANGES_MAX], size_t *ret_count)
{
    struct fields_range ranges[SG_RANGES_MAX];
    const char *p = value;
    size_t count = 0;
    size_t specs = 0;

    if (value == NULL || strncasecmp(value, "bytes=", 6) != 0)
        return SG_RANGES_IGNORE;
    p = skip_ows(p + 6);
    while (*p != '\0') {
        struct fields_range r;
        bool usable;

        if (*p == ',') {
            p = skip_ows(p + 1);
            continue;
        }
        /* Many ranges are an attack or an error, joined or not. */
        if (!parse_spec(&p, size, &r, &usable) || ++specs > 4 * SG_RANGES_MAX)
            return SG_RANGES_IGNORE;
        p = skip_ows(p);
        if (*p != '\0' && *p != ',')
            return SG_RANGES_IGNORE;
        if (usable && !add_range(ranges, &count, r))
            return SG_RANGES_IGNORE;
    }
    if (specs == 0)
        return SG_RANGES_IGNORE;
    if (count == 0)
        return SG_RANGES_UNSATISFIABLE;
    memcpy(ret, ranges, count * sizeof *ranges);
    *ret_count = count;
    return SG_RANGES_OK;
}
