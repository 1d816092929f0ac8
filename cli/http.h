/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTPS exchanges with one gateway on libcurl. One multi handle and one TLS session cache carry all
 * of them, so connections are kept, and handshakes are resumed where libcurl can: 7.88 with GnuTLS
 * asks for no session tickets. Only the profile's CA is trusted.
 */
#ifndef SG_CLI_HTTP_H
#define SG_CLI_HTTP_H

#include "base/buf.h"
#include "cli/cli.h"

#include <stddef.h>
#include <stdint.h>

#define SG_HTTP_HEADERS      6
#define SG_HTTP_BODY_MAX     ((size_t)128 << 20)
#define SG_HTTP_PARALLEL_MAX 32

struct http;
struct http_call;
struct http_request;

/* What is sent from and received into something else than memory. All members are optional. */
struct http_stream {
    void *context;
    int64_t size; /* of the body that is sent, in bytes; -1: unknown */
    /* Fills `data`, returns the count, 0 at the end, -1 to give up. */
    int64_t (*read)(void *context, void *data, size_t len);
    /* Goes back to `offset` of the body that is sent. */
    bool (*seek)(void *context, int64_t offset);
    /* The header of a 2xx answer is complete; false gives up. */
    bool (*begin)(void *context, const struct http_call *call);
    /* Content of a 2xx answer; false gives up. Other answers go to the call's `body`. */
    bool (*write)(void *context, const void *data, size_t len);
};

/*
 * Puts each exchange into another one (sealed.h). `wrap` makes the request that is sent in the
 * place of `request`; what it points to lives as long as *ret_state, which belongs to the call.
 */
enum http_unwrapped {
    SG_HTTP_UNWRAPPED, /* the call holds what the exchange gave */
    SG_HTTP_AGAIN,     /* send the same once more after `ret_delay_ms` */
    SG_HTTP_ANEW       /* send `ret_body` instead */
};
struct http_wrapper {
    void *context;
    enum cli_status (*wrap)(void *context, const struct http_request *request,
                            struct http_request *ret, void **ret_state);
    /* The outer exchange is over: its answer in `call`, to be replaced by the inner one. */
    enum http_unwrapped (*unwrap)(void *context, void *state, struct http_call *call,
                                  const struct buf **ret_body, int *ret_delay_ms);
    void (*free)(void *state);
};

/* An exchange to be made. Strings need to live until http_start returns, the stream until the end.
 */
struct http_request {
    bool plain; /* not by way of a wrapper */
    const char *method;
    const char *target;                   /* path and query, percent-encoded, from the first "/" */
    const char *token;                    /* bearer token, or NULL */
    const char *headers[SG_HTTP_HEADERS]; /* "Name: value"; NULL ends them */
    const char *content_type;
    const void *body; /* copied */
    size_t body_len;
    bool upload;  /* the stream has a body to send */
    long stall_s; /* give up when nothing has moved for so long; 0: the default */
    const struct http_stream *stream;
};

enum http_failure {
    SG_HTTP_DONE,    /* there is an answer */
    SG_HTTP_NETWORK, /* no connection, or it broke */
    SG_HTTP_TLS,     /* the handshake failed */
    SG_HTTP_UNTRUSTED,
    SG_HTTP_UNSEALED, /* the answer of a sealed exchange is not authentic */
    SG_HTTP_GAVE_UP   /* a stream callback said so */
};

/* An exchange under way or finished. Zero it, or http_call_fini it, before http_start. */
struct http_call {
    enum http_failure failure;
    char error[256]; /* libcurl's words when there is no answer */
    long status;
    struct buf body; /* of answers that did not go to the stream */
    int64_t length;  /* Content-Length, -1 unknown */
    long retry_after;
    char etag[128];
    char repr_digest[256];
    char content_range[96];
    char request_id[72];
    bool sent;   /* the gateway may have got the request, or a part of it */
    bool sealed; /* went by way of a wrapper */
    void *owner; /* the caller's */
    /* private */
    struct http *http;
    const struct http_stream *stream;
    void *easy;
    void *headers;
    bool started_body;
    bool sent_anything;
    void *wrapped;    /* state of the wrapper */
    int64_t again_ns; /* when it is sent again */
    struct http_call *next;
};

/*
 * Opens the way to `url` ("https://host:port", borrowed), trusting the CA in `ca_file` (borrowed)
 * only. NULL without memory, which was reported.
 */
struct http *http_open(const char *url, const char *ca_file);
void http_close(struct http *http);

/* Shows the certificate and key in this PEM file (borrowed; NULL: none) on new connections. */
void http_set_certificate(struct http *http, const char *pem_file);

/* Lets all exchanges that are not `plain` go by way of `wrapper` (borrowed; NULL: none). */
void http_set_wrapper(struct http *http, const struct http_wrapper *wrapper);

/* Called every 200 ms at least while waiting. */
void http_set_tick(struct http *http, void (*tick)(void *context), void *context);

/* Starts an exchange. SG_CLI_USAGE (reported) without memory. */
enum cli_status http_start(struct http *http, struct http_call *call,
                           const struct http_request *request) SG_CLI_MUST_CHECK;

/*
 * An exchange of http_start that is finished. With `wait` it waits for one; NULL when none is under
 * way or the user has interrupted.
 */
struct http_call *http_next(struct http *http, bool wait);

/* As http_next, but waits `timeout_ms` at most, and not once http_wake has been called. */
struct http_call *http_next_within(struct http *http, int timeout_ms);

/* Ends the current or next http_next_within early. From any thread. */
void http_wake(struct http *http);

/* Makes one exchange and waits for it, while others go on. SG_CLI_INTERRUPTED on Ctrl-C. */
enum cli_status http_perform(struct http *http, struct http_call *call,
                             const struct http_request *request) SG_CLI_MUST_CHECK;

/* Stops the exchange if it is under way and frees what the call holds; zeroed is legal. */
void http_call_fini(struct http_call *call);

static inline bool http_call_ok(const struct http_call *call)
{
    return call->failure == SG_HTTP_DONE && call->status >= 200 && call->status < 300;
}

#endif
