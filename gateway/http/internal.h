/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of gateway/http share: the server, its event loops, its connections and its
 * requests. Which thread may touch what stands with each field; the order of locks and the phases
 * of a request stand in README.md. Nothing outside this folder includes it.
 */
#ifndef SG_HTTP_INTERNAL_H
#define SG_HTTP_INTERNAL_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "http/pool.h"
#include "http/registry.h"
#include "http/request.h"
#include "http/server.h"
#include "http/tls_session.h"

#ifndef SG_HTTP_MAY_RESUME
#pragma GCC poison MHD_resume_connection /* loop_resume (http/loop.h) wakes the loop as well */
#endif

#define SG_HEADERS_MAX 100 /* header fields of a request */
#define SG_ARENA_MAX   (512 * 1024)
#define SG_SWALLOW_MAX                                                                             \
    (1024 * 1024) /* rest of a body that is read only to answer on a kept connection */
#define SG_SWALLOW_EARLY    (64 * 1024)  /* the same, when it is refused before it has begun */
#define SG_BODY_LARGE       (128 * 1024) /* a body in memory of more than this counts as large */
#define SG_BODIES_LARGE     ((size_t)256 << 20) /* bytes of all of them */
#define SG_UPLOAD_QUEUE     (1024 * 1024)       /* bytes of one upload waiting for its operation */
#define SG_UPLOAD_BLOCK     (64 * 1024)
#define SG_UPLOADS_MEMORY   (256 * 1024 * 1024) /* of all uploads; above it each gets one block */
#define SG_FREE_REQUESTS    256                 /* kept for reuse by each event loop */
#define SG_REPLY_HEAD_BYTES 1280 /* room in a connection's memory for the head of an answer */

struct header {
    const char *name;
    const char *value;
    size_t name_len;
};

/* One event loop: a libmicrohttpd daemon of its own, so that the loop of a connection is our
 * choice. */
struct loop {
    struct server *server;
    struct MHD_Daemon *daemon;
    atomic_uint connections;
    pthread_t thread; /* loop.c's, as the next seven */
    bool running;
    atomic_bool signalled;
    atomic_bool stop;
    int events; /* libmicrohttpd's epoll */
    int wake;   /* eventfd */
    pthread_mutex_t lock;
    struct conn *newcomers; /* under lock */
    struct request *free;   /* the loop's thread only, as all below */
    unsigned free_count;
    struct read_ahead *spare; /* transport.c's, as the next */
    struct held *held;
    struct header headers[SG_HEADERS_MAX]; /* while a head is read */
    char id_prefix[17];
    uint64_t id_next;
};

struct server {
    struct server_config config;
    struct route_index *routes;
    struct registry *registry;
    struct pool *pool;
    struct pool *slow_pool;     /* of rows that are slow; cancelled by the other one */
    struct pool *long_pool;     /* of rows that last; likewise */
    atomic_size_t large_bodies; /* bytes that large bodies may take, of all requests */
    struct accepter *accepter;
    struct reaper *reaper;
    struct lingerer *linger;
    struct stall *stall;
    struct park *park;
    struct tls_tickets *tickets;
    pthread_mutex_t tls_lock;
    struct tls_bundle *bundle;    /* under tls_lock */
    atomic_uint trust_generation; /* rises whenever it is replaced; never 0 */
    atomic_bool draining;
    atomic_size_t upload_bytes; /* queued by all uploads */
    unsigned loop_count;
    struct loop *loops;
};

/* What becomes of a request; see README.md. The event loop's thread changes it, and a pool job that
 * has the request (SG_PHASE_RUNNING to SG_PHASE_READY, under the request's mutex). */
enum phase {
    SG_PHASE_HEAD,    /* the handler's first call is to come */
    SG_PHASE_BODY,    /* body bytes are taken, or the end of the request is awaited */
    SG_PHASE_DISCARD, /* the answer is an error; the rest of the body is dropped before it is sent
                       */
    SG_PHASE_RUNNING, /* suspended, a pool job makes the answer */
    SG_PHASE_WAITING, /* suspended, until something wakes it; no thread has it */
    SG_PHASE_READY,   /* the answer is made and goes out with the next call */
    SG_PHASE_ANSWERED /* handed to libmicrohttpd */
};

struct reply_field {
    struct reply_field *next;
    const char *name;
    const char *value;
};

/* A piece of a streamed answer: bytes in memory or of the file. */
struct reply_part {
    const void *data; /* NULL: from the file */
    uint64_t offset;  /* in the file */
    uint64_t len;
};

struct reply {
    unsigned status; /* 0: none was made */
    const char *content_type;
    const void *data;
    size_t len;
    void (*free_fn)(void *);
    void *free_arg;
    struct reply_field *fields; /* in the order they were added */
    struct reply_field **fields_end;
    bool has_cache_control;
    bool has_csp;
    bool has_retry_after;
    bool has_challenge; /* WWW-Authenticate */
    int fd;             /* -1: none */
    struct reply_part *parts;
    size_t part_count;
    uint64_t total;
    enum sg_err (*fill)(struct request *r, char *to, size_t max, size_t *ret_len, bool *ret_end);
    bool ended; /* `fill` has said so */
};

struct block {
    struct block *next;
    size_t len;
    uint8_t data[SG_UPLOAD_BLOCK];
};

/* A streamed body between the event loop, which fills it, and its pool job. Under the request's
 * mutex. */
struct upload {
    struct block *head;
    struct block *tail;
    size_t pending; /* bytes queued or being handled */
    bool active;    /* the job is queued or runs */
    bool eof;
    enum sg_err err; /* why it failed; nothing more is taken */
    bool abandoned;  /* the connection is gone: the job ends the request */
};

/* Between the operation that waits and whoever wakes it (wait.c). */
struct wait {
    bool wanted; /* whoever has the request, as the next nine */
    bool watch;
    bool deferred; /* it does not wait for a wake, but for a pool job */
    bool waited;   /* at least once */
    bool asleep;   /* by wait_suspend */
    bool entered;  /* at park.c */
    unsigned timeout_ms;
    enum request_wake woken_by;
    enum sg_err err; /* of a stream's pool job */
    bool pending;    /* under the request's mutex, as the next two */
    bool parked;     /* suspended and to be resumed by a wake */
    enum request_wake why;
    int slot; /* under park.c's lock, as the next two */
    struct request *prev;
    struct request *next;
};

struct enclosure;

struct request {
    /* -- kept when a request is used again -- */
    pthread_mutex_t mutex;
    struct arena *arena;
    struct request *next_free;

    /* -- zeroed for each request, from here -- */
    struct conn *conn;
    struct loop *loop;
    struct server *server;
    struct MHD_Connection *mhd;
    enum phase phase;
    bool suspended; /* under mutex */
    bool close;     /* the connection ends with this answer */
    bool http_1_0;
    bool corked;     /* the TLS session holds the answer back to send it in one record */
    enum sg_err err; /* of the answer; SG_OK: `reply` counts */
    enum sg_err target_err;
    size_t target_len; /* as it was sent */
    char id[68];
    void *principal;
    const char *principal_name;
    uint64_t received;  /* body bytes */
    uint64_t swallowed; /* of them, dropped */
    int64_t started_ns;
    int64_t body_since_ns; /* for the least rate; moves on by what it was suspended */
    int64_t suspended_ns;
    unsigned status; /* sent */
    uint64_t sent;   /* body bytes handed to the connection */
    struct upload upload;
    struct wait wait;
    struct pool_job job;
    struct enclosure *enclosure; /* NULL: it encloses no other */

    /* -- of the operation: an enclosed request has its own (enclose.c), from here to the end -- */
    enum http_method method;
    const char *path;
    const char *query;
    struct route_match match;
    bool begun;    /* op->begin was called: op->end is due */
    bool has_body; /* framing says that a body follows */
    bool chunked;
    size_t header_count;
    struct header *headers;
    const char *host;
    const char *origin;
    const char *expect;
    int64_t content_length; /* -1: chunked */
    const char *content_type;
    void *state;
    struct buf body;
    size_t body_reserved; /* bytes of server.large_bodies */
    const char *detail;
    const char *note;
    const char *problem; /* members of an error's document, as JSON text */
    struct reply reply;
};

#endif
