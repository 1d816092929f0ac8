/* SPDX-License-Identifier: Apache-2.0 */
/* Wires rules, operations and server together, then obeys the parent. */
#include "app/worker.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "api/web_assets.h"
#include "app/config.h"
#include "app/control.h"
#include "app/layout.h"
#include "app/sandbox.h"
#include "app/worker_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/audit.h"
#include "core/certificates.h"
#include "core/channels.h"
#include "core/chat.h"
#include "core/identity.h"
#include "core/oauth.h"
#include "http/server.h"
#include "ipc/channel.h"
#include "ipc/keyring_client.h"

#define FIRST_LISTEN_FD 4
#define LARGE_BLOCK     (1024 * 1024)
#define CHANNELS_MS     10000 /* for the first channels to the keyring */
#define PRUNE_SECONDS   60

static void fill_limits(const struct config *c, struct server_limits *l)
{
    server_limits_default(l);
    l->connections = c->connections;
    l->connections_per_address = c->connections_per_address;
    l->header_bytes = c->header_bytes;
    l->header_seconds = c->header_seconds;
    l->idle_seconds = c->idle_seconds;
    l->body_seconds = c->body_seconds;
    l->body_bytes_per_second = c->body_bytes_per_second;
    l->stream_seconds = c->stream_seconds;
    l->pool_threads = c->pool_threads;
    l->pool_queue = c->pool_queue;
    l->drain_seconds = c->drain_seconds;
    l->event_threads = c->event_threads;
}

static enum sg_err start_server(struct worker *w)
{
    struct server_config server = {.listen_fds = w->listen_fds,
                                   .listen_count = w->listen_count,
                                   .routes = api_routes,
                                   .route_count = api_route_count,
                                   .app = &w->api,
                                   .guard = api_guard,
                                   .cors_origins = (const char *const *)w->config.cors_origins.item,
                                   .cors_count = w->config.cors_origins.count,
                                   .ticket_rotate_seconds = w->config.tls_ticket_seconds};
    struct worker_trust trust = {.bundle = NULL};
    enum sg_err err;

    w->api = (struct api){.identity = w->identity,
                          .audit = w->audit,
                          .certificates = w->certificates,
                          .factors = w->factors,
                          .oauth = w->oauth,
                          .dpop = w->dpop,
                          .passkeys = w->passkeys,
                          .files = w->files,
                          .spaces = w->spaces,
                          .chat = w->chat,
                          .hub = w->hub,
                          .keys = w->keys,
                          .signing = w->signing,
                          .log = w->log,
                          .channels = w->channels,
                          .keyring = w->keyring,
                          .web = w->web,
                          .ca_file = w->layout.tls_ca,
                          .crl_file = w->layout.crl,
                          .max_file_bytes = w->config.file_bytes,
                          .ready = worker_is_ready,
                          .ready_ctx = w,
                          .metrics_public = w->config.metrics_public};
    fill_limits(&w->config, &server.limits);
    worker_set_mode(w, w->config.client_certificates);
    err = worker_load_tls(w, w->config.client_certificates, &w->config.client_ca, &trust);
    if (err == SG_OK) {
        certificates_trust_use(w->certificates, &trust.clients);
        err = server_start(&server, trust.bundle, &w->server);
        worker_trust_fini(&trust);
    }
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "server.start", SG_STR("error", err_code(err)));
    return err;
}

/* -- the parent's messages --------------------------------------------------------------------- */

static void reload(struct worker *w, struct control *m)
{
    struct control done = {.type = SG_CONTROL_RELOADED};

    log_setup("worker", (enum log_format)m->log_format, (enum log_level)m->log_level);
    done.result = worker_reload_tls(w, m->client_certificates, &m->client_ca);
    config_list_fini(&m->client_ca);
    certificates_prune(w->certificates); /* which reads the lists of other CAs again */
    if (control_send(SG_WORKER_CONTROL_FD, &done, NULL, 0) != SG_OK)
        _exit(1); /* no parent, no gateway */
}

/* Waits for a message or a timeout; a parent that is gone or talks nonsense ends the process at
 * once. */
static enum sg_err next_message(struct worker *w, int timeout_ms, struct control *m)
{
    int fds[SG_IPC_FDS_MAX];
    size_t nfds = 0;
    enum sg_err err = control_receive(SG_WORKER_CONTROL_FD, timeout_ms, m, fds, &nfds);

    if (err == SG_ERR_TIMEOUT)
        return err;
    if (err != SG_OK)
        _exit(1);
    if (m->type == SG_CONTROL_CHANNELS)
        keyring_client_attach(w->keyring, fds, nfds);
    return SG_OK;
}

static void obey(struct worker *w)
{
    int64_t prune_ns = clock_monotonic_ns() + PRUNE_SECONDS * SG_NS_PER_S;
    struct control m;

    for (;;) {
        if (next_message(w, 1000, &m) == SG_OK) {
            if (m.type == SG_CONTROL_DRAIN)
                return;
            if (m.type == SG_CONTROL_RELOAD)
                reload(w, &m);
        }
        if (clock_monotonic_ns() >= prune_ns || chat_prune_wanted(w->chat)) {
            identity_prune(w->identity);
            channels_prune(w->channels);
            audit_prune(w->audit);
            certificates_prune(w->certificates);
            oauth_prune(w->oauth);
            prune_ns = clock_monotonic_ns();
            if (!chat_prune(w->chat)) /* else at once, but other messages come first */
                prune_ns += PRUNE_SECONDS * SG_NS_PER_S;
        }
    }
}

static enum sg_err start(struct worker *w, const char *argv0, struct buf *errors)
{
    struct control m;
    enum sg_err err = layout_find(&w->config, argv0, &w->layout, errors);

    if (err != SG_OK)
        return err;
    w->keyring = keyring_client_new();
    if (w->keyring == NULL)
        return SG_ERR_NO_MEMORY;
    err = web_assets_load(w->layout.web, w->layout.openapi, &w->web);
    if (err != SG_OK) {
        buf_printf(errors, "%s: cannot be read\n", w->layout.web);
        return err;
    }
    sandbox_confine(&w->layout, &w->config);
    err = next_message(w, CHANNELS_MS, &m);
    if (err == SG_OK)
        err = worker_open_stores(w);
    if (err == SG_OK)
        err = worker_start_core(w);
    if (err == SG_OK)
        err = start_server(w);
    return err;
}

static void stop(struct worker *w)
{
    unsigned forced = 0;

    if (w->server != NULL)
        server_drain(&w->server, &forced);
    if (forced > 0)
        log_write(SG_LOG_WARN, "drain.forced", SG_INT("connections", forced));
    worker_end_core(w);
    keyring_client_free(w->keyring);
    layout_fini(&w->layout);
    config_fini(&w->config);
}

int worker_run(int argc, char **argv)
{
    static struct worker w; /* large, and borrowed by the server's threads */
    const struct control ready = {.type = SG_CONTROL_READY};
    SG_BUF_CLEANUP struct buf errors;
    enum sg_err err;
    int rest;

    sandbox_harden();
    /* A fixed threshold: malloc would otherwise keep the largest block (bodies, hashes with more
     * than one lane) after its first use, once for every thread's arena. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    buf_init(&errors, 16384);
    if (argc < 3)
        return 1;
    for (w.listen_count = 0; w.listen_count < (size_t)strtoul(argv[2], NULL, 10); w.listen_count++)
        w.listen_fds[w.listen_count] = FIRST_LISTEN_FD + (int)w.listen_count;
    err = config_load(argc - 2, argv + 2, NULL, &w.config, &rest, &errors);
    if (err != SG_OK) {
        fprintf(stderr, "worker: %s", buf_str(&errors));
        return 1;
    }
    log_setup("worker", (enum log_format)w.config.log_format, (enum log_level)w.config.log_level);
    err = start(&w, argv[0], &errors);
    if (err == SG_OK)
        err = control_send(SG_WORKER_CONTROL_FD, &ready, NULL, 0);
    if (err == SG_OK)
        obey(&w);
    else
        log_write(SG_LOG_ERROR, "worker.start", SG_STR("error", err_code(err)),
                  SG_STR("detail", buf_str(&errors)));
    stop(&w);
    return err == SG_OK ? 0 : 1;
}
