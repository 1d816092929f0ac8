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
#include "base/err.h"
#include "http/route.h"

struct request;

/* -- what was asked --------------------------------------------------------------------------- */
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
/* The owner of the routes (api): the pointer given to server_start. */
void *request_app(const struct request *r);
/* Room for the principal, filled by the guard: `route_guard` allocates it in the arena. */
void request_set_principal(struct request *r, void *principal, const char *name_for_log);
void *request_principal(const struct request *r);
/* The operation's own zeroed state, op->state_size bytes. */
void *request_state(struct request *r);
struct arena *request_arena(struct request *r);

/* -- answers (exactly one per request; the last one set before `run` returns counts)
 * ------------------- */
/* Sets the public detail of an error and returns it: `return request_fail(r, SG_ERR_BAD_FIELD,
 * "limit: ...")`. The detail is public: no internals, no secrets. */
enum sg_err request_fail(struct request *r, enum sg_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

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
