/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one state machine that drives libmicrohttpd's access handler, from the request line to the
 * end of the answer. The phases are explicit (README.md); it never guesses from the arguments where
 * a request is.
 */
#include "http/access.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/dispatch.h"
#include "http/enclosure.h"
#include "http/head.h"
#include "http/life.h"
#include "http/loop.h"
#include "http/park.h"
#include "http/peer.h"
#include "http/reply.h"
#include "http/upload.h"
#include "http/wait.h"

/* -- what libmicrohttpd tells besides -------------------------------------------------------------
 */

void *access_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct loop *loop = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *c = info != NULL ? info->socket_context : NULL;
    struct request *r;
    int64_t deadline_ns;

    if (c == NULL)
        return NULL;
    r = request_new(loop);
    if (r == NULL)
        return NULL;
    r->conn = c;
    r->mhd = connection;
    r->started_ns = clock_monotonic_ns();
    r->body_since_ns = r->started_ns;
    atomic_store(&c->busy, true);
    deadline_ns = r->started_ns + (int64_t)loop->server->config.limits.header_seconds * SG_NS_PER_S;
    if (deadline_ns < atomic_load_explicit(&c->deadline_ns, memory_order_relaxed))
        conn_deadline(c, deadline_ns);
    metrics_add(SG_METRIC_REQUESTS_ACTIVE, 1);
    head_target(r, target);
    return r;
}

void access_completed(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct request *r = *context;

    (void)cls;
    (void)connection;
    if (r == NULL)
        return;
    *context = NULL;
    park_leave(r->server->park, r);
    if (r->phase == SG_PHASE_ANSWERED)
        reply_flush(r);
    if (code != MHD_REQUEST_TERMINATED_COMPLETED_OK && r->note == NULL)
        r->note = "the connection ended early";
    if (r->match.route != NULL && r->match.route->body == SG_BODY_STREAM) {
        conn_ref(r->conn);
        if (upload_abandon(r))
            return; /* the job has it now, with that reference */
        conn_unref(r->conn);
    }
    request_over(r);
}

/* -- the steps
 * ------------------------------------------------------------------------------------- */

/* The client has until then, while its body comes at the least rate. */
void request_extend(struct request *r)
{
    const struct server_limits *limits = &r->server->config.limits;

    conn_deadline(r->conn,
                  r->body_since_ns + (int64_t)limits->body_seconds * SG_NS_PER_S +
                      (int64_t)(r->received / limits->body_bytes_per_second) * SG_NS_PER_S);
}

/* Ends the connection before the end of a request, with an answer that has a chance to arrive. */
static enum MHD_Result cut(struct request *r)
{
    r->conn->linger = true;
    reply_send_now(r);
    return MHD_NO;
}

/* An error is the answer, and the body has not been read: where little of it can come, it is
 * dropped and the connection kept; else the answer goes out now, and libmicrohttpd closes the
 * connection after it. */
static enum MHD_Result refuse(struct request *r)
{
    bool small = !r->chunked && r->expect == NULL && r->content_length <= SG_SWALLOW_EARLY;

    if (small && !r->close) {
        r->phase = SG_PHASE_DISCARD;
        return MHD_YES;
    }
    r->close = true;
    r->conn->linger = true;
    return reply_queue(r);
}

static enum MHD_Result take_head(struct request *r, const char *method, const char *version)
{
    peer_look(r->server, r->conn);
    r->err = head_read(r, method, version);
    if (r->err == SG_ERR_HEADERS_TOO_LARGE)
        return cut(r); /* it may have left no room for the head of an answer */
    if (r->err == SG_OK)
        r->err = dispatch(r);
    if (r->err != SG_OK || r->reply.status != 0)
        return refuse(r);
    r->phase = SG_PHASE_BODY;
    if (r->has_body)
        request_extend(r);
    return MHD_YES;
}

static enum MHD_Result take_discard(struct request *r, size_t len)
{
    r->received += len;
    r->swallowed += len;
    request_extend(r);
    return r->swallowed <= SG_SWALLOW_MAX ? MHD_YES : cut(r);
}

static enum MHD_Result take_body(struct request *r, const uint8_t *data, size_t len)
{
    enum sg_err err;

    r->received += len;
    if (r->match.route->body == SG_BODY_STREAM) {
        err = upload_take(r, data, len);
    } else {
        buf_append(&r->body, data, len);
        err = buf_status(&r->body);
        request_extend(r);
    }
    if (err == SG_OK)
        return MHD_YES;
    r->err = err;
    r->phase = SG_PHASE_DISCARD;
    if (!r->chunked && (uint64_t)r->content_length - r->received > SG_SWALLOW_MAX)
        return cut(r);
    return MHD_YES;
}

enum sg_err request_run(struct request *r)
{
    if (pool_cancelled(r->server->pool))
        return SG_ERR_DRAINING;
    return r->match.route->operation->run(r);
}

static struct request *request_of(struct pool_job *job)
{
    return (struct request *)((char *)job - offsetof(struct request, job));
}

/* The answer is there: what is left of a job. */
static void seal_job(struct pool_job *job)
{
    struct request *r = request_of(job);

    if (enclose_entered(r))
        enclose_finish(r);
    pthread_mutex_lock(&r->mutex);
    r->phase = SG_PHASE_READY;
    r->suspended = false;
    loop_resume(r->loop, r->mhd);
    pthread_mutex_unlock(&r->mutex);
}

static void run_job(struct pool_job *job)
{
    struct request *r = request_of(job);

    r->err = request_run(r);
    if (wait_wanted(r))
        wait_from_job(r);
    else
        seal_job(job); /* or a request to enclose: that begins on the event loop */
}

/* Makes the answer on the event loop, where that can be done; true when it is made. */
static bool run_here(struct request *r)
{
    const struct operation *op = r->match.route->operation;
    bool done = true;

    if (!r->match.route->blocks) {
        r->err = request_run(r);
    } else if (op->run_at_once != NULL) {
        done = false;
        r->err = op->run_at_once(r, &done);
        done = done || r->err != SG_OK || wait_wanted(r);
    } else {
        done = false;
    }
    return done;
}

/* Something has woken it, and that has been noted. */
static enum sg_err go_on(struct request *r)
{
    enum request_wake why = r->wait.woken_by;
    enum sg_err err = r->match.route->operation->woken(r, why);

    /* It was told that there is no time left. */
    if (err == SG_OK && why == SG_WAKE_DRAIN && r->wait.watch && wait_wanted(r))
        return SG_ERR_DRAINING;
    return err;
}

static struct pool *pool_of(const struct request *r)
{
    const struct route *route = r->match.route;

    if (route->lasts)
        return r->server->long_pool;
    return route->slow ? r->server->slow_pool : r->server->pool;
}

/* Gives it to a pool job. */
static enum sg_err submit(struct request *r, struct pool *pool, void (*job)(struct pool_job *job))
{
    enum sg_err err;

    pthread_mutex_lock(&r->mutex);
    r->job.run = job;
    err = pool_submit(pool, &r->job, false);
    if (err == SG_OK) {
        /* The job can end, but not tell so before this is unlocked; after that the request is its
         * own. */
        r->phase = SG_PHASE_RUNNING;
        r->suspended = true;
        conn_deadline(r->conn, SG_NO_DEADLINE);
        MHD_suspend_connection(r->mhd);
    }
    pthread_mutex_unlock(&r->mutex);
    return err;
}

/* The answer is there, or the error that it is made of: sends it. That of an enclosed request first
 * becomes that of the one it came in. */
static enum MHD_Result finish(struct request *r)
{
    if (enclose_entered(r)) {
        if (enclose_takes_long(r) && submit(r, r->server->pool, seal_job) == SG_OK)
            return MHD_YES;
        enclose_finish(r);
    }
    return reply_queue(r);
}

static enum MHD_Result run_in_pool(struct request *r)
{
    enum sg_err err = submit(r, pool_of(r), run_job);

    if (err == SG_OK)
        return MHD_YES;
    r->err = err;
    return finish(r);
}

/* The operation has been called: its answer, or the request waits. */
static enum MHD_Result answer_or_wait(struct request *r)
{
    while (wait_wanted(r)) {
        if (r->wait.deferred) {
            r->wait.wanted = false;
            return run_in_pool(r);
        }
        r->phase = SG_PHASE_WAITING;
        if (wait_suspend(r))
            return MHD_YES;
        wait_over(r);
        if (wait_gone(r))
            return MHD_NO;
        r->err = go_on(r);
    }
    return finish(r);
}

static enum MHD_Result take_wake(struct request *r)
{
    wait_over(r);
    if (wait_gone(r))
        return MHD_NO;
    r->err = go_on(r);
    return answer_or_wait(r);
}

static enum MHD_Result run(struct request *r);

/* The operation had a request for us: that takes the place of its own, as if it had come by itself
 * and its body were there. */
static enum MHD_Result run_enclosed(struct request *r)
{
    bool in_job = false;
    enum sg_err err = enclose_enter(r);

    if (err == SG_OK && r->reply.status == 0)
        err = enclose_body(r, &in_job);
    if (in_job)
        return MHD_YES;
    r->err = err;
    return r->err != SG_OK || r->reply.status != 0 ? finish(r) : run(r);
}

/* The whole request is there: makes the answer, here or in a job. */
static enum MHD_Result run(struct request *r)
{
    if (!run_here(r))
        return run_in_pool(r);
    return enclose_wanted(r) ? run_enclosed(r) : answer_or_wait(r);
}

static enum MHD_Result take_end(struct request *r)
{
    if (r->match.route->body == SG_BODY_STREAM && !r->upload.eof)
        return upload_end(r) ? finish(r) : MHD_YES;
    return run(r);
}

enum MHD_Result access_handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **context)
{
    struct request *r = *context;
    size_t len = *size;

    (void)cls;
    (void)connection;
    (void)url;
    if (r == NULL)
        return MHD_NO;
    *size = 0; /* whatever comes is taken */
    switch (r->phase) {
    case SG_PHASE_HEAD:
        return take_head(r, method, version);
    case SG_PHASE_BODY:
        return data != NULL ? take_body(r, (const uint8_t *)data, len) : take_end(r);
    case SG_PHASE_DISCARD:
        return data != NULL ? take_discard(r, len) : reply_queue(r);
    case SG_PHASE_RUNNING:
        return MHD_YES;
    case SG_PHASE_WAITING:
        return take_wake(r);
    case SG_PHASE_READY:
        /* The job that made it so may still be about to unlock. */
        pthread_mutex_lock(&r->mutex);
        pthread_mutex_unlock(&r->mutex);
        return enclose_wanted(r) ? run_enclosed(r) : finish(r);
    case SG_PHASE_ANSWERED:
        return MHD_YES;
    }
    return MHD_NO;
}
