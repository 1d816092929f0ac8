/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the worker share. */
#ifndef SG_APP_WORKER_INTERNAL_H
#define SG_APP_WORKER_INTERNAL_H

#include "api/api.h"
#include "app/config.h"
#include "app/layout.h"
#include "base/err.h"

#define SG_WORKER_CONTROL_FD 3

struct audit;
struct certificates;
struct certificates_trust;
struct channels;
struct chat;
struct dpop;
struct files;
struct fsblobs;
struct fschannels;
struct hub;
struct identity;
struct keyring_client;
struct keys;
struct logread;
struct oauth;
struct passkeys;
struct secondfactor;
struct server;
struct signing;
struct spaces;
struct sqlite_store;
struct tls_bundle;
struct web_assets;
struct witness_pool;

struct worker {
    struct config config;
    struct layout layout;
    int listen_fds[SG_CONFIG_LIST_MAX];
    size_t listen_count;
    struct keyring_client *keyring;
    struct sqlite_store *db;
    struct audit *audit;
    struct certificates *certificates;
    struct fschannels *channel_files;
    struct channels *channels;
    struct secondfactor *factors;
    struct passkeys *passkeys;
    struct oauth *oauth;
    struct dpop *dpop;
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

/* The server's chain and whom of its clients it trusts: for the handshake, and for the rules. */
struct worker_trust {
    struct tls_bundle *bundle;
    struct certificates_trust *clients;
};
/* Reads it, with the CAs of others in `client_ca` (entries of tls.client-ca); `mode` is one of enum
 * client_certificates. What fails is logged. */
enum sg_err worker_load_tls(struct worker *w, unsigned mode, const struct config_list *client_ca,
                            struct worker_trust *ret) SG_MUST_CHECK;
void worker_trust_fini(struct worker_trust *t);
/* Whether clients may, or must, show a certificate. */
void worker_set_mode(struct worker *w, unsigned mode);
/* Reads it anew, for the server that runs; after an error all is as it was. */
enum sg_err worker_reload_tls(struct worker *w, unsigned mode,
                              const struct config_list *client_ca) SG_MUST_CHECK;
/* Opens the stores. */
enum sg_err worker_open_stores(struct worker *w) SG_MUST_CHECK;
/* Makes all that has rules, in order, and starts it. What fails is logged. */
enum sg_err worker_start_core(struct worker *w) SG_MUST_CHECK;
/* The other way; the server has ended. */
void worker_end_core(struct worker *w);
/* For `struct api`. */
enum sg_err worker_is_ready(void *ctx, const char **ret_reason) SG_MUST_CHECK;

#endif
