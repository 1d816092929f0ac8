/* SPDX-License-Identifier: Apache-2.0 */
/* Reads request heads; it decides nothing about routes and never waits. */
#include "http/head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "http/fields.h"
#include "http/uri.h"

/* What the server itself looks at, found while the fields are collected. */
struct scan {
    struct request *r;
    const char *content_length;
    const char *transfer_encoding;
    const char *request_id;
    const char *content_type;
    unsigned content_lengths;
    unsigned transfer_encodings;
    unsigned hosts;
    const char *line_end; /* of the line before, in libmicrohttpd's memory */
    enum sg_err err;
};

void head_target(struct request *r, const char *target)
{
    char *copy = arena_strdup(r->arena, target != NULL ? target : "");

    r->path = "";
    r->target_len = copy != NULL ? strlen(copy) : 0;
    if (copy == NULL)
        r->target_err = SG_ERR_NO_MEMORY;
    else
        r->target_err = uri_split(copy, &r->path, &r->query);
}

/* libmicrohttpd joins a folded line to the field's *name*, elsewhere in memory: between name and
 * value stands then something else than the colon (now NUL) and white space. */
static bool folded(const char *name, size_t name_len, const char *value)
{
    const char *p = name + name_len + 1;

    if (value < p || value - p > 4096)
        return true;
    while (p < value && (*p == ' ' || *p == '\t'))
        p++;
    return p != value;
}

/* Everything but control characters; the horizontal tab is white space (RFC 9110, 5.5). Values are
 * long where tokens are sent, so sixteen bytes are looked at together. */
static bool value_clean(const char *value, size_t len)
{
    typedef uint8_t block __attribute__((vector_size(16)));
    static const block none;
    block bytes, bad = {0};
    size_t i = 0;

    for (; len - i >= sizeof bytes; i += sizeof bytes) {
        memcpy(&bytes, value + i, sizeof bytes);
        bad |= (block)(((bytes < ' ') & (bytes != '\t')) | (bytes == 0x7F));
    }
    if (memcmp(&bad, &none, sizeof bad) != 0)
        return false;
    for (; i < len; i++)
        if (((uint8_t)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7F)
            return false;
    return true;
}

/*
 * libmicrohttpd ends its strings at a NUL in the text, takes a field without a name for the end of
 * the head and a single LF for the end of a line: another reader would see another request. Nothing
 * but CR LF may lie between what it found.
 */
static bool adjoins(const char *end, const char *next)
{
    return (uintptr_t)next - (uintptr_t)end == 2;
}

static bool starts_well(const struct request *r, const char *method, const char *version)
{
    return (uintptr_t)version - (uintptr_t)method == strlen(method) + r->target_len + 2;
}

static bool ends_well(const struct request *r, const char *method, const char *line_end)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info == NULL || (uintptr_t)line_end - (uintptr_t)method + 4 == info->header_size;
}

static void note_field(struct scan *s, const struct header *h)
{
    const char *name = h->name;

    switch (h->name_len) {
    case 4:
        if (strcasecmp(name, "Host") == 0) {
            s->hosts++;
            s->r->host = h->value;
        }
        break;
    case 6:
        if (strcasecmp(name, "Origin") == 0)
            s->r->origin = h->value;
        else if (strcasecmp(name, "Expect") == 0)
            s->r->expect = h->value;
        break;
    case 12:
        if (strcasecmp(name, "X-Request-Id") == 0)
            s->request_id = h->value;
        else if (strcasecmp(name, "Content-Type") == 0)
            s->content_type = h->value;
        break;
    case 14:
        if (strcasecmp(name, "Content-Length") == 0) {
            s->content_lengths++;
            s->content_length = h->value;
        }
        break;
    case 17:
        if (strcasecmp(name, "Transfer-Encoding") == 0) {
            s->transfer_encodings++;
            s->transfer_encoding = h->value;
        }
        break;
    default:
        break;
    }
}

static enum MHD_Result collect(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
                               const char *value, size_t value_len)
{
    struct scan *s = cls;
    struct request *r = s->r;
    struct header *h = &r->loop->headers[r->header_count];

    (void)kind;
    if (r->header_count >= SG_HEADERS_MAX) {
        s->err = SG_ERR_HEADERS_TOO_LARGE;
        return MHD_NO;
    }
    if (value == NULL || !fields_token(key, key_len) || folded(key, key_len, value) ||
        !adjoins(s->line_end, key) || !value_clean(value, value_len)) {
        s->err = SG_ERR_BAD_REQUEST;
        return MHD_NO;
    }
    s->line_end = value + value_len;
    if (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t')) {
        char *copy;

        while (value_len > 0 && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
            value_len--;
        copy = arena_memdup(r->arena, value, value_len);
        if (copy == NULL) {
            s->err = SG_ERR_NO_MEMORY;
            return MHD_NO;
        }
        value = copy;
    }
    h->name = key;
    h->name_len = key_len;
    h->value = value;
    r->header_count++;
    note_field(s, h);
    return MHD_YES;
}

static enum http_method method_of(const char *text)
{
    for (int m = SG_METHOD_GET; m < SG_METHOD_OTHER; m++)
        if (strcmp(text, http_method_name((enum http_method)m)) == 0)
            return (enum http_method)m;
    return SG_METHOD_OTHER;
}

static void make_id(struct request *r, const char *sent)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t n;

    if (sent != NULL && fields_request_id(sent)) {
        memcpy(r->id, sent, strlen(sent) + 1);
        return;
    }
    n = r->loop->id_next++;
    memcpy(r->id, r->loop->id_prefix, 16);
    for (unsigned i = 0; i < 16; i++, n >>= 4)
        r->id[31 - i] = digits[n & 15];
    r->id[32] = '\0';
}

/* What frames the body must be beyond doubt, or two readers may see two different requests. */
static enum sg_err read_framing(struct request *r, const struct scan *s, bool http_1_0)
{
    if (s->content_lengths > 1 || s->transfer_encodings > 1 ||
        (s->content_lengths > 0 && s->transfer_encodings > 0))
        return SG_ERR_BAD_REQUEST;
    if (s->transfer_encodings > 0) {
        if (http_1_0 || strcasecmp(s->transfer_encoding, "chunked") != 0)
            return SG_ERR_BAD_REQUEST;
        r->chunked = true;
        r->content_length = -1;
    }
    if (s->content_lengths > 0 && !fields_number(s->content_length, &r->content_length))
        return SG_ERR_BAD_REQUEST;
    r->has_body = r->content_length != 0;
    return SG_OK;
}

static bool host_valid(const char *host)
{
    for (; *host != '\0'; host++)
        if ((unsigned char)*host <= ' ' || (unsigned char)*host >= 0x7F ||
            strchr("/?#@\\<>\"^`{|}", *host) != NULL)
            return false;
    return true;
}

/* Names and values take room beside the head itself; what is left must hold the head of the answer.
 */
static bool too_large(const struct request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL &&
           info->header_size + r->header_count * 64 > r->server->config.limits.header_bytes;
}

static bool keep_type(struct request *r, const char *value)
{
    char type[128];
    const char *copy;

    fields_media_type(value, type, sizeof type);
    copy = arena_strdup(r->arena, type);
    if (copy != NULL)
        r->content_type = copy;
    return copy != NULL;
}

enum sg_err head_read(struct request *r, const char *method, const char *version)
{
    struct scan s = {.r = r, .line_end = version + strlen(version)};
    bool http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    enum sg_err err;

    (void)MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, collect, &s);
    r->headers = arena_memdup(r->arena, r->loop->headers, r->header_count * sizeof *r->headers);
    if (r->headers == NULL) {
        r->header_count = 0;
        s.err = SG_ERR_NO_MEMORY;
    }
    make_id(r, s.request_id);
    r->method = method_of(method);
    r->close = true; /* until all is well */
    if (s.err != SG_OK)
        return s.err;
    if (!starts_well(r, method, version) || !ends_well(r, method, s.line_end))
        return SG_ERR_BAD_REQUEST;
    err = read_framing(r, &s, http_1_0);
    if (err != SG_OK)
        return request_fail(r, err, "the framing of the body is not valid");
    if (s.hosts > 1 || (s.hosts == 0 && !http_1_0) || (s.hosts == 1 && !host_valid(r->host)))
        return request_fail(r, SG_ERR_BAD_REQUEST, "one valid Host is needed");
    if (r->target_err != SG_OK)
        return request_fail(r, r->target_err, "the request target is not valid");
    if (too_large(r))
        return SG_ERR_HEADERS_TOO_LARGE;
    if (r->method == SG_METHOD_OTHER && !fields_token(method, strlen(method)))
        return SG_ERR_BAD_REQUEST;
    r->close = http_1_0;
    r->http_1_0 = http_1_0;
    if (s.content_type != NULL && !keep_type(r, s.content_type))
        return SG_ERR_NO_MEMORY;
    if (r->expect != NULL && strcasecmp(r->expect, "100-continue") != 0)
        return SG_ERR_EXPECTATION;
    return SG_OK;
}

/* -- enclosed requests --------------------------------------------------------------------------
 */

/* Fields that are about a connection or the framing of a message, which an enclosed request does
 * not have (RFC 9110, 7.6.1), or about who asks it. */
static bool outer_only(const char *name)
{
    static const char *const names[] = {"Connection", "Content-Length",    "Expect",      "Host",
                                        "Keep-Alive", "Proxy-Connection",  "TE",          "Trailer",
                                        "Upgrade",    "Transfer-Encoding", "X-Request-Id"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static enum sg_err take_fields(struct request *r, const struct enclosed_request *inner)
{
    /* One more: operations may read Host as of any request. */
    r->headers = arena_alloc(r->arena, (inner->header_count + 1) * sizeof *r->headers);
    if (r->headers == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < inner->header_count; i++) {
        const struct enclosed_header *h = &inner->header[i];
        size_t len = strlen(h->name);

        if (!fields_token(h->name, len) || !value_clean(h->value, strlen(h->value)))
            return request_fail(r, SG_ERR_BAD_REQUEST, "a header field is not valid");
        if (outer_only(h->name))
            return request_fail(r, SG_ERR_BAD_REQUEST, "%s: not in an enclosed request", h->name);
        r->headers[r->header_count++] =
            (struct header){.name = h->name, .value = h->value, .name_len = len};
    }
    if (r->host != NULL)
        r->headers[r->header_count++] =
            (struct header){.name = "Host", .value = r->host, .name_len = 4};
    return SG_OK;
}

enum sg_err head_enclosed(struct request *r, const struct enclosed_request *inner)
{
    const char *type;
    char *target;
    enum sg_err err;

    r->method = method_of(inner->method);
    if (r->method == SG_METHOD_OTHER && !fields_token(inner->method, strlen(inner->method)))
        return request_fail(r, SG_ERR_BAD_REQUEST, "the method is not valid");
    target = arena_strdup(r->arena, inner->target);
    if (target == NULL)
        return SG_ERR_NO_MEMORY;
    err = target[0] == '/' ? uri_split(target, &r->path, &r->query) : SG_ERR_BAD_REQUEST;
    if (err != SG_OK)
        return request_fail(r, err, "the request target is not valid");
    err = take_fields(r, inner);
    if (err != SG_OK)
        return err;
    type = head_field(r, "Content-Type", 0);
    return type == NULL || keep_type(r, type) ? SG_OK : SG_ERR_NO_MEMORY;
}

enum sg_err head_keep(struct request *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        struct header *h = &r->headers[i];

        h->name = arena_strdup(r->arena, h->name);
        h->value = arena_strdup(r->arena, h->value);
        if (h->name == NULL || h->value == NULL) {
            r->header_count = i;
            return SG_ERR_NO_MEMORY;
        }
    }
    r->host = head_field(r, "Host", 0);
    r->origin = head_field(r, "Origin", 0);
    r->expect = head_field(r, "Expect", 0);
    return SG_OK;
}

const char *head_field(const struct request *r, const char *name, unsigned nth)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < r->header_count; i++) {
        const struct header *h = &r->headers[i];

        if (h->name_len == len && strcasecmp(h->name, name) == 0 && nth-- == 0)
            return h->value;
    }
    return NULL;
}
