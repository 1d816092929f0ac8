/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that writes: it takes everything that waits, runs each write in a savepoint of its
 * own, commits once and only then answers. It never answers before the commit.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/metrics.h"

/* -- touches ------------------------------------------------------------------------------------
 */

/* The slot of an id, or the free one where it belongs; NULL when the table is full. Lock held. */
static struct sqlite_touch *touch_slot(struct sqlite_writer *w, const uint8_t *id)
{
    uint32_t hash;
    memcpy(&hash, id, sizeof(hash)); /* ids are random */
    for (size_t i = 0; i < SG_SQLITE_TOUCH_MAX; i++) {
        struct sqlite_touch *t = &w->touch[(hash + i) % SG_SQLITE_TOUCH_MAX];
        if (t->ns == 0 || memcmp(t->id, id, SG_SESSION_ID_SIZE) == 0)
            return t;
    }
    return NULL;
}

void sqlite_writer_touch(struct sqlite_writer *w, const uint8_t *id, int64_t now_ns)
{
    if (now_ns <= 0)
        return;
    pthread_mutex_lock(&w->lock);
    struct sqlite_touch *t = touch_slot(w, id);
    if (t && t->ns == 0) {
        memcpy(t->id, id, SG_SESSION_ID_SIZE);
        w->touches++;
        if (w->touches == SG_SQLITE_TOUCH_MAX * 3 / 4)
            pthread_cond_signal(&w->wake);
    }
    if (t && t->ns < now_ns)
        t->ns = now_ns;
    pthread_mutex_unlock(&w->lock);
}

struct touch_batch {
    size_t count;
    struct sqlite_touch rows[SG_SQLITE_TOUCH_MAX];
};

/* Moves what is noted into the batch. Lock held. */
static void touch_take(struct sqlite_writer *w, struct touch_batch *batch)
{
    batch->count = 0;
    if (w->touches == 0)
        return;
    for (size_t i = 0; i < SG_SQLITE_TOUCH_MAX; i++) {
        if (w->touch[i].ns != 0)
            batch->rows[batch->count++] = w->touch[i];
        w->touch[i].ns = 0;
    }
    w->touches = 0;
}

static enum sg_err touch_write(struct sqlite_conn *c, void *ctx)
{
    const struct touch_batch *batch = ctx;
    for (size_t i = 0; i < batch->count; i++) {
        struct sqlite_query q;
        sqlite_query_begin(&q, c, SG_SQL_SESSION_TOUCH);
        sqlite_query_int(&q, batch->rows[i].ns);
        sqlite_query_blob(&q, batch->rows[i].id, SG_SESSION_ID_SIZE);
        enum sg_err err = sqlite_query_run(&q);
        if (err)
            return err;
    }
    return SG_OK;
}

/* -- the thread ---------------------------------------------------------------------------------
 */

static enum sg_err probe(struct sqlite_conn *c, void *ctx)
{
    (void)ctx;
    return sqlite_conn_run(c, SG_SQL_PROBE);
}

/* One write in its savepoint. False when the whole transaction is gone (full disk, I/O error). */
static bool run_one(struct sqlite_conn *c, enum sg_err (*run)(struct sqlite_conn *, void *),
                    void *ctx, enum sg_err *ret)
{
    size_t events = c->log->count;
    enum sg_err err = sqlite_conn_run(c, SG_SQL_SAVEPOINT);
    if (!err) {
        err = run(c, ctx);
        enum sg_err undo = SG_OK;
        if (err && !sqlite3_get_autocommit(c->db))
            undo = sqlite_conn_run(c, SG_SQL_SAVEPOINT_UNDO);
        if (!sqlite3_get_autocommit(c->db)) {
            enum sg_err release = sqlite_conn_run(c, SG_SQL_SAVEPOINT_RELEASE);
            undo = undo ? undo : release;
        }
        if (undo && !sqlite3_get_autocommit(c->db)) {
            enum sg_err ignored = sqlite_conn_run(c, SG_SQL_ROLLBACK);
            (void)ignored;
        }
        err = err ? err : undo;
        if (err)
            sqlite_log_drop(c->log, events);
    }
    *ret = err;
    return !sqlite3_get_autocommit(c->db);
}

static enum sg_err commit(struct sqlite_conn *c)
{
    enum sg_err err = sqlite_log_flush(c);
    if (!err)
        err = sqlite_conn_run(c, SG_SQL_COMMIT);
    if (err && !sqlite3_get_autocommit(c->db)) {
        enum sg_err ignored = sqlite_conn_run(c, SG_SQL_ROLLBACK);
        (void)ignored;
    }
    return err;
}

/* Runs jobs from `first` until the end or until the transaction is lost; returns the first that did
 * not run. Each job that ran has its result. *ret_commit is the fate of the transaction itself. */
static struct sqlite_job *run_batch(struct sqlite_conn *c, struct sqlite_job *first,
                                    struct touch_batch *touches, enum sg_err *ret_commit)
{
    struct sqlite_job *job = first;
    bool alive = true;
    enum sg_err err = sqlite_conn_run(c, SG_SQL_BEGIN);
    if (err) {
        for (; job; job = job->next)
            job->result = err;
        *ret_commit = err;
        return NULL;
    }
    for (; job && alive; job = job->next)
        alive = run_one(c, job->run, job->ctx, &job->result);
    enum sg_err lost = SG_OK;
    for (struct sqlite_job *j = first; !alive && j != job; j = j->next)
        lost = j->result ? j->result : lost;
    if (alive && touches->count > 0) {
        enum sg_err touched;
        alive = run_one(c, touch_write, touches, &touched);
        touches->count = 0;
        lost = alive ? SG_OK : touched;
    }
    err = alive ? commit(c) : lost;
    if (!alive && !err)
        err = SG_ERR_IO;
    sqlite_log_end(c->log, !err);
    /* What was in a lost transaction did not happen, whatever each had to say. */
    for (struct sqlite_job *j = first; err && j != job; j = j->next)
        j->result = j->result ? j->result : err;
    *ret_commit = err;
    return job;
}

/* Wakes who waits; returns the jobs that nobody waits for, in order. Lock held. */
static struct sqlite_job *finish_jobs(struct sqlite_job *job)
{
    struct sqlite_job *later = NULL, **last = &later;
    while (job) {
        struct sqlite_job *next =
            job->next; /* gone once its thread sees `done` and gets the lock */
        if (job->finish) {
            *last = job;
            last = &job->next;
        } else {
            job->done = true;
            pthread_cond_signal(&job->finished);
        }
        job = next;
    }
    *last = NULL;
    return later;
}

static void finish_later(struct sqlite_job *job)
{
    while (job) {
        struct sqlite_job *next = job->next;
        job->finish(job);
        job = next;
    }
}

static struct timespec idle_deadline(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += SG_SQLITE_IDLE_MS / 1000;
    return t;
}

/* Waits for something to do. Lock held. */
static void wait_for_work(struct sqlite_writer *w)
{
    struct timespec deadline = idle_deadline();
    int rc = 0;
    while (!w->first && !w->stopping && rc == 0 && w->touches < SG_SQLITE_TOUCH_MAX * 3 / 4)
        rc = pthread_cond_timedwait(&w->wake, &w->lock, &deadline);
}

static struct sqlite_store *store_of(struct sqlite_writer *w)
{
    return (struct sqlite_store *)((char *)w - offsetof(struct sqlite_store, writer));
}

static void *writer_main(void *arg)
{
    struct sqlite_writer *w = arg;
    static _Thread_local struct touch_batch touches;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        wait_for_work(w);
        struct sqlite_job *batch = w->first;
        size_t count = w->queued;
        w->first = NULL;
        w->last = &w->first;
        w->queued = 0;
        touch_take(w, &touches);
        /* After a failed commit an empty one finds out whether the store works again. */
        struct sqlite_job try_again = {.run = probe};
        bool stop = w->stopping && !batch && touches.count == 0;
        if (!batch && w->last_commit)
            batch = &try_again;
        if (stop)
            break;
        if (!batch && touches.count == 0)
            continue;
        pthread_mutex_unlock(&w->lock);

        enum sg_err err = SG_OK;
        struct sqlite_job *rest = batch;
        sqlite_conn_write_begins(store_of(w));
        do {
            rest = run_batch(&w->conn, rest, &touches, &err);
            metrics_add(SG_METRIC_DB_COMMITS, err ? 0 : 1);
        } while (rest);
        sqlite_conn_write_ended(store_of(w));
        sqlite_log_show(w->conn.log);
        metrics_add(SG_METRIC_DB_WRITES, (int64_t)count);

        pthread_mutex_lock(&w->lock);
        w->last_commit = err;
        if (batch == &try_again)
            continue;
        struct sqlite_job *later = finish_jobs(batch);
        if (later) {
            pthread_mutex_unlock(&w->lock);
            finish_later(later);
            pthread_mutex_lock(&w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum sg_err sqlite_writer_start(struct sqlite_writer *w)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    w->last = &w->first;
    int rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc != 0) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        return err_from_errno(rc);
    }
    w->started = true;
    return SG_OK;
}

void sqlite_writer_stop(struct sqlite_writer *w)
{
    if (!w->started)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    assert(!w->first);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    w->started = false;
}

/* Lock held. */
static enum sg_err enqueue(struct sqlite_writer *w, struct sqlite_job *job)
{
    if (w->stopping)
        return SG_ERR_UNAVAILABLE;
    if (w->queued >= SG_SQLITE_QUEUE_MAX)
        return SG_ERR_OVERLOADED;
    *w->last = job;
    w->last = &job->next;
    if (w->queued++ == 0)
        pthread_cond_signal(&w->wake);
    return SG_OK;
}

enum sg_err sqlite_write(struct sqlite_store *s,
                         enum sg_err (*run)(struct sqlite_conn *c, void *ctx), void *ctx)
{
    struct sqlite_writer *w = &s->writer;
    struct sqlite_job job = {.run = run, .ctx = ctx};
    pthread_mutex_lock(&w->lock);
    pthread_cond_init(&job.finished, NULL);
    enum sg_err err = enqueue(w, &job);
    while (!err && !job.done)
        pthread_cond_wait(&job.finished, &w->lock);
    pthread_cond_destroy(&job.finished);
    pthread_mutex_unlock(&w->lock);
    return err ? err : job.result;
}

enum sg_err sqlite_write_later(struct sqlite_store *s, struct sqlite_job *job)
{
    struct sqlite_writer *w = &s->writer;
    job->next = NULL;
    pthread_mutex_lock(&w->lock);
    enum sg_err err = enqueue(w, job);
    pthread_mutex_unlock(&w->lock);
    return err;
}
