/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTPS server: accepts connections, speaks TLS and HTTP/1.1 through libmicrohttpd, runs
 * operations, enforces limits, drains. The only interface of gateway/http to the process around it.
 */
#ifndef SG_HTTP_SERVER_H
#define SG_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "http/route.h"

struct server;
struct tls_bundle; /* http/tls.h */

/* Limits; each has its configuration key of the same name in [limits]. */
struct server_limits {
    unsigned connections;             /* in all; default 10000 */
    unsigned connections_per_address; /* default 1000; 0 = no limit */
    unsigned header_bytes;            /* of a request head with 64 for each field; default 6144 */
    unsigned header_seconds; /* from accept or the previous answer's end... to the whole head; 10 */
    unsigned idle_seconds;   /* kept connection without a request; 60 */
    unsigned body_seconds;   /* grace before the least rate counts; 8 */
    unsigned body_bytes_per_second; /* least average rate of a body, either direction; 1024 */
    unsigned stream_seconds; /* until a client that reads nothing of a stream is cut off; 60 */
    unsigned pool_threads;   /* for blocking work; 8 */
    unsigned pool_queue;     /* jobs waiting; 1024 */
    unsigned drain_seconds;  /* 30 */
    unsigned event_threads;  /* 0 = one per core */
};

struct server_config {
    const int
        *listen_fds; /* listening sockets, borrowed; a drain shuts them down, nothing closes them */
    size_t listen_count;
    const struct route *routes;
    size_t route_count;
    void *app; /* request_app */
    /* Decides access for a row (NULL: there is none for what was asked) and sets the principal;
     * event loop, must not block. */
    enum sg_err (*guard)(struct request *r, const struct route *route);
    /* Origins that may call from browsers (exact, e.g. "https://a.example"); "*" any. Empty: CORS
     * off. */
    const char *const *cors_origins;
    size_t cors_count;
    struct server_limits limits;
    unsigned ticket_rotate_seconds; /* TLS session ticket key; default 3600 */
};

/* Fills the defaults. */
void server_limits_default(struct server_limits *limits);

/* Starts the threads. Takes a reference on the bundle. The config's arrays are borrowed for life.
 */
enum sg_err server_start(const struct server_config *config, struct tls_bundle *bundle,
                         struct server **ret) SG_MUST_CHECK;
/* New connections use the new certificate from now on; open ones go on undisturbed, but what their
 * clients showed is verified again under the new bundle's trust. */
void server_set_tls(struct server *s, struct tls_bundle *bundle);
/* Graceful end: stop accepting, answer what is in progress (`Connection: close`), close idle ones,
 * wait up to limits.drain_seconds, then end the rest and free everything. *ret_forced = connections
 * cut off. */
void server_drain(struct server **s, unsigned *ret_forced);

#endif
