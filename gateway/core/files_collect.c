/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collection of blobs that nothing refers to: at once after a replacement or removal, and in the
 * background for what crashes and removals of whole trees leave. It never removes a blob that an
 * upload is about to publish: those are pinned.
 */
#include "core/files_internal.h"

#include <string.h>
#include <time.h>

#include "base/log.h"

#define SG_COLLECT_EVERY_S 3600
#define SG_COLLECT_SOON_S  60  /* least time between two passes that were asked for */
#define SG_COLLECT_BURST   256 /* blobs looked at between two short rests */

static enum sg_err blob_used(void *ctx, const uint8_t *sha256, bool *ret)
{
    const struct files *f = ctx;
    return f->store.vt->blob_used(f->store.self, sha256, ret);
}

void files_collect_one(struct files *f, const uint8_t *sha256)
{
    enum sg_err err = f->blobs.vt->collect(f->blobs.self, sha256, blob_used, f);
    if (err)
        files_collect_soon(f);
}

struct pass {
    struct files *f;
    size_t seen;
    enum sg_err err;
};

static bool is_stopping(struct files *f)
{
    pthread_mutex_lock(&f->collector.lock);
    bool stopping = f->collector.stopping;
    pthread_mutex_unlock(&f->collector.lock);
    return stopping;
}

static bool look_at(void *ctx, const uint8_t *sha256)
{
    struct pass *pass = ctx;
    struct files *f = pass->f;
    bool used = true;
    /* Asked first without the blob store's lock: nearly all are in use. */
    enum sg_err err = blob_used(f, sha256, &used);
    if (!err && !used)
        err = f->blobs.vt->collect(f->blobs.self, sha256, blob_used, f);
    pass->err = pass->err ? pass->err : err;
    if (++pass->seen % SG_COLLECT_BURST == 0) {
        struct timespec rest = {.tv_nsec = 1000000};
        (void)nanosleep(&rest, NULL);
        return !is_stopping(f);
    }
    return true;
}

enum sg_err files_collect(struct files *f)
{
    struct pass pass = {.f = f};
    enum sg_err err = f->blobs.vt->scan(f->blobs.self, look_at, &pass);
    return err ? err : pass.err;
}

/* Waits until `soon` has passed and a pass is wanted, or until the hour is over. Lock held. */
static void wait_for_pass(struct files_collector *c)
{
    struct timespec soon, late;
    clock_gettime(CLOCK_MONOTONIC, &soon);
    late = soon;
    soon.tv_sec += SG_COLLECT_SOON_S;
    late.tv_sec += SG_COLLECT_EVERY_S;
    int rc = 0;
    while (!c->stopping && rc == 0)
        rc = pthread_cond_timedwait(&c->wake, &c->lock, &soon);
    rc = 0;
    while (!c->stopping && !c->wanted && rc == 0)
        rc = pthread_cond_timedwait(&c->wake, &c->lock, &late);
}

static void *collector_main(void *arg)
{
    struct files *f = arg;
    struct files_collector *c = &f->collector;
    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        c->wanted = false;
        pthread_mutex_unlock(&c->lock);
        enum sg_err err = files_collect(f);
        if (err)
            log_write(SG_LOG_WARN, "blobs.collect", SG_STR("error", err_code(err)));
        pthread_mutex_lock(&c->lock);
        wait_for_pass(c);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

enum sg_err files_collect_init(struct files *f)
{
    struct files_collector *c = &f->collector;
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return SG_ERR_NO_MEMORY;
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    return SG_OK;
}

void files_collect_fini(struct files *f)
{
    struct files_collector *c = &f->collector;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (c->started)
        pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
}

enum sg_err files_start_collector(struct files *f)
{
    int rc = pthread_create(&f->collector.thread, NULL, collector_main, f);
    if (rc != 0)
        return err_from_errno(rc);
    f->collector.started = true;
    return SG_OK;
}

void files_collect_soon(struct files *f)
{
    pthread_mutex_lock(&f->collector.lock);
    f->collector.wanted = true;
    pthread_cond_signal(&f->collector.wake);
    pthread_mutex_unlock(&f->collector.lock);
}
