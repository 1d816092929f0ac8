/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and drops what refused clients still send; it never answers. */
#include "http/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"

#define LINGER_MAX     512                /* sockets at a time */
#define LINGER_BYTES   (64 * 1024 * 1024) /* dropped from one of them at most */
#define LINGER_NS      (5 * SG_NS_PER_S)
#define LINGER_TICK_MS 500
#define EVENTS         64

struct lingering {
    struct lingering *prev; /* under lock, as next */
    struct lingering *next;
    int fd;
    int64_t until_ns;
    uint64_t dropped;
};

struct lingerer {
    pthread_mutex_t lock;
    struct lingering *list; /* under lock, as the next two */
    unsigned count;
    bool stop;
    int epoll;
    int wake;
    pthread_t thread;
};

static void end(struct lingerer *l, struct lingering *s)
{
    pthread_mutex_lock(&l->lock);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        l->list = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    l->count--;
    pthread_mutex_unlock(&l->lock);
    (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    (void)close(s->fd);
    free(s);
}

/* Drops what has come; true when nothing more will, or enough has. */
static bool drop(struct lingering *s)
{
    uint8_t sink[16384];

    for (unsigned round = 0; round < 64; round++) {
        ssize_t n = recv(s->fd, sink, sizeof sink, MSG_DONTWAIT);

        if (n < 0)
            return errno != EAGAIN && errno != EINTR;
        if (n == 0)
            return true;
        s->dropped += (uint64_t)n;
        if (s->dropped > LINGER_BYTES)
            return true;
    }
    return false;
}

/* The first that is past its time; only this thread removes from the list. */
static struct lingering *overdue(struct lingerer *l, int64_t now_ns)
{
    struct lingering *s;

    pthread_mutex_lock(&l->lock);
    for (s = l->list; s != NULL && s->until_ns > now_ns; s = s->next)
        ;
    pthread_mutex_unlock(&l->lock);
    return s;
}

static bool stopping(struct lingerer *l)
{
    bool stop;

    pthread_mutex_lock(&l->lock);
    stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    return stop;
}

static void *linger_main(void *arg)
{
    struct lingerer *l = arg;
    struct epoll_event events[EVENTS];
    struct lingering *s;

    while (!stopping(l)) {
        int n = epoll_wait(l->epoll, events, EVENTS, LINGER_TICK_MS);

        for (int i = 0; i < n; i++) {
            s = events[i].data.ptr;
            if (s != NULL && drop(s))
                end(l, s);
        }
        while ((s = overdue(l, clock_monotonic_ns())) != NULL)
            end(l, s);
    }
    while ((s = overdue(l, INT64_MAX)) != NULL)
        end(l, s);
    return NULL;
}

void linger_add(struct lingerer *l, int fd)
{
    struct lingering *s = calloc(1, sizeof *s);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = s};

    if (s == NULL)
        return;
    s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (s->fd < 0) {
        free(s);
        return;
    }
    (void)shutdown(s->fd, SHUT_WR);
    s->until_ns = clock_monotonic_ns() + LINGER_NS;
    pthread_mutex_lock(&l->lock);
    if (l->count >= LINGER_MAX || epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &event) != 0) {
        pthread_mutex_unlock(&l->lock);
        (void)close(s->fd);
        free(s);
        return;
    }
    s->next = l->list;
    if (s->next != NULL)
        s->next->prev = s;
    l->list = s;
    l->count++;
    pthread_mutex_unlock(&l->lock);
}

enum sg_err linger_new(struct lingerer **ret)
{
    struct epoll_event event = {.events = EPOLLIN};
    enum sg_err err = SG_ERR_NO_MEMORY;
    struct lingerer *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SG_ERR_NO_MEMORY;
    pthread_mutex_init(&l->lock, NULL);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->epoll >= 0 && l->wake >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &event) == 0) {
        err = thread_start(&l->thread, linger_main, l);
    }
    if (err != SG_OK) {
        if (l->epoll >= 0)
            (void)close(l->epoll);
        if (l->wake >= 0)
            (void)close(l->wake);
        free(l);
        return err;
    }
    *ret = l;
    return SG_OK;
}

void linger_free(struct lingerer *l)
{
    uint64_t one = 1;

    if (l == NULL)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_mutex_unlock(&l->lock);
    (void)!write(l->wake, &one, sizeof one);
    (void)pthread_join(l->thread, NULL);
    (void)close(l->epoll);
    (void)close(l->wake);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
