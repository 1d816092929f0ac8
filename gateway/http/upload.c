/* SPDX-License-Identifier: Apache-2.0 */
/* Queue and job of a streamed body; it never holds more than its bounds, and never a lock while the
 * operation works. */
#include "http/upload.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/life.h"
#include "http/loop.h"
#include "http/wait.h"

static struct request *request_of(struct pool_job *job)
{
    return (struct request *)((char *)job - offsetof(struct request, job));
}

static void free_blocks(struct request *r, struct block *b)
{
    while (b != NULL) {
        struct block *next = b->next;

        atomic_fetch_sub(&r->server->upload_bytes, SG_UPLOAD_BLOCK);
        free(b);
        b = next;
    }
}

static size_t queue_max(struct request *r)
{
    return atomic_load(&r->server->upload_bytes) > SG_UPLOADS_MEMORY ? SG_UPLOAD_BLOCK
                                                                     : SG_UPLOAD_QUEUE;
}

/* Under the request's mutex. */
static void go_on(struct request *r)
{
    int64_t now_ns;

    if (!r->suspended)
        return;
    now_ns = clock_monotonic_ns();
    r->suspended = false;
    r->body_since_ns += now_ns - r->suspended_ns; /* the client could do nothing meanwhile */
    conn_deadline(r->conn, now_ns + (int64_t)r->server->config.limits.body_seconds * SG_NS_PER_S);
    loop_resume(r->loop, r->mhd);
}

/* Under the request's mutex. */
static void hold(struct request *r)
{
    r->suspended = true;
    r->suspended_ns = clock_monotonic_ns();
    conn_deadline(r->conn, SG_NO_DEADLINE);
    MHD_suspend_connection(r->mhd);
}

static bool append(struct request *r, const uint8_t *data, size_t len)
{
    struct upload *u = &r->upload;

    while (len > 0) {
        size_t n;

        if (u->tail == NULL || u->tail->len == SG_UPLOAD_BLOCK) {
            struct block *b = malloc(sizeof *b);

            if (b == NULL)
                return false;
            atomic_fetch_add(&r->server->upload_bytes, SG_UPLOAD_BLOCK);
            b->next = NULL;
            b->len = 0;
            if (u->tail != NULL)
                u->tail->next = b;
            else
                u->head = b;
            u->tail = b;
        }
        n = SG_UPLOAD_BLOCK - u->tail->len;
        n = n < len ? n : len;
        memcpy(u->tail->data + u->tail->len, data, n);
        u->tail->len += n;
        u->pending += n;
        data += n;
        len -= n;
    }
    return true;
}

static void fail_locked(struct request *r, enum sg_err err)
{
    struct upload *u = &r->upload;

    u->err = err;
    free_blocks(r, u->head);
    u->head = NULL;
    u->tail = NULL;
    u->pending = 0;
}

/* The next blocks to work on; NULL when there are none, or the upload has ended. */
static struct block *take_blocks(struct request *r)
{
    struct upload *u = &r->upload;
    struct block *b;

    pthread_mutex_lock(&r->mutex);
    b = u->head;
    u->head = NULL;
    u->tail = NULL;
    pthread_mutex_unlock(&r->mutex);
    return b;
}

/* Hands one list of blocks to the operation. */
static enum sg_err work(struct request *r, struct block *b)
{
    const struct operation *op = r->match.route->operation;
    enum sg_err err = SG_OK;
    bool gone = false;

    while (b != NULL && err == SG_OK && !gone) {
        struct block *next = b->next;

        err = pool_cancelled(r->server->pool) ? SG_ERR_DRAINING : op->body(r, b->data, b->len);
        pthread_mutex_lock(&r->mutex);
        gone = r->upload.abandoned;
        if (!gone && r->upload.err == SG_OK) /* a failure has counted everything out */
            r->upload.pending -= b->len;
        if (!gone && r->upload.pending <= queue_max(r) / 2 && !r->upload.eof)
            go_on(r);
        pthread_mutex_unlock(&r->mutex);
        b->next = NULL;
        free_blocks(r, b);
        b = next;
    }
    free_blocks(r, b);
    return err;
}

/* What comes after a round of work. */
enum next { NEXT_AGAIN, NEXT_IDLE, NEXT_RUN, NEXT_OVER };

static enum next after(struct request *r, enum sg_err err)
{
    struct upload *u = &r->upload;
    enum next next;

    pthread_mutex_lock(&r->mutex);
    if (err == SG_OK)
        err = u->err; /* the event loop had no memory for what came meanwhile */
    if (u->abandoned) {
        next = NEXT_OVER;
    } else if (err != SG_OK) {
        fail_locked(r, err);
        u->active = false;
        if (u->eof) {
            r->err = err;
            r->phase = SG_PHASE_READY;
        }
        next = NEXT_IDLE;
        go_on(r);
    } else if (u->head != NULL) {
        next = NEXT_AGAIN;
    } else if (u->eof) {
        next = NEXT_RUN;
    } else {
        u->active = false;
        next = NEXT_IDLE;
    }
    pthread_mutex_unlock(&r->mutex);
    return next;
}

/* The body is complete and seen. */
static void complete(struct request *r)
{
    if (r->match.route->blocks)
        r->err = request_run(r);
    pthread_mutex_lock(&r->mutex);
    r->upload.active = false;
    if (r->match.route->blocks && wait_wanted(r)) {
        pthread_mutex_unlock(&r->mutex);
        wait_from_job(r); /* the connection is suspended: nothing can end the request before */
        return;
    }
    r->phase = r->match.route->blocks ? SG_PHASE_READY : SG_PHASE_BODY;
    go_on(r);
    pthread_mutex_unlock(&r->mutex);
}

static void upload_job(struct pool_job *job)
{
    struct request *r = request_of(job);
    enum sg_err err = work(r, take_blocks(r));

    switch (after(r, err)) {
    case NEXT_AGAIN:
        /* To the end of the queue: one upload does not keep a thread from the others. */
        err = pool_submit(r->server->pool, &r->job, true);
        (void)err;
        break;
    case NEXT_RUN:
        complete(r);
        break;
    case NEXT_OVER:
        request_over(r);
        break;
    case NEXT_IDLE:
        break;
    }
}

/* Under the request's mutex. */
static void start_job(struct request *r)
{
    enum sg_err err;

    if (r->upload.active)
        return;
    r->upload.active = true;
    r->job.run = upload_job;
    err = pool_submit(r->server->pool, &r->job, true); /* never refused */
    (void)err;
}

enum sg_err upload_take(struct request *r, const uint8_t *data, size_t len)
{
    struct upload *u = &r->upload;
    enum sg_err err = SG_OK;

    pthread_mutex_lock(&r->mutex);
    if (u->err == SG_OK && !append(r, data, len))
        fail_locked(r, SG_ERR_NO_MEMORY);
    err = u->err;
    if (err == SG_OK) {
        request_extend(r);
        if (u->pending >= SG_UPLOAD_BLOCK)
            start_job(r);
        /* It hands over what else it has read even when it is suspended already. */
        if (u->pending >= queue_max(r) && !r->suspended)
            hold(r);
    }
    pthread_mutex_unlock(&r->mutex);
    return err;
}

bool upload_end(struct request *r)
{
    struct upload *u = &r->upload;
    bool failed;

    pthread_mutex_lock(&r->mutex);
    failed = u->err != SG_OK;
    if (failed) {
        r->err = u->err;
    } else {
        u->eof = true;
        r->phase = SG_PHASE_RUNNING;
        if (!r->suspended)
            hold(r);
        start_job(r);
    }
    pthread_mutex_unlock(&r->mutex);
    return failed;
}

enum sg_err upload_whole(struct request *r, const uint8_t *data, size_t len)
{
    enum sg_err err = SG_OK;

    pthread_mutex_lock(&r->mutex);
    if (append(r, data, len)) {
        r->upload.eof = true;
        r->phase = SG_PHASE_RUNNING;
        hold(r);
        start_job(r);
    } else {
        err = SG_ERR_NO_MEMORY;
        fail_locked(r, err);
    }
    pthread_mutex_unlock(&r->mutex);
    return err;
}

bool upload_abandon(struct request *r)
{
    struct upload *u = &r->upload;
    bool active;

    pthread_mutex_lock(&r->mutex);
    active = u->active;
    u->abandoned = true;
    if (active)
        r->mhd = NULL; /* tells request_over that the connection is gone */
    free_blocks(r, u->head);
    u->head = NULL;
    u->tail = NULL;
    pthread_mutex_unlock(&r->mutex);
    return active;
}
