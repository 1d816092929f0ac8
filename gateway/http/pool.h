/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool of threads for work that may block. A job is memory of its owner, so that handing
 * it over never allocates. Thread safe. The pool's lock is a leaf: it is never held while a job
 * runs.
 */
#ifndef SG_HTTP_POOL_H
#define SG_HTTP_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct pool;

/* Embedded in its owner; it must stay valid until `run` begins, which may free it. */
struct pool_job {
    struct pool_job *next; /* the pool's */
    void (*run)(struct pool_job *job);
};

/* Starts `threads` threads (1 to 256); at most `queue_max` jobs wait. */
enum sg_err pool_new(unsigned threads, unsigned queue_max, struct pool **ret) SG_MUST_CHECK;

/* Queues a job. SG_ERR_OVERLOADED when the queue is full, unless `force`: continued work, whose
 * number is bounded by its owner (uploads in progress), is never refused. */
enum sg_err pool_submit(struct pool *p, struct pool_job *job, bool force) SG_MUST_CHECK;

/* From now on jobs are to give up early: they see pool_cancelled. */
void pool_cancel(struct pool *p);
bool pool_cancelled(const struct pool *p);

/* Runs what is queued, joins the threads, frees. NULL is legal. No submit may come after it. */
void pool_free(struct pool *p);

#endif
