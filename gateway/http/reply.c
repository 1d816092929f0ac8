/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and their headers; it never decides which answer. */
#include "http/reply.h"

#include <assert.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/fields.h"
#include "http/transport.h"

#define FILE_BLOCK   (128 * 1024)
#define STREAM_BLOCK 4096  /* for clients that know no chunks */
#define STREAM_AHEAD 65536 /* bytes of a stream in the socket beyond what the client takes */
#define HOLD_MAX     14336 /* bytes */

static const char default_csp[] = "default-src 'none'; frame-ancestors 'none'";
static const char cors_headers[] = "Authorization, DPoP, Content-Type, Accept, If-Match, "
                                   "If-None-Match, Range, If-Range, Repr-Digest, Content-Digest, "
                                   "X-Request-Id, Idempotency-Key, Last-Event-ID";
static const char cors_exposed[] = "ETag, Location, Retry-After, X-Request-Id, Content-Range, "
                                   "Content-Disposition, Repr-Digest, WWW-Authenticate, "
                                   "Idempotency-Replayed, DPoP-Nonce";

/* -- what operations set -------------------------------------------------------------------------
 */

static bool value_clean(const char *value)
{
    for (; *value != '\0'; value++)
        if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7F)
            return false;
    return true;
}

void reply_header(struct request *r, const char *name, const char *value)
{
    struct reply_field *f;

    assert(fields_token(name, strlen(name)) && value_clean(value));
    if (value[0] == '\0')
        return;
    f = arena_alloc(r->arena, sizeof *f);
    if (f == NULL)
        return;
    f->name = arena_strdup(r->arena, name);
    f->value = arena_strdup(r->arena, value);
    if (f->name == NULL || f->value == NULL)
        return;
    if (strcasecmp(name, "Cache-Control") == 0)
        r->reply.has_cache_control = true;
    else if (strcasecmp(name, "Content-Security-Policy") == 0)
        r->reply.has_csp = true;
    else if (strcasecmp(name, "Retry-After") == 0)
        r->reply.has_retry_after = true;
    else if (strcasecmp(name, "WWW-Authenticate") == 0)
        r->reply.has_challenge = true;
    *r->reply.fields_end = f;
    r->reply.fields_end = &f->next;
}

static void drop_content(struct reply *reply)
{
    if (reply->free_fn != NULL)
        reply->free_fn(reply->free_arg);
    if (reply->fd >= 0)
        (void)close(reply->fd);
    reply->free_fn = NULL;
    reply->fd = -1;
    reply->parts = NULL;
    reply->part_count = 0;
    reply->fill = NULL;
    reply->data = NULL;
    reply->len = 0;
    reply->content_type = NULL;
}

void reply_fini(struct request *r)
{
    drop_content(&r->reply);
}

void reply_take(struct request *r, unsigned status, const char *content_type, const void *data,
                size_t len, void (*free_fn)(void *), void *free_arg)
{
    drop_content(&r->reply);
    r->reply.status = status;
    r->reply.content_type = content_type;
    r->reply.data = data;
    r->reply.len = len;
    r->reply.free_fn = free_fn;
    r->reply.free_arg = free_arg;
}

void reply_bytes(struct request *r, unsigned status, const char *content_type, const void *data,
                 size_t len)
{
    reply_take(r, status, content_type, data, len, NULL, NULL);
}

void reply_empty(struct request *r, unsigned status)
{
    reply_take(r, status, NULL, NULL, 0, NULL, NULL);
}

/* -- methods of a path
 * -------------------------------------------------------------------------------- */

static const char *allow_text(struct request *r)
{
    char text[96] = "";
    size_t len = 0;

    for (int m = SG_METHOD_GET; m < SG_METHOD_OTHER; m++) {
        if (m != SG_METHOD_OPTIONS && (r->match.allow & 1u << m) == 0)
            continue;
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len > 0 ? ", " : "",
                                http_method_name((enum http_method)m));
    }
    return arena_strdup(r->arena, text);
}

void reply_allow(struct request *r)
{
    const char *allow = allow_text(r);

    if (allow != NULL)
        reply_header(r, "Allow", allow);
}

/* The value of Access-Control-Allow-Origin for this request; NULL when its origin is not allowed.
 */
static const char *cors_origin(const struct request *r)
{
    const struct server_config *config = &r->server->config;

    for (size_t i = 0; r->origin != NULL && i < config->cors_count; i++) {
        if (strcmp(config->cors_origins[i], "*") == 0)
            return "*";
        if (strcmp(config->cors_origins[i], r->origin) == 0)
            return r->origin;
    }
    return NULL;
}

bool reply_is_preflight(const struct request *r)
{
    return cors_origin(r) != NULL && request_header(r, "Access-Control-Request-Method") != NULL;
}

void reply_options(struct request *r)
{
    const char *allow = allow_text(r);

    reply_empty(r, 204);
    if (allow == NULL)
        return;
    reply_header(r, "Allow", allow);
    if (!reply_is_preflight(r))
        return;
    reply_header(r, "Access-Control-Allow-Methods", allow);
    reply_header(r, "Access-Control-Allow-Headers", cors_headers);
    reply_header(r, "Access-Control-Max-Age", "600");
}

/* -- errors (RFC 9457)
 * ----------------------------------------------------------------------------------- */

static void put_json(struct buf *b, const char *text)
{
    buf_putc(b, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            buf_putc(b, '\\');
            buf_putc(b, *text);
        } else if (c < 0x20) {
            buf_printf(b, "\\u%04x", c);
        } else {
            buf_putc(b, *text);
        }
    }
    buf_putc(b, '"');
}

static void put_problem(struct request *r, struct buf *b)
{
    const char *detail = r->detail;

    /* What went wrong inside is nobody's business but the log's. */
    if (err_status(r->err) == 500)
        detail = "The gateway failed; the request id helps to find out why.";
    buf_puts(b, "{\"type\":");
    buf_printf(b, "\"urn:secgate:error:%s\",\"title\":\"%s\",\"status\":%u", err_code(r->err),
               err_title(r->err), err_status(r->err));
    buf_puts(b, ",\"detail\":");
    put_json(b, detail != NULL ? detail : err_title(r->err));
    buf_printf(b, ",\"code\":\"%s\",\"request_id\":\"%s\"", err_code(r->err), r->id);
    if (r->problem != NULL) {
        buf_putc(b, ',');
        buf_puts(b, r->problem);
    }
    buf_putc(b, '}');
}

/* Fields that describe content which an error answer does not have. */
static bool describes_content(const char *name)
{
    static const char *const names[] = {
        "Content-Disposition", "Repr-Digest",   "Content-Digest",          "ETag",
        "Last-Modified",       "Cache-Control", "Content-Security-Policy", "Content-Language"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static void drop_content_fields(struct reply *reply)
{
    struct reply_field **at = &reply->fields;

    while (*at != NULL) {
        if (describes_content((*at)->name))
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
    reply->fields_end = at;
    reply->has_cache_control = false;
    reply->has_csp = false;
}

/* Turns the request's error into its answer. */
static void make_problem(struct request *r)
{
    unsigned status = err_status(r->err);
    struct buf b;
    size_t len;
    char *text;

    if (status == 500 && r->note == NULL && r->detail != NULL)
        r->note = r->detail;
    drop_content(&r->reply);
    drop_content_fields(&r->reply);
    if (status == 401 && !r->reply.has_challenge)
        reply_header(r, "WWW-Authenticate",
                     r->err == SG_ERR_UNAUTHENTICATED
                         ? "Bearer realm=\"secgate\""
                         : "Bearer realm=\"secgate\", error=\"invalid_token\"");
    if (status == 503 && !r->reply.has_retry_after)
        reply_header(r, "Retry-After", "1");
    if (r->err == SG_ERR_METHOD)
        reply_allow(r);
    buf_init(&b, 16384 + (r->problem != NULL ? strlen(r->problem) : 0));
    put_problem(r, &b);
    text = buf_take(&b, &len);
    if (text != NULL)
        reply_take(r, status, "application/problem+json", text, len, free, text);
    else
        reply_empty(r, status);
    buf_fini(&b);
}

/* -- sending
 * ------------------------------------------------------------------------------------------------
 */

typedef void put_fn(void *to, const char *name, const char *value);

static void put_cors(struct request *r, put_fn *put, void *to)
{
    const char *origin = cors_origin(r);

    if (r->server->config.cors_count == 0)
        return;
    if (origin == NULL || origin[0] != '*')
        put(to, "Vary", "Origin");
    if (origin == NULL)
        return;
    put(to, "Access-Control-Allow-Origin", origin);
    put(to, "Access-Control-Expose-Headers", cors_exposed);
}

/* Everything but Date, Content-Length and Connection. */
static void put_fields(struct request *r, put_fn *put, void *to)
{
    const struct reply *reply = &r->reply;

    if (reply->content_type != NULL)
        put(to, "Content-Type", reply->content_type);
    put(to, "X-Request-Id", r->id);
    put(to, "Strict-Transport-Security", "max-age=31536000");
    put(to, "X-Content-Type-Options", "nosniff");
    put(to, "Referrer-Policy", "no-referrer");
    if (!reply->has_csp)
        put(to, "Content-Security-Policy", default_csp);
    if (!reply->has_cache_control)
        put(to, "Cache-Control", "no-store");
    for (const struct reply_field *f = reply->fields; f != NULL; f = f->next)
        put(to, f->name, f->value);
    put_cors(r, put, to);
}

static void put_response(void *to, const char *name, const char *value)
{
    (void)MHD_add_response_header(to, name, value);
}

static void put_text(void *to, const char *name, const char *value)
{
    buf_printf(to, "%s: %s\r\n", name, value);
}

void reply_settle(struct request *r)
{
    if (r->err == SG_OK && r->reply.status == 0) {
        r->note = "the operation made no answer";
        r->err = SG_ERR_INTERNAL;
    }
    if (r->err != SG_OK)
        make_problem(r);
    r->status = r->reply.status;
}

/* Whether the socket's buffer is nearly empty. The kernel is asked only when what was sent since it
 * last told might be too much. */
static bool nearly_empty(struct conn *c)
{
    int unsent = 0;

    if (c->unsent <= HOLD_MAX)
        return true;
    if (ioctl(c->fd, SIOCOUTQ, &unsent) != 0 || unsent < 0)
        return false;
    c->unsent = (size_t)unsent;
    return c->unsent <= HOLD_MAX;
}

/*
 * libmicrohttpd writes head and body of an answer as two TLS records with two system calls. A small
 * answer is held back in the session and leaves as one record when the request completes. Nobody
 * would send the rest if the socket's buffer were full then: only when that is nearly empty. The
 * session keeps 2 KiB for that ever after, and answers that did not come at once complete a round
 * of the loop later: for operations that wait, the two records leave with one system call instead.
 */
static void hold_back(struct request *r)
{
    if (r->reply.parts != NULL || r->reply.len == 0 || r->reply.len > HOLD_MAX ||
        !nearly_empty(r->conn))
        return;
    if (r->match.route != NULL && r->match.route->operation->woken != NULL) {
        transport_hold(r->conn);
        return;
    }
    gnutls_record_cork(r->conn->session);
    r->corked = true;
}

void reply_uncork(struct conn *c)
{
    int corked = 0;
    socklen_t len = sizeof corked;

    /* It corks the socket with the first answer that has a head apart from its body, for good, and
     * pushes answers by another option, before the record is there to be pushed: without the cork
     * there is nothing to push. */
    if (!c->uncorked && getsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &corked, &len) == 0 && corked) {
        const int off = 0;

        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
        c->uncorked = true;
    }
}

void reply_flush(struct request *r)
{
    reply_uncork(r->conn);
    if ((r->corked && gnutls_record_uncork(r->conn->session, 0) < 0) ||
        (r->conn->holding && !transport_release(r->conn)))
        (void)shutdown(r->conn->fd, SHUT_RDWR); /* rather no answer than one that never comes */
    r->corked = false;
}

ssize_t reply_cut(struct request *r, char *buf)
{
    (void)shutdown(r->conn->fd, SHUT_WR);
    buf[0] = ' ';
    return 1;
}

bool reply_sends_content(const struct request *r)
{
    return r->method != SG_METHOD_HEAD && r->reply.status != 304;
}

/* Of the memory that libmicrohttpd sets apart to read the content into. */
static size_t block_size(const struct request *r)
{
    if (!reply_sends_content(r))
        return 1;
    if (r->reply.fill != NULL) /* chunks are made in the connection's own */
        return r->http_1_0 ? STREAM_BLOCK : 1;
    return r->reply.total < FILE_BLOCK ? (size_t)r->reply.total : FILE_BLOCK;
}

/* So that a client that reads slowly is seen to read. */
static void bound_ahead(struct conn *c)
{
    const int bytes = STREAM_AHEAD;

    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

enum MHD_Result reply_queue(struct request *r)
{
    const struct server_limits *limits = &r->server->config.limits;
    struct reply *reply = &r->reply;
    struct MHD_Response *response;
    enum MHD_Result queued;
    union {
        const void *from;
        void *to;
    } data;

    reply_settle(r);
    if (reply->fill != NULL)
        bound_ahead(r->conn);
    data.from = reply->len > 0 ? reply->data : "";
    if (reply->fill != NULL)
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block_size(r),
                                                     reply_stream_read, r, NULL);
    else if (reply->parts != NULL && reply->total > 0)
        response = MHD_create_response_from_callback(reply->total, block_size(r), reply_file_read,
                                                     r, NULL);
    else
        response = MHD_create_response_from_buffer(reply->len, data.to, MHD_RESPMEM_PERSISTENT);
    if (response == NULL)
        return MHD_NO;
    if (r->close || atomic_load_explicit(&r->server->draining, memory_order_relaxed))
        put_response(response, "Connection", "close");
    put_fields(r, put_response, response);
    r->phase = SG_PHASE_ANSWERED;
    /* A quick answer saves the clock. */
    r->body_since_ns =
        r->has_body || r->match.route == NULL || r->match.route->blocks || r->wait.waited
            ? clock_monotonic_ns()
            : r->started_ns;
    r->sent = reply_sends_content(r) && reply->parts == NULL ? reply->len : 0;
    conn_deadline(r->conn, r->body_since_ns +
                               (int64_t)(reply->fill != NULL ? limits->stream_seconds
                                                             : limits->body_seconds) *
                                   SG_NS_PER_S +
                               (int64_t)(r->sent / limits->body_bytes_per_second) * SG_NS_PER_S);
    hold_back(r);
    queued = MHD_queue_response(r->mhd, reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

void reply_send_now(struct request *r)
{
    char date[SG_HTTP_DATE_SIZE];
    struct buf b;

    reply_settle(r);
    clock_format_http(clock_now_s(), date);
    buf_init(&b, 16384);
    buf_printf(&b, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n", r->status,
               MHD_get_reason_phrase_for(r->status), date);
    put_fields(r, put_text, &b);
    buf_printf(&b, "Content-Length: %zu\r\n\r\n", r->reply.len);
    if (r->method != SG_METHOD_HEAD)
        buf_append(&b, r->reply.data, r->reply.len);
    if (buf_status(&b) == SG_OK && gnutls_record_send(r->conn->session, b.data, b.len) > 0)
        r->sent = r->reply.len;
    buf_fini(&b);
    r->phase = SG_PHASE_ANSWERED;
}
