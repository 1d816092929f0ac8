/* SPDX-License-Identifier: Apache-2.0 */
/* Values of HTTP headers; it never allocates and never changes its input. */
#include "http/fields.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/encode.h"

static bool is_tchar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *skip_ows(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

bool fields_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_tchar(text[i]))
            return false;
    return len > 0;
}

bool fields_number(const char *text, int64_t *ret)
{
    int64_t n = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, *text - '0', &n))
            return false;
    }
    *ret = n;
    return true;
}

bool fields_list_has(const char *list, const char *token)
{
    size_t len = strlen(token);

    while (list != NULL && *list != '\0') {
        list += strspn(list, " \t,");
        if (strncasecmp(list, token, len) == 0 &&
            strspn(list + len, " \t") == strcspn(list + len, ","))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

bool fields_request_id(const char *value)
{
    size_t len = 0;

    for (; value[len] != '\0'; len++) {
        char c = value[len];

        if (len >= 64 || !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return len > 0;
}

/* -- entity tags ---------------------------------------------------------------------------------
 */

enum fields_etags fields_etags(const char *list, const char *etag, bool strong)
{
    const char *p = skip_ows(list);
    size_t etag_len = etag != NULL ? strlen(etag) : 0;
    bool found = false;
    bool any = false; /* a member was there */

    if (*p == '*')
        return *skip_ows(p + 1) == '\0' ? SG_ETAGS_ANY : SG_ETAGS_MALFORMED;
    while (*p != '\0') {
        bool weak = false;
        const char *start;

        if (*p == ',') {
            p = skip_ows(p + 1);
            continue;
        }
        if (strncmp(p, "W/", 2) == 0) {
            weak = true;
            p += 2;
        }
        start = p;
        if (*p++ != '"')
            return SG_ETAGS_MALFORMED;
        while (*p != '\0' && *p != '"' && (unsigned char)*p > 0x20 && *p != 0x7F)
            p++;
        if (*p++ != '"')
            return SG_ETAGS_MALFORMED;
        if (etag != NULL && (size_t)(p - start) == etag_len && !(strong && weak) &&
            memcmp(start, etag, etag_len) == 0)
            found = true;
        any = true;
        p = skip_ows(p);
        if (*p != '\0' && *p != ',')
            return SG_ETAGS_MALFORMED;
    }
    if (!any)
        return SG_ETAGS_MALFORMED;
    return found ? SG_ETAGS_MATCH : SG_ETAGS_NO_MATCH;
}

/* -- Accept
 * ---------------------------------------------------------------------------------------- */

/* Parameters of one member of an Accept list (from the first `;`): its weight in thousandths; -1
 * when malformed. */
static int member_weight(const char *p, const char *end)
{
    int weight = 1000;

    while (p < end) {
        p = skip_ows(p + 1);
        if (end - p >= 3 && (p[0] == 'q' || p[0] == 'Q') && p[1] == '=') {
            int scale = 100;

            p += 2;
            if (*p != '0' && *p != '1')
                return -1;
            weight = (*p++ - '0') * 1000;
            if (p < end && *p == '.')
                for (p++; p < end && isdigit((unsigned char)*p) && scale > 0; p++, scale /= 10)
                    weight += (*p - '0') * scale;
            if (weight > 1000)
                return -1;
        }
        while (p < end && *p != ';')
            p++;
    }
    return weight;
}

/* How exactly a media range names the type: 0 not at all, 1 by the wildcard for everything, 2 by
 * that for the main type, 3 by name. */
static int range_names(const char *range, size_t len, const char *type)
{
    size_t main_len = strcspn(type, "/") + 1;

    if (len == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    if (len == main_len + 1 && range[main_len] == '*' && strncasecmp(range, type, main_len) == 0)
        return 2;
    return len == strlen(type) && strncasecmp(range, type, len) == 0 ? 3 : 0;
}

unsigned fields_accepts(const char *accept, const char *type)
{
    int best_rank = 0;
    int best = 0;

    if (accept == NULL || *skip_ows(accept) == '\0')
        return 1000;
    while (*accept != '\0') {
        const char *start = skip_ows(accept);
        const char *end = start + strcspn(start, ",");
        size_t len = strcspn(start, ",; \t");
        int rank = range_names(start, len, type);

        if (rank > 0) {
            const char *params = start + strcspn(start, ",;");
            int weight = member_weight(params, end);

            if (weight >= 0 && (rank > best_rank || (rank == best_rank && weight > best))) {
                best_rank = rank;
                best = weight;
            }
        }
        accept = *end == ',' ? end + 1 : end;
    }
    return (unsigned)best;
}

void fields_media_type(const char *value, char *ret, size_t cap)
{
    const char *start = skip_ows(value);
    const char *slash = strchr(start, '/');
    size_t len = strcspn(start, "; \t");

    ret[0] = '\0';
    if (slash == NULL || len >= cap || (size_t)(slash - start) >= len ||
        !fields_token(start, (size_t)(slash - start)) ||
        !fields_token(slash + 1, len - (size_t)(slash - start) - 1))
        return;
    if (start[len] != '\0' && *skip_ows(start + len) != ';' && *skip_ows(start + len) != '\0')
        return;
    for (size_t i = 0; i < len; i++)
        ret[i] = (char)tolower((unsigned char)start[i]);
    ret[len] = '\0';
}

/* -- Content-Disposition
 * ------------------------------------------------------------------------------ */

void fields_disposition(struct buf *out, const char *type, const char *filename)
{
    bool extended = false;

    buf_puts(out, type);
    buf_puts(out, "; filename=\"");
    for (const char *p = filename; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        /* `%` is replaced too: some clients decode it in the plain form. */
        if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '%') {
            buf_putc(out, *p);
        } else {
            extended = true;
            if ((c & 0xC0) != 0x80) /* one character for a whole sequence */
                buf_putc(out, '_');
        }
    }
    buf_putc(out, '"');
    if (extended) {
        buf_puts(out, "; filename*=UTF-8''");
        encode_percent(out, filename, strlen(filename), 0);
    }
}
