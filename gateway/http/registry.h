/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All open connections: counted in all and per address (an IPv6 client is its /64), found by
 * descriptor, visited by the reaper and at the end. Thread safe. Its lock comes first in the order
 * of locks: only under it may another thread than the connection's own touch the descriptor, by
 * shutdown(2).
 */
#ifndef SG_HTTP_REGISTRY_H
#define SG_HTTP_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct registry;
struct loop;
struct tls_bundle;
struct address_count;
struct peer;
struct read_ahead;
struct request;
struct MHD_Connection;

#define SG_NO_DEADLINE INT64_MAX

struct conn {
    atomic_int refs;
    struct registry *registry;
    struct loop *loop;
    int fd;
    uint32_t generation; /* tells it from others that had the descriptor before */
    bool loopback;
    char address[48];                /* without port */
    atomic_int_fast64_t deadline_ns; /* monotonic; the reaper ends it then; set by conn_deadline */
    atomic_bool busy;                /* a request is in progress */
    struct tls_bundle *bundle;       /* the loop's thread only, as the next */
    void *session;                   /* gnutls_session_t */
    struct MHD_Connection *mhd;
    unsigned peer_generation;   /* peer.c's, as the next; the loop's thread between two requests */
    struct peer *peer;          /* what certificate the client showed; NULL: none */
    struct conn *newcomer_next; /* under the loop's lock */
    unsigned in_vain; /* reads without a byte in a row, before the handshake is complete */
    bool handshaken;
    bool watched;             /* by stall.c */
    bool parked_before;       /* known to park.c's epoll; whoever has the request */
    struct request *waiter;   /* under park.c's lock: who is told that the client left */
    atomic_bool gone;         /* the client left; set under park.c's lock */
    struct read_ahead *ahead; /* transport.c's, as the next four */
    bool follow_records;
    uint8_t record_head[5];
    uint8_t record_head_len;
    unsigned record_left;
    bool holding;      /* transport_hold was called */
    size_t unsent;     /* bytes in the socket's buffer: at most so many */
    bool uncorked;     /* reply.c's: libmicrohttpd has corked the socket, which it does once */
    bool linger;       /* drop unread bytes for a while after closing */
    struct conn *prev; /* under the registry's lock, as all below */
    struct conn *next;
    struct address_count *count;
    bool started;    /* libmicrohttpd has announced it */
    atomic_bool cut; /* shut down by us */
};

enum sg_err registry_new(unsigned max, unsigned max_per_address,
                         struct registry **ret) SG_MUST_CHECK;
void registry_free(struct registry *r); /* no connection may be left; NULL is legal */

/* Enters an accepted descriptor. SG_ERR_OVERLOADED when it is over a limit. The registry keeps the
 * reference until registry_remove. */
enum sg_err registry_add(struct registry *r, int fd, const struct sockaddr *address,
                         struct loop *loop, int64_t deadline_ns, struct conn **ret) SG_MUST_CHECK;

/* The connection of a descriptor that libmicrohttpd announces; NULL if there is none. */
struct conn *registry_start(struct registry *r, int fd);

/* Takes it out; its descriptor may be closed after that. Drops the registry's reference. */
void registry_remove(struct registry *r, struct conn *c);

/* The connection with that descriptor and generation with a reference for the caller; NULL if there
 * is none. */
struct conn *registry_find(struct registry *r, int fd, uint32_t generation);

/* Sets its deadline, SG_NO_DEADLINE for none. Any thread that has the connection. */
void conn_deadline(struct conn *c, int64_t deadline_ns);

void conn_ref(struct conn *c);
void conn_unref(struct conn *c);

unsigned registry_count(struct registry *r);

/* Shuts down what is past its deadline; returns how many. Does not look at connections before one
 * of them can be due. */
unsigned registry_reap(struct registry *r, int64_t now_ns);

/* Ends reading on connections without a request; a request that has arrived by then is still
 * answered. */
void registry_shut_idle(struct registry *r);

/* Shuts down all; returns how many had not been before. */
unsigned registry_shut_all(struct registry *r);

/* Forgets connections that libmicrohttpd was given and never announced (it had no memory). */
void registry_drop_unannounced(struct registry *r);

/* Waits until no connection is left or `timeout_ms` has passed; true when none is. */
bool registry_wait_empty(struct registry *r, int timeout_ms);

#endif
