/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait without a thread; it decides only when they go on, never what becomes of them.
 */
#include "http/wait.h"

#include <assert.h>

#include "http/park.h"
#include "http/loop.h"

#define WAIT_MAX_MS 65000

void request_wait(struct request *r, unsigned timeout_ms, bool watch)
{
    r->wait.wanted = true;
    r->wait.watch = watch;
    r->wait.timeout_ms = timeout_ms < WAIT_MAX_MS ? timeout_ms : WAIT_MAX_MS;
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
