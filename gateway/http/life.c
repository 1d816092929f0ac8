/* SPDX-License-Identifier: Apache-2.0 */
/* Birth and end of requests; it never looks at what they ask. */
#include "http/life.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/dispatch.h"
#include "http/enclosure.h"
#include "http/reply.h"

struct request *request_new(struct loop *loop)
{
    struct request *r = loop->free;

    if (r != NULL) {
        loop->free = r->next_free;
        loop->free_count--;
    } else {
        r = malloc(sizeof *r);
        if (r == NULL)
            return NULL;
        r->arena = arena_new(SG_ARENA_MAX);
        if (r->arena == NULL) {
            free(r);
            return NULL;
        }
        pthread_mutex_init(&r->mutex, NULL);
    }
    memset((char *)r + offsetof(struct request, conn), 0,
           sizeof *r - offsetof(struct request, conn));
    r->content_type = "";
    r->reply.fd = -1;
    r->reply.fields_end = &r->reply.fields;
    r->loop = loop;
    r->server = loop->server;
    return r;
}

static void request_free(struct request *r)
{
    arena_free(r->arena);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}

/* Back to its loop, or freed when the loop's connection is gone (then this may be another thread).
 */
static void request_release(struct request *r)
{
    struct loop *loop = r->loop;

    if (r->mhd == NULL) {
        conn_unref(r->conn);
        request_free(r);
        return;
    }
    if (loop->free_count >= SG_FREE_REQUESTS) {
        request_free(r);
        return;
    }
    arena_reset(r->arena);
    r->next_free = loop->free;
    loop->free = r;
    loop->free_count++;
}

void request_free_all(struct loop *loop)
{
    while (loop->free != NULL) {
        struct request *r = loop->free;

        loop->free = r->next_free;
        request_free(r);
    }
}

static void log_operation(struct request *r, const struct outcome *o)
{
    const struct route *route = r->match.route;

    if (!log_enabled(SG_LOG_INFO))
        return;
    log_write(
        SG_LOG_INFO, "request", SG_STR("id", r->id), SG_STR("method", http_method_name(r->method)),
        SG_STR("operation", route != NULL ? route->operation_id : NULL),
        SG_STR("within", o->within), SG_STR("path", r->path), SG_INT("status", o->status),
        SG_INT("in", o->in), SG_INT("out", o->out), SG_INT("duration_us", o->duration_ns / 1000),
        SG_STR("address", r->conn->address), SG_STR("user", r->principal_name),
        SG_STR("code", r->err != SG_OK ? err_code(r->err) : NULL), SG_STR("note", r->note));
}

void request_operation_over(struct request *r, const struct outcome *outcome)
{
    const struct server_config *config = &r->server->config;
    const struct route *route = r->match.route;
    size_t op = route != NULL ? (size_t)(route - config->routes) : config->route_count;

    if (r->begun && route->operation->end != NULL)
        route->operation->end(r);
    log_operation(r, outcome);
    metrics_request((unsigned)op, outcome->status, outcome->duration_ns);
}

void request_over(struct request *r)
{
    int64_t now_ns = clock_monotonic_ns();
    struct outcome outcome;

    if (enclose_entered(r))
        enclose_abandon(r);
    if (r->status == 0)
        r->status = err_status(SG_ERR_CANCELLED);
    outcome = (struct outcome){.status = r->status,
                               .in = r->received,
                               .out = r->sent,
                               .duration_ns = now_ns - r->started_ns};
    request_operation_over(r, &outcome);
    metrics_add(SG_METRIC_REQUESTS_ACTIVE, -1);
    if (r->received > 0)
        metrics_add(SG_METRIC_BYTES_IN, (int64_t)r->received);
    if (r->sent > 0)
        metrics_add(SG_METRIC_BYTES_OUT, (int64_t)r->sent);
    if (r->mhd != NULL) {
        conn_deadline(r->conn,
                      now_ns + (int64_t)r->server->config.limits.idle_seconds * SG_NS_PER_S);
        atomic_store(&r->conn->busy, false);
    }
    reply_fini(r);
    buf_wipe(&r->body);
    dispatch_release_body(r);
    request_release(r);
}
