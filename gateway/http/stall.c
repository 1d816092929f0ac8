/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread with an epoll of its own for suspended handshakes. A suspended connection cannot go
 * away, and each suspension arms its descriptor for one event, so that an event always finds its
 * connection and resumes it exactly once.
 */
#include "http/stall.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "http/internal.h"
#include "http/loop.h"

#define EVENTS_MAX 64

struct stall {
    int epoll;
    int stop; /* eventfd; its event has no connection */
    pthread_t thread;
};

static void *stall_main(void *arg)
{
    const struct stall *s = arg;
    struct epoll_event events[EVENTS_MAX];

    for (;;) {
        int n = epoll_wait(s->epoll, events, EVENTS_MAX, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (c == NULL)
                return NULL;
            loop_resume(c->loop, c->mhd);
        }
    }
}

static enum sg_err start(struct stall *s)
{
    struct epoll_event stop = {.events = EPOLLIN, .data.ptr = NULL};

    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->stop, &stop) != 0)
        return SG_ERR_UNAVAILABLE;
    return thread_start(&s->thread, stall_main, s);
}

enum sg_err stall_new(struct stall **ret)
{
    struct stall *s = calloc(1, sizeof *s);
    enum sg_err err = SG_ERR_UNAVAILABLE;

    if (s == NULL)
        return SG_ERR_NO_MEMORY;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->stop = eventfd(0, EFD_CLOEXEC);
    if (s->epoll >= 0 && s->stop >= 0)
        err = start(s);
    if (err == SG_OK) {
        *ret = s;
        return SG_OK;
    }
    if (s->epoll >= 0)
        (void)close(s->epoll);
    if (s->stop >= 0)
        (void)close(s->stop);
    free(s);
    return err;
}

void stall_free(struct stall *s)
{
    uint64_t one = 1;

    if (s == NULL)
        return;
    (void)!write(s->stop, &one, sizeof one);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->epoll);
    (void)close(s->stop);
    free(s);
}

void stall_wait(struct stall *s, struct conn *c)
{
    struct epoll_event once = {.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};

    /* Suspended first: errors are events that cannot be left out, and one that came before would
     * resume a connection which the loop may be about to close. */
    MHD_suspend_connection(c->mhd);
    if (epoll_ctl(s->epoll, c->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &once) == 0)
        c->watched = true;
    else
        loop_resume(c->loop, c->mhd);
}
