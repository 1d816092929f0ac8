/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: one row per operation. What stands in a row is all that the server needs to know
 * about it; matching is a pure function.
 */
#ifndef SG_HTTP_ROUTE_H
#define SG_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct request;

/* Why a request that waited goes on (http/request.h). */
enum request_wake {
    SG_WAKE_CALLED,  /* request_wake */
    SG_WAKE_TIMEOUT, /* the time is over */
    SG_WAKE_DRAIN    /* the gateway shuts down: answer what there is */
};

enum http_method {
    SG_METHOD_GET,
    SG_METHOD_HEAD,
    SG_METHOD_POST,
    SG_METHOD_PUT,
    SG_METHOD_PATCH,
    SG_METHOD_DELETE,
    SG_METHOD_OPTIONS,
    SG_METHOD_OTHER
};
const char *http_method_name(enum http_method m);

/* What an operation does, step by step. All callbacks may be NULL but run. An error from begin,
 * body or run becomes the answer (RFC 9457). */
struct operation {
    size_t state_size; /* zeroed bytes for request_state */
    /* Headers are known, no body byte has been read; event loop: must not block. Early refusal goes
     * here. */
    enum sg_err (*begin)(struct request *r);
    /* SG_BODY_STREAM only: bytes in order; on a pool thread (may block), never two at a time. After
     * an error the rest of the body is swallowed within bounds and the error answered. */
    enum sg_err (*body)(struct request *r, const uint8_t *data, size_t len);
    /* The body is complete: make the answer. On a pool thread if the row says `blocks`, else on the
     * event loop. */
    enum sg_err (*run)(struct request *r);
    /* Optional, for rows that block, without a streamed body: makes the answer on the event loop if
     * that is possible at once (from memory), which saves the way to the pool and back. With
     * *ret_done false (as it is set before) `run` follows there. Must not block. */
    enum sg_err (*run_at_once)(struct request *r, bool *ret_done);
    /* For operations that call request_wait (http/request.h): makes the answer, or waits again.
     * Event loop: must not block. */
    enum sg_err (*woken)(struct request *r, enum request_wake why);
    /* Exactly once for every request whose begin was called, however it ended; must not block for
     * long (it may run on either kind of thread). Releases what the state holds. */
    void (*end)(struct request *r);
};

enum route_access {
    SG_ACCESS_PUBLIC, /* no token needed; a token that is sent is not looked at */
    SG_ACCESS_USER,   /* a valid token */
    SG_ACCESS_LOGIN,  /* a valid token of a login: neither of a script nor exchanged */
    SG_ACCESS_ADMIN,  /* a valid token of an admin */
    SG_ACCESS_LOCAL   /* loopback, or an admin's token (metrics) */
};

enum route_body {
    SG_BODY_NONE,  /* a body is refused with 413 unless empty */
    SG_BODY_JSON,  /* application/json, buffered up to body_max */
    SG_BODY_FORM,  /* application/x-www-form-urlencoded, buffered up to body_max */
    SG_BODY_ANY,   /* whatever its type, buffered up to body_max */
    SG_BODY_STREAM /* handed to op->body; the operation limits it in begin */
};

struct route {
    enum http_method method; /* GET rows answer HEAD too */
    const char *pattern;     /* "/v1/users/{name}", "/v1/files/{path...}", "/v1/files/{dir...}/" */
    const char *operation_id;
    enum route_access access;
    unsigned scopes; /* bits that the token must have; meaning belongs to the guard */
    enum route_body body;
    size_t body_max; /* bytes, of JSON and form bodies */
    bool blocks;     /* run goes to the worker pool */
    bool cookie;     /* a browser's EventSource may show the token as a cookie (api/guard.c) */
    bool slow;       /* of a row that blocks: to a pool of its own, so that others need not wait */
    bool lasts;      /* likewise, to another one: may take minutes */
    bool open; /* may not be enclosed in another request: another one itself, or without end */
    const struct operation *operation;
};

#define SG_CAPTURES_MAX 4
struct route_match {
    const struct route *route; /* NULL: see `allow` */
    size_t captures;
    struct {
        const char *name; /* in the pattern, name_len bytes */
        size_t name_len;
        const char *value; /* in the path */
        size_t value_len;
    } capture[SG_CAPTURES_MAX];
    unsigned
        allow; /* bits 1 << http_method of the methods that the path has; 0: no such path (404) */
};

/* The rows of a table by how their paths begin, so that a request is compared with few of them.
 * Borrows the table for life; read by any thread. NULL without memory. */
struct route_index;
struct route_index *route_index_new(const struct route *table, size_t count);
void route_index_free(struct route_index *index);

/* Finds the row for method and raw path (percent-encoded, no query). A literal segment wins over a
 * capture, a capture over a rest capture; a rest capture takes one byte or more and may hold
 * slashes; with a trailing "/" in the pattern, the path must end in a slash. HEAD matches GET rows.
 */
void route_find(const struct route_index *index, enum http_method method, const char *path,
                struct route_match *ret);

#endif
