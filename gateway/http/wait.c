/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait without a thread; it decides only when they go on, never what becomes of them.
 */
#include "http/wait.h"

#include <assert.h>

#include "http/loop.h"
#include "http/park.h"
#include "http/upload.h"

#define WAIT_MAX_MS 65000
#define BUSY_MS     250 /* before a stream asks a full pool again */

void request_wait(struct request *r, unsigned timeout_ms, bool watch)
{
    r->wait.wanted = true;
    r->wait.deferred = false;
    r->wait.watch = watch;
    r->wait.timeout_ms = timeout_ms < WAIT_MAX_MS ? timeout_ms : WAIT_MAX_MS;
}

void request_defer(struct request *r)
{
    r->wait.wanted = true;
    r->wait.deferred = true;
    r->wait.watch = false;
    r->wait.timeout_ms = 0;
}

enum request_wake request_woken_by(const struct request *r)
{
    return r->wait.woken_by;
}

void request_wake(struct request *r)
{
    wait_wake(r, SG_WAKE_CALLED);
}

/* Under the request's mutex. */
static void resume(struct request *r)
{
    r->wait.parked = false;
    r->suspended = false;
    loop_resume(r->loop, r->mhd);
}

void wait_wake(struct request *r, enum request_wake why)
{
    pthread_mutex_lock(&r->mutex);
    if (!r->wait.pending) {
        r->wait.pending = true;
        r->wait.why = why;
    }
    if (r->wait.parked)
        resume(r);
    pthread_mutex_unlock(&r->mutex);
}

bool wait_wanted(const struct request *r)
{
    return r->wait.wanted && r->err == SG_OK && r->reply.status == 0;
}

/* Timer and watch come first: what they tell before the request sleeps is kept like any wake. */
static void enter(struct request *r)
{
    r->wait.wanted = false;
    r->wait.waited = true;
    if (r->wait.timeout_ms > 0 || r->wait.watch)
        park_enter(r->server->park, r);
}

bool wait_suspend(struct request *r)
{
    bool sleep;

    enter(r);
    pthread_mutex_lock(&r->mutex);
    sleep = !r->wait.pending;
    if (sleep) {
        conn_deadline(r->conn, SG_NO_DEADLINE);
        r->wait.parked = true;
        r->suspended = true;
        r->wait.asleep = true;
        MHD_suspend_connection(r->mhd);
    }
    pthread_mutex_unlock(&r->mutex);
    return sleep;
}

/* Nobody else resumes it meanwhile: it is not parked. */
static void run_deferred(struct pool_job *job)
{
    struct request *r = (struct request *)((char *)job - offsetof(struct request, job));

    r->wait.err = request_run(r);
    pthread_mutex_lock(&r->mutex);
    if (!r->wait.pending)
        r->wait.why = SG_WAKE_CALLED;
    r->wait.pending = true;
    resume(r);
    pthread_mutex_unlock(&r->mutex);
}

bool wait_suspend_stream(struct request *r)
{
    enum sg_err err = SG_OK;

    if (!r->wait.deferred)
        return wait_suspend(r);
    r->wait.wanted = false;
    r->wait.waited = true;
    pthread_mutex_lock(&r->mutex);
    if (!r->wait.pending) {
        r->job.run = run_deferred;
        err = pool_submit(r->server->pool, &r->job, false);
        r->wait.asleep = err == SG_OK;
    }
    if (r->wait.asleep) {
        /* The job can end, but not tell so before this is unlocked. */
        conn_deadline(r->conn, SG_NO_DEADLINE);
        r->suspended = true;
        MHD_suspend_connection(r->mhd);
    }
    pthread_mutex_unlock(&r->mutex);
    if (err == SG_OK)
        return r->wait.asleep;
    request_wait(r, BUSY_MS, true);
    return wait_suspend(r);
}

void wait_from_job(struct request *r)
{
    enter(r);
    pthread_mutex_lock(&r->mutex);
    r->phase = SG_PHASE_WAITING;
    r->wait.parked = true;
    if (r->wait.pending)
        resume(r);
    pthread_mutex_unlock(&r->mutex);
}

void wait_over(struct request *r)
{
    park_leave(r->server->park, r);
    r->wait.asleep = false;
    pthread_mutex_lock(&r->mutex);
    assert(!r->wait.parked);
    r->wait.pending = false;
    r->wait.woken_by = r->wait.why;
    pthread_mutex_unlock(&r->mutex);
}

bool wait_gone(const struct request *r)
{
    return r->wait.watch && atomic_load(&r->conn->gone);
}
