/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the gateway. Signals are for the main thread alone. */
#ifndef SG_BASE_THREAD_H
#define SG_BASE_THREAD_H

#include <pthread.h>

#include "base/err.h"

/* Starts `run(arg)` in a thread that takes no signals; to be joined. SG_ERR_NO_MEMORY. */
enum sg_err thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg) SG_MUST_CHECK;

/* A lock of many readers under which nobody reads twice. A writer goes before readers that come
 * later: where reading never pauses, a change must not wait for a pause. */
void thread_rwlock_init(pthread_rwlock_t *lock);

#endif
