/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that sign chunks of batches, the oldest batch first. They run below the priority of
 * everything else: a handshake never waits behind a batch. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "keyring/sign_internal.h"

#define NICE      5 /* a third of a handshake's share when processors are short */
#define IDLE_S    5
#define TEXT_MAX  (20 << 20) /* of what is signed at once; lists are long */
#define KEEP_ROOM (256 << 10)

/* Under the lock: the next chunk, or false. */
static bool take(struct sign_pool *p, struct batch **ret, size_t *ret_chunk)
{
    struct batch *b = p->first;

    if (b == NULL)
        return false;
    *ret = b;
    *ret_chunk = b->next++;
    b->running++;
    if (b->next == b->chunk_count)
        p->first = b->following;
    return true;
}

/* Under the lock: takes what has no chunk begun yet out of the queue. */
static void leave_out(struct sign_pool *p, struct batch *b)
{
    b->next = b->chunk_count;
    for (struct batch **at = &p->first; *at != NULL; at = &(*at)->following)
        if (*at == b) {
            *at = b->following;
            return;
        }
}

static void wait_for_work(struct sign_pool *p)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    if (pthread_cond_timedwait(&p->work, &p->lock, &until) != ETIMEDOUT)
        return;
    (void)pthread_mutex_unlock(&p->lock);
    p->idle(p->arg);
    (void)pthread_mutex_lock(&p->lock);
}

static void *run(void *arg)
{
    struct sign_pool *p = arg;
    struct batch *b;
    struct buf scratch;
    size_t chunk;

    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    buf_init(&scratch, TEXT_MAX);
    (void)pthread_mutex_lock(&p->lock);
    while (!p->ending) {
        enum sg_err err;

        if (!take(p, &b, &chunk)) {
            wait_for_work(p);
            continue;
        }
        (void)pthread_mutex_unlock(&p->lock);
        err = batch_sign_chunk(b, chunk, &scratch);
        if (scratch.cap > KEEP_ROOM)
            buf_fini(&scratch);
        (void)pthread_mutex_lock(&p->lock);
        b->running--;
        if (err != SG_OK && b->failed == SG_OK) {
            b->failed = err;
            if (b->next < b->chunk_count)
                leave_out(p, b);
        }
        if (b->running == 0 && b->next == b->chunk_count)
            (void)pthread_cond_broadcast(&p->done);
    }
    (void)pthread_mutex_unlock(&p->lock);
    buf_wipe(&scratch);
    return NULL;
}

enum sg_err sign_pool_start(struct sign_pool *p, void (*idle)(void *arg), void *arg)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t want = processors < 1 ? 1 : (size_t)processors;
    pthread_condattr_t attr;
    enum sg_err err = SG_OK;

    if (want > sizeof p->threads / sizeof p->threads[0])
        want = sizeof p->threads / sizeof p->threads[0];
    *p = (struct sign_pool){.idle = idle, .arg = arg};
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->work, &attr);
    (void)pthread_cond_init(&p->done, &attr);
    (void)pthread_condattr_destroy(&attr);
    while (p->thread_count < want && err == SG_OK) {
        err = thread_start(&p->threads[p->thread_count], run, p);
        p->thread_count += err == SG_OK ? 1 : 0;
    }
    if (p->thread_count > 0)
        return SG_OK;
    sign_pool_end(p);
    return err;
}

void sign_pool_end(struct sign_pool *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->ending = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->thread_count; i++)
        (void)pthread_join(p->threads[i], NULL);
    (void)pthread_cond_destroy(&p->done);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
}

void sign_pool_submit(struct sign_pool *p, struct batch *b)
{
    struct batch **at = &p->first;

    (void)pthread_mutex_lock(&p->lock);
    b->following = NULL;
    while (*at != NULL)
        at = &(*at)->following;
    *at = b;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

enum sg_err sign_pool_wait(struct sign_pool *p, struct batch *b, bool cancel)
{
    enum sg_err err;

    (void)pthread_mutex_lock(&p->lock);
    if (cancel && b->next < b->chunk_count) {
        leave_out(p, b);
        b->failed = SG_ERR_CANCELLED;
    }
    while (b->running > 0 || b->next < b->chunk_count)
        (void)pthread_cond_wait(&p->done, &p->lock);
    err = b->failed;
    (void)pthread_mutex_unlock(&p->lock);
    return err;
}
