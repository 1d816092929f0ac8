/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread with an epoll and a timer wheel of its own for waiting requests; it only wakes, and
 * never touches a connection.
 */
#include "http/park.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/wait.h"

#define TICK_NS    (250 * 1000000LL)
#define SLOTS      320 /* 80 s: more than the longest wait, so that a late look harms nobody */
#define EVENTS_MAX 256
#define OWN_EVENT  UINT64_MAX

struct park {
    pthread_mutex_t lock;
    struct registry *registry;
    int epoll;
    int signal; /* eventfd: look at next_tick and stop again */
    pthread_t thread;
    int64_t tick;      /* under lock, as all below: the last one whose slot was looked at */
    int64_t next_tick; /* the thread sleeps until then */
    bool draining;
    bool stop;
    struct request *slot[SLOTS + 1]; /* the last one: without a time */
};

static int64_t tick_of(int64_t ns)
{
    return ns / TICK_NS;
}

/* -- lists: under the lock ------------------------------------------------------------------------
 */

static void link_request(struct park *p, struct request *r, int slot)
{
    struct wait *w = &r->wait;

    w->slot = slot;
    w->prev = NULL;
    w->next = p->slot[slot];
    if (w->next != NULL)
        w->next->wait.prev = r;
    p->slot[slot] = r;
}

static void unlink_request(struct park *p, struct request *r)
{
    struct wait *w = &r->wait;

    if (w->prev != NULL)
        w->prev->wait.next = w->next;
    else
        p->slot[w->slot] = w->next;
    if (w->next != NULL)
        w->next->wait.prev = w->prev;
}

/* The slot in which its time ends; moves the thread's next look when that comes earlier. */
static int slot_for(struct park *p, const struct request *r, bool *ret_signal)
{
    int64_t now_ns = clock_monotonic_ns();
    int64_t tick;

    if (r->wait.timeout_ms == 0)
        return SLOTS;
    /* Nothing was due while the thread slept: those slots are free to be used again. */
    tick = tick_of(now_ns) < p->next_tick ? tick_of(now_ns) : p->next_tick - 1;
    p->tick = tick > p->tick ? tick : p->tick;
    tick = tick_of(now_ns + (int64_t)r->wait.timeout_ms * 1000000 + TICK_NS - 1);
    if (tick < p->next_tick) {
        p->next_tick = tick;
        *ret_signal = true;
    }
    return (int)(tick % SLOTS);
}

static void signal_thread(const struct park *p)
{
    uint64_t one = 1;

    (void)!write(p->signal, &one, sizeof one);
}

/* Once for each connection: a client that left before is reported at once. */
static void watch(const struct park *p, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET,
                                .data.u64 = (uint64_t)c->generation << 32 | (uint32_t)c->fd};

    if (!c->parked_before)
        c->parked_before = epoll_ctl(p->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

void park_enter(struct park *p, struct request *r)
{
    struct conn *c = r->conn;
    bool signal = false;
    bool gone = false;
    bool draining = false;

    if (r->wait.watch)
        watch(p, c);
    pthread_mutex_lock(&p->lock);
    if (r->wait.watch) {
        c->waiter = r;
        gone = atomic_load(&c->gone);
        draining = p->draining;
    }
    link_request(p, r, slot_for(p, r, &signal));
    pthread_mutex_unlock(&p->lock);
    r->wait.entered = true;
    if (signal)
        signal_thread(p);
    if (gone || draining)
        wait_wake(r, draining ? SG_WAKE_DRAIN : SG_WAKE_CALLED);
}

void park_leave(struct park *p, struct request *r)
{
    if (!r->wait.entered)
        return;
    r->wait.entered = false;
    pthread_mutex_lock(&p->lock);
    unlink_request(p, r);
    r->conn->waiter = NULL;
    pthread_mutex_unlock(&p->lock);
}

void park_drain(struct park *p)
{
    pthread_mutex_lock(&p->lock);
    p->draining = true;
    for (int i = 0; i <= SLOTS; i++)
        for (struct request *r = p->slot[i]; r != NULL; r = r->wait.next)
            if (r->wait.watch)
                wait_wake(r, SG_WAKE_DRAIN);
    pthread_mutex_unlock(&p->lock);
}

/* -- the thread -----------------------------------------------------------------------------------
 */

/* Wakes those whose time is over; they leave their slot when they go on. */
static void expire(struct park *p)
{
    int64_t now_tick = tick_of(clock_monotonic_ns());
    int64_t ahead;

    if (now_tick - p->tick > SLOTS)
        p->tick = now_tick - SLOTS;
    while (p->tick < now_tick) {
        p->tick++;
        for (struct request *r = p->slot[p->tick % SLOTS]; r != NULL; r = r->wait.next)
            wait_wake(r, SG_WAKE_TIMEOUT);
    }
    for (ahead = 1; ahead < SLOTS && p->slot[(now_tick + ahead) % SLOTS] == NULL; ahead++)
        ;
    p->next_tick = ahead < SLOTS ? now_tick + ahead : INT64_MAX;
}

static void client_left(struct park *p, uint64_t data)
{
    struct conn *c = registry_find(p->registry, (int)(uint32_t)data, (uint32_t)(data >> 32));

    if (c == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&c->gone, true);
    if (c->waiter != NULL && c->waiter->wait.watch)
        wait_wake(c->waiter, SG_WAKE_CALLED);
    pthread_mutex_unlock(&p->lock);
    conn_unref(c);
}

/* Milliseconds until the next look; -1: none is due. */
static int patience_ms(const struct park *p)
{
    int64_t left_ns;

    if (p->next_tick == INT64_MAX)
        return -1;
    left_ns = p->next_tick * TICK_NS - clock_monotonic_ns();
    return left_ns <= 0 ? 0 : (int)(left_ns / 1000000) + 1;
}

static void *park_main(void *arg)
{
    struct park *p = arg;
    struct epoll_event events[EVENTS_MAX];
    bool stop = false;
    int patience = -1;

    while (!stop) {
        int n = epoll_wait(p->epoll, events, EVENTS_MAX, patience);
        uint64_t count;

        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == OWN_EVENT)
                (void)!read(p->signal, &count, sizeof count);
            else
                client_left(p, events[i].data.u64);
        }
        pthread_mutex_lock(&p->lock);
        expire(p);
        patience = patience_ms(p);
        stop = p->stop;
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

/* -- start and end
 * ---------------------------------------------------------------------------------- */

static enum sg_err start(struct park *p)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = OWN_EVENT};

    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->signal, &event) != 0)
        return SG_ERR_UNAVAILABLE;
    return thread_start(&p->thread, park_main, p);
}

enum sg_err park_new(struct registry *registry, struct park **ret)
{
    struct park *p = calloc(1, sizeof *p);
    enum sg_err err = SG_ERR_UNAVAILABLE;

    if (p == NULL)
        return SG_ERR_NO_MEMORY;
    p->registry = registry;
    p->tick = tick_of(clock_monotonic_ns());
    p->next_tick = INT64_MAX;
    pthread_mutex_init(&p->lock, NULL);
    p->epoll = epoll_create1(EPOLL_CLOEXEC);
    p->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->epoll >= 0 && p->signal >= 0)
        err = start(p);
    if (err == SG_OK) {
        *ret = p;
        return SG_OK;
    }
    if (p->epoll >= 0)
        (void)close(p->epoll);
    if (p->signal >= 0)
        (void)close(p->signal);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return err;
}

void park_free(struct park *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_mutex_unlock(&p->lock);
    signal_thread(p);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->epoll);
    (void)close(p->signal);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
