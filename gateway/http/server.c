/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and ends the parts of the server; it handles no request itself. */
#include "http/server.h"

#include <gnutls/abstract.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "http/accept.h"
#include "http/access.h"
#include "http/drain.h"
#include "http/life.h"
#include "http/linger.h"
#include "http/park.h"
#include "http/reaper.h"
#include "http/stall.h"
#include "http/transport.h"
#include "http/loop.h"

#define LOOPS_MAX 64

void server_limits_default(struct server_limits *limits)
{
    *limits = (struct server_limits){
        .connections = 10000,
        .connections_per_address = 1000,
        .header_bytes = 6144,
        .header_seconds = 10,
        .idle_seconds = 60,
        .body_seconds = 8,
        .body_bytes_per_second = 1024,
        .stream_seconds = 60,
        .pool_threads = 8,
        .pool_queue = 1024,
        .drain_seconds = 30,
    };
}

/* -- libmicrohttpd's notifications
 * ------------------------------------------------------------------ */

static void connection_started(struct loop *loop, struct MHD_Connection *connection, void **context)
{
    struct server *s = loop->server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct conn *c = info != NULL ? registry_start(s->registry, info->connect_fd) : NULL;

    *context = c;
    if (c == NULL)
        return;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    c->session = info->tls_session;
    c->mhd = connection;
    pthread_mutex_lock(&s->tls_lock);
    c->bundle = tls_bundle_ref(s->bundle);
    pthread_mutex_unlock(&s->tls_lock);
    tls_session_prepare(c->session, c->bundle, s->tickets);
    transport_attach(c, c->session);
}

/* The TLS session is gone already, the descriptor is still open. */
static void connection_closed(struct loop *loop, struct conn *c)
{
    struct server *s = loop->server;
    int unread = 0;

    if (!c->cut && !c->linger && ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0)
        c->linger = true;
    if (c->linger)
        linger_add(s->linger, c->fd);
    transport_detach(c);
    tls_bundle_unref(c->bundle);
    atomic_fetch_sub(&loop->connections, 1);
    registry_remove(s->registry, c);
}

static void notify_connection(void *cls, struct MHD_Connection *connection, void **context,
                              enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_started(cls, connection, context);
    else if (*context != NULL)
        connection_closed(cls, *context);
}

/* Escapes are decoded where it is known what they mean. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

/* libmicrohttpd asks for some source of certificates; each session is given its own. */
static int no_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                          const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                          gnutls_pcert_st **certificates, unsigned *certificate_count,
                          gnutls_privkey_t *key)
{
    (void)session;
    (void)names;
    (void)name_count;
    (void)algorithms;
    (void)algorithm_count;
    (void)certificates;
    (void)certificate_count;
    (void)key;
    return -1;
}

static void panic(void *cls, const char *file, unsigned line, const char *reason)
{
    (void)cls;
    log_write(SG_LOG_ERROR, "microhttpd.panic", SG_STR("file", file), SG_INT("line", line),
              SG_STR("reason", reason));
    abort();
}

/* -- start
 * ------------------------------------------------------------------------------------------ */

static enum sg_err start_loop(struct server *s, struct loop *loop)
{
    const struct server_limits *limits = &s->config.limits;
    uint8_t prefix[8];
    enum sg_err err;

    loop->server = s;
    rng_bytes(prefix, sizeof prefix);
    encode_hex(prefix, sizeof prefix, loop->id_prefix);
    loop->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_TLS |
            MHD_USE_NO_LISTEN_SOCKET,
        0, NULL, NULL, access_handle, loop, MHD_OPTION_URI_LOG_CALLBACK, access_begin, loop,
        MHD_OPTION_NOTIFY_COMPLETED, access_completed, loop, MHD_OPTION_NOTIFY_CONNECTION,
        notify_connection, loop, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, loop,
        MHD_OPTION_CONNECTION_LIMIT, limits->connections + 64, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)limits->header_bytes + SG_REPLY_HEAD_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, -1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_HTTPS_PRIORITIES, tls_session_priority, MHD_OPTION_HTTPS_CERT_CALLBACK,
        no_certificate, MHD_OPTION_END);
    if (loop->daemon == NULL)
        return SG_ERR_UNAVAILABLE;
    err = loop_start(loop);
    if (err != SG_OK)
        MHD_stop_daemon(loop->daemon);
    return err;
}

static enum sg_err start_loops(struct server *s)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned count = s->config.limits.event_threads;
    enum sg_err err = SG_OK;

    if (count == 0)
        count = cores > 0 ? (unsigned)cores : 1;
    count = count < LOOPS_MAX ? count : LOOPS_MAX;
    s->loops = calloc(count, sizeof *s->loops);
    if (s->loops == NULL)
        return SG_ERR_NO_MEMORY;
    while (s->loop_count < count && err == SG_OK) {
        err = start_loop(s, &s->loops[s->loop_count]);
        if (err == SG_OK)
            s->loop_count++;
    }
    return err;
}

static void server_free(struct server *s)
{
    accepter_free(s->accepter);
    for (unsigned i = 0; i < s->loop_count; i++) {
        loop_stop(&s->loops[i]);
        MHD_stop_daemon(s->loops[i].daemon);
    }
    pool_free(s->pool);
    pool_free(s->slow_pool);
    pool_free(s->long_pool);
    for (unsigned i = 0; i < s->loop_count; i++) {
        request_free_all(&s->loops[i]);
        free(s->loops[i].spare);
        free(s->loops[i].held);
    }
    reaper_free(s->reaper);
    linger_free(s->linger);
    stall_free(s->stall);
    park_free(s->park);
    registry_free(s->registry);
    tls_tickets_free(s->tickets);
    route_index_free(s->routes);
    tls_bundle_unref(s->bundle);
    pthread_mutex_destroy(&s->tls_lock);
    free(s->loops);
    free(s);
}

/* Descriptors for all connections, as far as the system gives them. */
static void raise_descriptor_limit(const struct server_limits *limits)
{
    rlim_t want = (rlim_t)limits->connections + 1024;
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0)
        return;
    now.rlim_cur = now.rlim_max; /* downloads and uploads have one each, too */
    (void)setrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_cur < want)
        log_write(SG_LOG_WARN, "server.descriptors", SG_INT("limit", now.rlim_cur),
                  SG_INT("wanted", want));
}

static enum sg_err start_parts(struct server *s)
{
    const struct server_limits *limits = &s->config.limits;
    enum sg_err err =
        registry_new(limits->connections, limits->connections_per_address, &s->registry);

    s->routes = route_index_new(s->config.routes, s->config.route_count);
    if (err == SG_OK && s->routes == NULL)
        err = SG_ERR_NO_MEMORY;
    if (err == SG_OK)
        err = pool_new(limits->pool_threads, limits->pool_queue, &s->pool);
    if (err == SG_OK) /* a long queue here would only be a long wait */
        err = pool_new(limits->pool_threads / 2 + 1, limits->pool_queue / 8 + 1, &s->slow_pool);
    if (err == SG_OK)
        err = pool_new(limits->pool_threads / 2 + 1, limits->pool_queue, &s->long_pool);
    if (err == SG_OK)
        err = tls_tickets_new(s->config.ticket_rotate_seconds, &s->tickets);
    if (err == SG_OK)
        err = linger_new(&s->linger);
    if (err == SG_OK)
        err = stall_new(&s->stall);
    if (err == SG_OK)
        err = park_new(s->registry, &s->park);
    if (err == SG_OK)
        err = reaper_new(s->registry, s->tickets, &s->reaper);
    if (err == SG_OK)
        err = start_loops(s);
    if (err == SG_OK)
        err = accepter_new(s, &s->accepter);
    return err;
}

enum sg_err server_start(const struct server_config *config, struct tls_bundle *bundle,
                         struct server **ret)
{
    enum sg_err err;
    struct server *s;

    if (config->route_count >= SG_METRICS_OPS || config->limits.body_bytes_per_second == 0)
        return SG_ERR_BAD_FIELD;
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return SG_ERR_NO_MEMORY;
    s->config = *config;
    s->bundle = tls_bundle_ref(bundle);
    atomic_init(&s->trust_generation, 1);
    pthread_mutex_init(&s->tls_lock, NULL);
    if (s->config.ticket_rotate_seconds == 0)
        s->config.ticket_rotate_seconds = 3600;
    for (size_t i = 0; i < config->route_count; i++)
        metrics_name_op((unsigned)i, config->routes[i].operation_id);
    metrics_name_op((unsigned)config->route_count, "none");
    MHD_set_panic_func(panic, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit(&config->limits);
    err = start_parts(s);
    if (err != SG_OK) {
        server_free(s);
        return err;
    }
    *ret = s;
    return SG_OK;
}

void server_set_tls(struct server *s, struct tls_bundle *bundle)
{
    struct tls_bundle *old;

    (void)tls_bundle_ref(bundle);
    pthread_mutex_lock(&s->tls_lock);
    old = s->bundle;
    s->bundle = bundle;
    atomic_fetch_add(&s->trust_generation, 1);
    pthread_mutex_unlock(&s->tls_lock);
    tls_bundle_unref(old);
    /* A resumed session would go on under the old certificate. The client's own is verified again
     * whenever it is resumed, and at the next request of a connection that is open. */
    tls_tickets_rotate(s->tickets);
    metrics_add(SG_METRIC_RELOADS, 1);
}

void server_drain(struct server **s, unsigned *ret_forced)
{
    unsigned forced = drain_connections(*s);

    server_free(*s);
    *s = NULL;
    if (ret_forced != NULL)
        *ret_forced = forced;
}
