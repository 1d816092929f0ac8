/* SPDX-License-Identifier: Apache-2.0 */
/* Wires storage, rules, operations and server together, then obeys the parent. */
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
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "certs/pki.h"
#include "core/chat.h"
#include "core/files.h"
#include "core/hub.h"
#include "core/identity.h"
#include "core/keys.h"
#include "core/logread.h"
#include "core/signing.h"
#include "core/spaces.h"
#include "http/server.h"
#include "http/tls.h"
#include "ipc/channel.h"
#include "ipc/keyring_client.h"
#include "ipc/signing_log.h"
#include "store/fsblobs.h"
#include "store/sqlite.h"

#define CONTROL_FD      3
#define FIRST_LISTEN_FD 4
#define LARGE_BLOCK     (1024 * 1024)
#define CHANNELS_MS     10000 /* for the first channels to the keyring */
#define PRUNE_SECONDS   60
#define PRESENCE_MS     10000 /* between two polls of somebody who is there */
#define SETUP_CODE_MS   2000  /* for the parent to remove the file */

struct worker {
    struct config config;
    struct layout layout;
    int listen_fds[SG_CONFIG_LIST_MAX];
    size_t listen_count;
    struct keyring_client *keyring;
    struct sqlite_store *db;
    struct fsblobs *blobs;
    struct identity *identity;
    struct hub *hub;
    struct spaces *spaces;
    struct chat *chat;
    struct files *files;
    struct keys *keys;
    struct logread *log;
    struct witness_pool *witnesses;
    struct signing *signing;
    struct web_assets *web;
    struct api api;
    struct server *server;
};

/* -- the keyring as the TLS key ---------------------------------------------------------------- */

static enum sg_err signer_has_key(void *ctx, const uint8_t spki_sha256[32], uint32_t *ret_algorithm,
                                  uint32_t *ret_bits)
{
    return keyring_client_has_tls_key(ctx, spki_sha256, ret_algorithm, ret_bits);
}

static enum sg_err signer_sign(void *ctx, const uint8_t spki_sha256[32], uint32_t sign_algorithm,
                               const uint8_t *digest, size_t digest_len, uint8_t *ret_signature,
                               size_t cap, size_t *ret_len)
{
    struct keyring_sign_tls m = {.sign_algorithm = sign_algorithm, .digest_len = digest_len};

    if (digest_len > sizeof m.digest)
        return SG_ERR_BAD_FIELD;
    memcpy(m.spki_sha256, spki_sha256, sizeof m.spki_sha256);
    memcpy(m.digest, digest, digest_len);
    return keyring_client_sign_tls(ctx, &m, ret_signature, cap, ret_len);
}

static enum sg_err load_bundle(struct worker *w, struct tls_bundle **ret)
{
    const struct tls_signer signer = {w->keyring, signer_has_key, signer_sign};
    SG_BUF_CLEANUP struct buf pem;
    enum sg_err err;

    buf_init(&pem, SG_PKI_PEM_MAX);
    err = file_read(w->layout.certificate, &pem);
    if (err == SG_OK)
        err = tls_bundle_load((const char *)pem.data, pem.len, &signer, ret);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "certificate.load", SG_STR("file", w->layout.certificate),
                  SG_STR("error", err_code(err)));
    return err;
}

/* -- start ------------------------------------------------------------------------------------- */

/* The confined worker may not change the data directory itself: the parent does it. A new code is
 * there before the parent hears that this process is ready; a used one must be gone before the user
 * hears of it. */
static enum sg_err set_setup_code(void *ctx, const char *line)
{
    const struct worker *w = ctx;
    struct control m = {.type = SG_CONTROL_SETUP_CODE};
    enum sg_err err;

    if (line == NULL && access(w->layout.setup_code, F_OK) != 0)
        return SG_OK;
    snprintf(m.line, sizeof m.line, "%s", line == NULL ? "" : line);
    err = control_send(CONTROL_FD, &m, NULL, 0);
    secret_wipe(&m, sizeof m);
    for (unsigned waited_ms = 0; err == SG_OK && line == NULL; waited_ms++) {
        if (access(w->layout.setup_code, F_OK) != 0)
            return SG_OK;
        if (waited_ms == SETUP_CODE_MS)
            return SG_ERR_TIMEOUT;
        usleep(1000);
    }
    return err;
}

static enum sg_err is_ready(void *ctx, const char **ret_reason)
{
    struct worker *w = ctx;

    if (sqlite_store_status(w->db) != SG_OK) {
        *ret_reason = "the database does not take writes";
        return SG_ERR_UNAVAILABLE;
    }
    if (keyring_client_status(w->keyring) != SG_OK) {
        *ret_reason = "the keyring does not answer";
        return SG_ERR_UNAVAILABLE;
    }
    return SG_OK;
}

static enum sg_err open_stores(struct worker *w)
{
    enum sg_err err = sqlite_store_open(w->layout.db, &w->db);

    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "database.open", SG_STR("dir", w->layout.db),
                  SG_STR("error", err_code(err)));
        return err;
    }
    err = fsblobs_open(w->layout.data, w->config.reserve_bytes, &w->blobs);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "blobs.open", SG_STR("dir", w->layout.data),
                  SG_STR("error", err_code(err)));
    return err;
}

static void rights_changed(void *ctx, int64_t user_id)
{
    struct worker *w = ctx;

    spaces_rights_changed(w->spaces, user_id);
}

static enum sg_err make_identity(struct worker *w)
{
    const struct config *c = &w->config;
    struct users_store users = sqlite_store_users(w->db);
    struct sessions_store sessions = sqlite_store_sessions(w->db);
    const struct identity_config identity = {.signup = (enum signup_mode)c->signup,
                                             .issuer = c->issuer,
                                             .audience = "secgate",
                                             .access_token_s = c->access_token_seconds,
                                             .session_s = c->session_seconds,
                                             .argon2_memory_kib = c->argon2_memory_kib,
                                             .argon2_passes = c->argon2_passes,
                                             .argon2_parallel = c->argon2_lanes,
                                             .argon2_concurrent = c->argon2_concurrent,
                                             .setup_code_file = w->layout.setup_code,
                                             .set_setup_code = set_setup_code,
                                             .setup_ctx = w};

    w->identity = identity_new(&users, &sessions, w->keyring, &identity);
    return w->identity == NULL ? SG_ERR_NO_MEMORY : SG_OK;
}

static enum sg_err make_hub(struct worker *w)
{
    const struct hub_config config = {.waiters = w->config.waiters,
                                      .waiters_per_user = w->config.waiters_per_user,
                                      .waiters_per_address = w->config.waiters_per_address,
                                      .presence_grace_ms = PRESENCE_MS};
    struct events_store events = sqlite_store_events(w->db);
    uint64_t head = 0;
    enum sg_err err = events.vt->head(events.self, &head);

    return err == SG_OK ? hub_new(&config, head, &w->hub) : err;
}

static enum sg_err make_spaces(struct worker *w)
{
    const struct chat_config chat = {.retention_s = w->config.retention_seconds,
                                     .retention_count = w->config.retention_events};
    const struct files_config file_rules = {.max_file_bytes = w->config.file_bytes};
    struct spaces_store spaces = sqlite_store_spaces(w->db);
    struct events_store events = sqlite_store_events(w->db);
    struct files_store files = sqlite_store_files(w->db);
    struct blobs_store blobs = fsblobs_store(w->blobs);

    w->spaces = spaces_new(&spaces, w->identity, w->hub);
    if (w->spaces == NULL)
        return SG_ERR_NO_MEMORY;
    /* Before the first event: the hub must hear of all of them. */
    events.vt->set_sink(events.self, spaces_publish, w->spaces);
    identity_watch(w->identity, rights_changed, w);
    w->files = files_new(&files, &blobs, &events, w->spaces, &file_rules);
    if (w->files == NULL)
        return SG_ERR_NO_MEMORY;
    return chat_new(&events, w->spaces, w->hub, w->identity, &chat, &w->chat);
}

static enum sg_err log_state(void *ctx, struct keyring_log_state *ret)
{
    return keyring_client_log_state(ctx, ret);
}

static enum sg_err make_log(struct worker *w)
{
    enum sg_err err = logread_new(
        &(struct logread_options){.dir = w->layout.log, .state = log_state, .ctx = w->keyring},
        &w->log);

    return err == SG_OK ? witness_new(&(struct witness_options){.log = w->log}, &w->witnesses)
                        : err;
}

static enum sg_err make_signing(struct worker *w)
{
    struct users_store users = sqlite_store_users(w->db);
    struct signatures_store signatures = sqlite_store_signatures(w->db);
    struct files_store files = sqlite_store_files(w->db);
    struct blobs_store blobs = fsblobs_store(w->blobs);
    enum sg_err err = make_log(w);

    if (err != SG_OK)
        return err;
    w->keys = keys_new(&users, w->keyring);
    if (w->keys == NULL)
        return SG_ERR_NO_MEMORY;
    return signing_new(&(struct signing_options){.store = &signatures,
                                                 .files = &files,
                                                 .blobs = &blobs,
                                                 .spaces = w->spaces,
                                                 .keys = w->keys,
                                                 .keyring = w->keyring,
                                                 .log = w->log,
                                                 .witnesses = w->witnesses},
                       &w->signing);
}

/* What is in the log and not in the index. The gateway runs without it: everything but signatures
 * does not need it. */
static void reindex(struct worker *w)
{
    uint64_t count = 0;
    enum sg_err err = signing_reindex(w->signing, &count);

    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "signing.reindex", SG_STR("error", err_code(err)));
    else if (count > 0)
        log_write(SG_LOG_INFO, "signing.reindex", SG_INT("count", count));
}

static enum sg_err start_core(struct worker *w)
{
    enum sg_err err = make_identity(w);

    if (err == SG_OK)
        err = make_hub(w);
    if (err == SG_OK)
        err = make_spaces(w);
    if (err == SG_OK)
        err = make_signing(w);
    if (err == SG_OK)
        err = identity_start(w->identity);
    if (err == SG_OK)
        err = files_start_collector(w->files);
    if (err == SG_OK)
        reindex(w);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "core.start", SG_STR("error", err_code(err)));
    return err;
}

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
    struct tls_bundle *bundle = NULL;
    enum sg_err err;

    w->api = (struct api){.identity = w->identity,
                          .files = w->files,
                          .spaces = w->spaces,
                          .chat = w->chat,
                          .hub = w->hub,
                          .keys = w->keys,
                          .signing = w->signing,
                          .log = w->log,
                          .keyring = w->keyring,
                          .web = w->web,
                          .ca_file = w->layout.tls_ca,
                          .crl_file = w->layout.crl,
                          .max_file_bytes = w->config.file_bytes,
                          .ready = is_ready,
                          .ready_ctx = w,
                          .metrics_public = w->config.metrics_public};
    fill_limits(&w->config, &server.limits);
    err = load_bundle(w, &bundle);
    if (err == SG_OK)
        err = server_start(&server, bundle, &w->server);
    tls_bundle_unref(bundle);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "server.start", SG_STR("error", err_code(err)));
    return err;
}

/* -- the parent's messages --------------------------------------------------------------------- */

static void reload(struct worker *w, const struct control *m)
{
    struct control done = {.type = SG_CONTROL_RELOADED};
    struct tls_bundle *bundle = NULL;

    log_setup("worker", (enum log_format)m->log_format, (enum log_level)m->log_level);
    done.result = load_bundle(w, &bundle);
    if (done.result == SG_OK)
        server_set_tls(w->server, bundle);
    tls_bundle_unref(bundle);
    if (control_send(CONTROL_FD, &done, NULL, 0) != SG_OK)
        _exit(1); /* no parent, no gateway */
}

/* Waits for a message or a timeout; a parent that is gone or talks nonsense ends the process at
 * once. */
static enum sg_err next_message(struct worker *w, int timeout_ms, struct control *m)
{
    int fds[SG_IPC_FDS_MAX];
    size_t nfds = 0;
    enum sg_err err = control_receive(CONTROL_FD, timeout_ms, m, fds, &nfds);

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
    sandbox_confine(&w->layout, w->config.tls_certificate);
    err = next_message(w, CHANNELS_MS, &m);
    if (err == SG_OK)
        err = open_stores(w);
    if (err == SG_OK)
        err = start_core(w);
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
    web_assets_free(w->web);
    signing_free(w->signing);
    witness_free(w->witnesses);
    logread_free(w->log);
    keys_free(w->keys);
    files_free(w->files);
    fsblobs_close(w->blobs);
    sqlite_store_close(w->db); /* it may have told the hub of events until here */
    chat_free(w->chat);
    spaces_free(w->spaces);
    hub_free(w->hub);
    identity_free(w->identity);
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
    /* A fixed threshold: password hashes take 19 MiB each, which malloc would otherwise keep after
     * the first, once for every thread's arena. */
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
        err = control_send(CONTROL_FD, &ready, NULL, 0);
    if (err == SG_OK)
        obey(&w);
    else
        log_write(SG_LOG_ERROR, "worker.start", SG_STR("error", err_code(err)),
                  SG_STR("detail", buf_str(&errors)));
    stop(&w);
    return err == SG_OK ? 0 : 1;
}
