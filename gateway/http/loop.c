/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of the event loops. libmicrohttpd 0.9.75 is never allowed to wait by itself: when one
 * epoll_wait of its own loop gives exactly as many events as it has room for (128), it waits for
 * more before it handles these, which may be for ever. Here it is asked without waiting, and the
 * waiting is done outside.
 */
#define SG_HTTP_MAY_RESUME
#include "http/loop.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"

/* Makes the loop go round once more; a signal that it has not yet seen will do. */
static void wake(struct loop *loop)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&loop->signalled, true))
        (void)!write(loop->wake, &one, sizeof one);
}

/* Connections that were accepted since the last round, the newest first. */
static struct conn *take_new(struct loop *loop)
{
    struct conn *list;

    pthread_mutex_lock(&loop->lock);
    list = loop->newcomers;
    loop->newcomers = NULL;
    pthread_mutex_unlock(&loop->lock);
    return list;
}

static void add(struct loop *loop, struct conn *c)
{
    /* It copies the address, and nobody asks it for one: any of the right family will do. */
    const struct sockaddr_in address = {.sin_family = AF_INET};

    if (MHD_add_connection(loop->daemon, c->fd, (const struct sockaddr *)&address,
                           sizeof address) == MHD_YES)
        return;
    /* It has closed the descriptor. */
    log_write(SG_LOG_WARN, "connection.failed", SG_STR("address", c->address));
    metrics_add(SG_METRIC_CONNECTIONS_REFUSED, 1);
    if (!c->started) {
        atomic_fetch_sub(&loop->connections, 1);
        registry_remove(loop->server->registry, c);
    }
}

static void add_new(struct loop *loop)
{
    struct conn *next;

    for (struct conn *c = take_new(loop); c != NULL; c = next) {
        next = c->newcomer_next;
        add(loop, c);
        conn_unref(c);
    }
}

static bool has_work(struct loop *loop)
{
    MHD_UNSIGNED_LONG_LONG ms;

    return MHD_get_timeout(loop->daemon, &ms) == MHD_YES && ms == 0;
}

static void *loop_main(void *arg)
{
    struct loop *loop = arg;
    struct pollfd fds[] = {
        {.fd = loop->events, .events = POLLIN},
        {.fd = loop->wake, .events = POLLIN},
    };

    for (;;) {
        uint64_t count;

        if (poll(fds, 2, has_work(loop) ? 0 : -1) > 0 && fds[1].revents != 0) {
            (void)!read(loop->wake, &count, sizeof count);
            atomic_store(&loop->signalled, false); /* before anything is looked at */
            if (atomic_load(&loop->stop))
                return NULL;
            add_new(loop);
        }
        (void)MHD_run_wait(loop->daemon, 0);
    }
}

enum sg_err loop_start(struct loop *loop)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    enum sg_err err;

    if (info == NULL)
        return SG_ERR_UNAVAILABLE;
    loop->events = info->epoll_fd;
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake < 0)
        return SG_ERR_UNAVAILABLE;
    pthread_mutex_init(&loop->lock, NULL);
    err = thread_start(&loop->thread, loop_main, loop);
    loop->running = err == SG_OK;
    if (err == SG_OK)
        return SG_OK;
    pthread_mutex_destroy(&loop->lock);
    (void)close(loop->wake);
    return err;
}

void loop_stop(struct loop *loop)
{
    if (!loop->running)
        return;
    atomic_store(&loop->stop, true);
    wake(loop);
    (void)pthread_join(loop->thread, NULL);
    loop->running = false;
    pthread_mutex_destroy(&loop->lock);
    (void)close(loop->wake);
}

void loop_add(struct loop *loop, struct conn *c)
{
    conn_ref(c);
    pthread_mutex_lock(&loop->lock);
    c->newcomer_next = loop->newcomers;
    loop->newcomers = c;
    pthread_mutex_unlock(&loop->lock);
    wake(loop);
}

void loop_resume(struct loop *loop, struct MHD_Connection *connection)
{
    MHD_resume_connection(connection);
    wake(loop);
}
