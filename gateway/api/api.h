/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operations work with, and the two things that the server needs of this folder: the route
 * table and the guard. Operations are thin: parse, call core, reply.
 */
#ifndef SG_API_API_H
#define SG_API_API_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "http/route.h"

struct audit;
struct certificates;
struct channels;
struct dpop;
struct identity;
struct files;
struct spaces;
struct chat;
struct hub;
struct keyring_client;
struct keys;
struct signing;
struct logread;
struct oauth;
struct passkeys;
struct secondfactor;
struct web_assets;
struct request;

/* Everything is borrowed for the life of the server. */
struct api {
    struct identity *identity;
    struct files *files;
    struct spaces *spaces;
    struct chat *chat;
    struct hub *hub;
    struct keys *keys;
    struct signing *signing;
    struct logread *log;
    struct audit *audit;
    struct certificates *certificates;
    struct channels *channels;
    struct secondfactor *factors;
    struct passkeys *passkeys;
    struct oauth *oauth;
    struct dpop *dpop;
    struct keyring_client *keyring; /* states the time */
    const struct web_assets *web;   /* index page, modules, OpenAPI document */
    const char *ca_file;            /* the CA's certificate (PEM), replaced now and then */
    const char *crl_file;           /* its revocation list (DER), likewise */
    size_t max_file_bytes;
    /* Readiness: SG_OK, or why not, with a static text for the client. */
    enum sg_err (*ready)(void *ctx, const char **ret_reason);
    void *ready_ctx;
    atomic_bool certificates_asked, certificates_required; /* of clients; change with SIGHUP */
    bool metrics_public;                                   /* else loopback or admin only */
};

/* The route table: the whole API at a glance (api/routes.c). */
extern const struct route api_routes[];
extern const size_t api_route_count;

/* The cookie with the access token of a browser that listens to events. */
#define SG_EVENTS_COOKIE "__Secure-secgate-events"

/* Decides access: bearer token (or, for rows that say so, the cookie), role, scopes; sets the
 * principal. Does not block. */
enum sg_err api_guard(struct request *r, const struct route *route);

#endif
