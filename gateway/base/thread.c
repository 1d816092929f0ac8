/* SPDX-License-Identifier: Apache-2.0 */
/* Starts threads; it never ends one. */
#include "base/thread.h"

#include <signal.h>

enum sg_err thread_start(pthread_t *ret, void *(*run)(void *arg), void *arg)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(ret, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc == 0 ? SG_OK : SG_ERR_NO_MEMORY;
}

void thread_rwlock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attr;

    (void)pthread_rwlockattr_init(&attr);
    (void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(lock, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
}
