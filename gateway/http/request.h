/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request as the operations see it: what was asked, by whom, and how to answer. Everything that
 * is borrowed from it lives until the operation's `end`. Not thread safe; the server hands it from
 * thread to thread, one at a time.
 */
#ifndef SG_HTTP_REQUEST_H
#define SG_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "http/route.h"

struct request;

/* -- what was asked --------------------------------------------------------------------------- */
/* As sent: a HEAD is served by the row of its GET, and must not wait. */
enum http_method request_method(const struct request *r);
/* The raw path as sent, without the query. */
const char *request_path(const struct request *r);
/* A captured part of the route's pattern, decoded: for `{name}` one segment, for `{name...}` the
 * rest of the path. SG_ERR_NOT_FOUND when it is not valid UTF-8 or has control characters. */
enum sg_err request_param(struct request *r, const char *name, const char **ret) SG_MUST_CHECK;
/* A parameter of the query, decoded (`+` is a space): UTF-8 without NUL. *ret NULL when absent.
 * SG_ERR_BAD_FIELD with detail when malformed or given twice. */
enum sg_err request_query(struct request *r, const char *name, const char **ret) SG_MUST_CHECK;
/* Integer of the query within [min, max], `absent` when not given. SG_ERR_BAD_FIELD with detail. */
enum sg_err request_query_int(struct request *r, const char *name, int64_t min, int64_t max,
                              int64_t absent, int64_t *ret) SG_MUST_CHECK;
enum sg_err request_query_bool(struct request *r, const char *name, bool *ret) SG_MUST_CHECK;
/* A header's value, NULL when absent. Repeated headers: the first (see request_header_repeated). */
const char *request_header(const struct request *r, const char *name);
bool request_header_repeated(const struct request *r, const char *name);
/* Media type of the body without parameters, lower case; "" when absent. */
const char *request_content_type(const struct request *r);
/* Declared length of the body; -1 when chunked, 0 when there is none. */
int64_t request_content_length(const struct request *r);
/* The whole body of an operation with a buffered body (SG_BODY_JSON, SG_BODY_FORM); NUL-terminated.
 */
const uint8_t *request_body(const struct request *r, size_t *ret_len);

/* -- who and how ------------------------------------------------------------------------------ */
const char *request_id(const struct request *r); /* X-Request-Id */
const char *
request_address(const struct request *r);       /* the client's IP address, text without port */
bool request_loopback(const struct request *r); /* address is 127/8 or ::1 */
/* TLS of the connection. Strings are static or the request's. */
struct request_tls {
    const char *version; /* "TLS1.3" */
    const char *cipher;  /* "AES-256-GCM" */
    const char *group;   /* "X25519" */
    bool resumed;
    const uint8_t *server_cert; /* DER of the leaf */
    size_t server_cert_len;
    const uint8_t *client_cert; /* DER; NULL when the client showed none */
    size_t client_cert_len;
};
/* Event loop thread only (in `begin`, or `run` of a route that does not block). */
void request_tls(struct request *r, struct request_tls *ret);
/* The certificate of which the client of this connection proved to hold the key, also in resumed
 * TLS sessions. What is told of it was found at the connection's first request, and again when the
 * trust of the server changed; time goes on meanwhile: compare it anew with each request. */
struct request_certificate {
    const uint8_t *der; /* the leaf, alive as long as the request; NULL: none was shown */
    size_t len;
    uint8_t sha256[32];
    bool verified; /* up to one of the CAs trusted for clients (RFC 5280, section 6), for clients
                      (extended key usage), whatever the time */
    unsigned ca;   /* if verified: which, in the order of tls_bundle_trust, from 0 */
    uint8_t ca_sha256[32]; /* if verified: of the text that tls_bundle_trust was given */
    /* If verified, but not for CA 0: the certificates above it, which were sent or are trusted, up
     * to the last, and the SHA-256 of it and all of them, one after the other. */
    const struct bytes *above;
    size_t above_count;
    uint8_t chain_sha256[32];
    int64_t not_before_s, expires_s; /* if verified: of it and all above it; seconds since 1970 */
};
/* Any thread that has the request. Costs nothing. */
void request_certificate(const struct request *r, struct request_certificate *ret);
/* The owner of the routes (api): the pointer given to server_start. */
void *request_app(const struct request *r);
/* Room for the principal, filled by the guard: `route_guard` allocates it in the arena. */
void request_set_principal(struct request *r, void *principal, const char *name_for_log);
void *request_principal(const struct request *r);
/* The operation's own zeroed state, op->state_size bytes. */
void *request_state(struct request *r);
struct arena *request_arena(struct request *r);
/* Counts `bytes` of memory that the operation is about to take beside its body, where they are
 * many, until its answer has been sent: those of all requests together have the bound of large
 * bodies. SG_ERR_OVERLOADED. Whoever has the request. */
enum sg_err request_reserve(struct request *r, size_t bytes) SG_MUST_CHECK;

/* -- answers (exactly one per request; the last one set before `run` returns counts)
 * ------------------- */
/* Sets the public detail of an error and returns it: `return request_fail(r, SG_ERR_BAD_FIELD,
 * "limit: ...")`. The detail is public: no internals, no secrets. */
enum sg_err request_fail(struct request *r, enum sg_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Members for the problem document of an error answer, as JSON text that begins with a quote
 * (`"oldest":"x.1"`); in the arena or static (RFC 9457 section 3.2). */
void request_problem(struct request *r, const char *members);

/* -- waiting ---------------------------------------------------------------------------------- */
/*
 * The answer is not there yet: for `run`, `run_at_once`, `woken` and a stream's `fill`, which then
 * return SG_OK without one. No thread waits meanwhile. The request goes on, with op->woken on its
 * event loop (a stream: with `fill`), after request_wake, when `timeout_ms` are over (0: never; at
 * most 65 s, within 250 ms), or at the drain. With `watch` a client that goes away ends the request
 * at once (op->end), and the drain wakes it; without, only request_wake does: for what is certain
 * to come soon, such as a commit. A wake may also come without a cause: look, and wait again. Who
 * was woken by the drain and waits again with `watch` is answered 503 draining (a stream ends).
 */
void request_wait(struct request *r, unsigned timeout_ms, bool watch);
/* Instead of request_wait, for `woken` and `fill`: op->run is called on a thread of the pool, where
 * it may block. After `woken` that makes the answer, or waits; after `fill` its answer counts for
 * nothing, and `fill` goes on (a run that fails ends the stream). */
void request_defer(struct request *r);
/* Wakes it, or keeps it from falling asleep. Any thread, any number of times, as long as op->end
 * has not been called; takes the request's lock only. */
void request_wake(struct request *r);

/* Adds a header to the answer, also to error answers set later (e.g. WWW-Authenticate,
 * Retry-After). Values with control characters are a bug (assert). */
void reply_header(struct request *r, const char *name, const char *value);
/* Body in the arena or static. `content_type` NULL with length 0 for none. */
void reply_bytes(struct request *r, unsigned status, const char *content_type, const void *data,
                 size_t len);
/* Body whose memory the reply takes: freed with free_fn(free_arg) when it has been sent. */
void reply_take(struct request *r, unsigned status, const char *content_type, const void *data,
                size_t len, void (*free_fn)(void *), void *free_arg);
void reply_empty(struct request *r, unsigned status);
/*
 * A 200 without known length, sent as it comes. `fill` is called on the event loop whenever the
 * connection takes more: puts 1 to `max` bytes (at least 1 KiB) and returns SG_OK with *ret_len; or
 * has called request_wait and returns SG_OK with 0; or sets *ret_end after the last bytes. An error
 * ends the connection without the end of the content. A client that reads nothing for
 * stream_seconds is cut off.
 */
void reply_stream(struct request *r, const char *content_type,
                  enum sg_err (*fill)(struct request *r, char *to, size_t max, size_t *ret_len,
                                      bool *ret_end));
/* Why `fill` runs again after it has waited. */
enum request_wake request_woken_by(const struct request *r);
/*
 * Content of a file, with everything RFC 9110 says of conditional and range requests (sections 13,
 * 14): evaluates If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, Range and
 * If-Range of the request and answers 200, 206 (single or multipart/byteranges), 304, 412 or 416.
 * Takes *fd (set to -1). HEAD gives the same headers. Streams with pread in 64 to 128 KiB blocks on
 * the event loop.
 */
struct reply_file {
    uint64_t size;
    const char *etag; /* strong, with quotes */
    int64_t modified_s;
    const char *content_type;
    /* Not NULL: the content itself, and *fd is -1; released with free_fn(free_arg) when it has been
     * sent, and on errors too. */
    const void *data;
    void (*free_fn)(void *);
    void *free_arg;
};
enum sg_err reply_file(struct request *r, int *fd, const struct reply_file *file) SG_MUST_CHECK;

#endif
