/* SPDX-License-Identifier: Apache-2.0 */
/* The worker pool: one queue, one lock; it never drops a job that it took. */
#include "http/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/metrics.h"
#include "base/thread.h"

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct pool_job *head; /* under lock, as all below */
    struct pool_job *tail;
    unsigned queued;
    unsigned idle; /* threads that wait */
    unsigned queue_max;
    bool stop;
    atomic_bool cancelled;
    unsigned threads;
    pthread_t thread[];
};

static void *pool_main(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct pool_job *job = p->head;
        bool wake;

        if (job == NULL) {
            if (p->stop)
                break;
            p->idle++;
            pthread_cond_wait(&p->wake, &p->lock);
            p->idle--;
            continue;
        }
        p->head = job->next;
        if (p->head == NULL)
            p->tail = NULL;
        p->queued--;
        /* Submitting wakes one thread; whoever takes a job and leaves others wakes the next. */
        wake = p->head != NULL && p->idle > 0;
        pthread_mutex_unlock(&p->lock);
        if (wake)
            pthread_cond_signal(&p->wake);
        metrics_add(SG_METRIC_POOL_QUEUED, -1);
        job->run(job);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void pool_join(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->threads; i++)
        (void)pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

enum sg_err pool_new(unsigned threads, unsigned queue_max, struct pool **ret)
{
    struct pool *p;

    if (threads < 1 || threads > 256)
        return SG_ERR_BAD_FIELD;
    p = calloc(1, sizeof *p + threads * sizeof p->thread[0]);
    if (p == NULL)
        return SG_ERR_NO_MEMORY;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->queue_max = queue_max;
    while (p->threads < threads && thread_start(&p->thread[p->threads], pool_main, p) == SG_OK)
        p->threads++;
    if (p->threads < threads) {
        pool_join(p);
        return SG_ERR_NO_MEMORY;
    }
    *ret = p;
    return SG_OK;
}

enum sg_err pool_submit(struct pool *p, struct pool_job *job, bool force)
{
    bool wake;

    pthread_mutex_lock(&p->lock);
    if (!force && p->queued >= p->queue_max) {
        pthread_mutex_unlock(&p->lock);
        metrics_add(SG_METRIC_POOL_REJECTED, 1);
        return SG_ERR_OVERLOADED;
    }
    metrics_add(SG_METRIC_POOL_QUEUED, 1);
    job->next = NULL;
    wake = p->head == NULL && p->idle > 0;
    if (p->tail != NULL)
        p->tail->next = job;
    else
        p->head = job;
    p->tail = job;
    p->queued++;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        pthread_cond_signal(&p->wake);
    return SG_OK;
}

void pool_cancel(struct pool *p)
{
    atomic_store(&p->cancelled, true);
}

bool pool_cancelled(const struct pool *p)
{
    return atomic_load_explicit(&p->cancelled, memory_order_relaxed);
}

void pool_free(struct pool *p)
{
    if (p != NULL)
        pool_join(p);
}
