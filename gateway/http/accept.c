/* SPDX-License-Identifier: Apache-2.0 */
/* The accept thread; it never reads from a connection and never answers. */
#include "http/accept.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "http/internal.h"
#include "http/loop.h"

#define LISTEN_MAX   32
#define ACCEPT_BURST 64 /* accepted from one socket before the others get their turn */
#define PAUSE_MS     50 /* when descriptors or memory are short */

struct accepter {
    struct server *server;
    int stop;  /* eventfd */
    int spare; /* given up for a moment to turn a client away when descriptors have run out */
    pthread_t thread;
};

/* A client that vanished without a word is noticed after 60 s, idle or not. */
static void set_options(int fd)
{
    static const struct {
        int level;
        int name;
        int value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},          {IPPROTO_TCP, TCP_KEEPIDLE, 30},
        {IPPROTO_TCP, TCP_KEEPINTVL, 10},       {IPPROTO_TCP, TCP_KEEPCNT, 3},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 60000},
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static struct loop *least_busy(struct server *s)
{
    struct loop *best = &s->loops[0];

    for (unsigned i = 1; i < s->loop_count; i++)
        if (atomic_load_explicit(&s->loops[i].connections, memory_order_relaxed) <
            atomic_load_explicit(&best->connections, memory_order_relaxed))
            best = &s->loops[i];
    return best;
}

static void hand_over(struct server *s, int fd, const struct sockaddr *address)
{
    struct loop *loop = least_busy(s);
    int64_t deadline_ns =
        clock_monotonic_ns() + (int64_t)s->config.limits.header_seconds * SG_NS_PER_S;
    struct conn *c;

    if (registry_add(s->registry, fd, address, loop, deadline_ns, &c) != SG_OK) {
        metrics_add(SG_METRIC_CONNECTIONS_REFUSED, 1);
        (void)close(fd);
        return;
    }
    set_options(fd);
    atomic_fetch_add(&loop->connections, 1);
    loop_add(loop, c);
}

/* No descriptor is left: takes one connection with the spare one, closes it. */
static void turn_away(struct accepter *a, int listen_fd)
{
    int fd;

    log_write(SG_LOG_ERROR, "accept.descriptors-exhausted", SG_INT("errno", errno));
    if (a->spare >= 0) {
        (void)close(a->spare);
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            (void)close(fd);
            metrics_add(SG_METRIC_CONNECTIONS_REFUSED, 1);
        }
    }
    a->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Accepts what waits on one socket; false when a pause is due. */
static bool accept_some(struct accepter *a, int listen_fd)
{
    for (unsigned i = 0; i < ACCEPT_BURST; i++) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int fd =
            accept4(listen_fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            hand_over(a->server, fd, (const struct sockaddr *)&address);
            continue;
        }
        if (errno == EAGAIN)
            return true;
        if (errno == EMFILE || errno == ENFILE) {
            turn_away(a, listen_fd);
            return false;
        }
        if (errno == ENOMEM || errno == ENOBUFS)
            return false;
        /* The rest are errors of one connection (accept(2)). */
    }
    return true;
}

static void *accept_main(void *arg)
{
    struct accepter *a = arg;
    const struct server_config *config = &a->server->config;
    struct pollfd fds[LISTEN_MAX + 1];
    nfds_t count = config->listen_count;

    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = config->listen_fds[i], .events = POLLIN};
    fds[count] = (struct pollfd){.fd = a->stop, .events = POLLIN};
    for (;;) {
        bool go_on = true;

        if (poll(fds, count + 1, -1) < 0)
            continue;
        if (fds[count].revents != 0)
            return NULL;
        for (size_t i = 0; i < count; i++)
            if (fds[i].revents != 0)
                go_on = accept_some(a, fds[i].fd) && go_on;
        if (!go_on)
            (void)poll(&fds[count], 1, PAUSE_MS);
    }
}

enum sg_err accepter_new(struct server *server, struct accepter **ret)
{
    const struct server_config *config = &server->config;
    enum sg_err err = SG_ERR_NO_MEMORY;
    struct accepter *a;

    if (config->listen_count < 1 || config->listen_count > LISTEN_MAX)
        return SG_ERR_BAD_FIELD;
    a = calloc(1, sizeof *a);
    if (a == NULL)
        return SG_ERR_NO_MEMORY;
    a->server = server;
    for (size_t i = 0; i < config->listen_count; i++) {
        int flags = fcntl(config->listen_fds[i], F_GETFL);

        (void)fcntl(config->listen_fds[i], F_SETFL, flags | O_NONBLOCK);
    }
    a->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    a->stop = eventfd(0, EFD_CLOEXEC);
    if (a->stop >= 0) {
        err = thread_start(&a->thread, accept_main, a);
    }
    if (err != SG_OK) {
        if (a->stop >= 0)
            (void)close(a->stop);
        if (a->spare >= 0)
            (void)close(a->spare);
        free(a);
        return err;
    }
    *ret = a;
    return SG_OK;
}

void accepter_free(struct accepter *a)
{
    uint64_t one = 1;

    if (a == NULL)
        return;
    (void)!write(a->stop, &one, sizeof one);
    (void)pthread_join(a->thread, NULL);
    (void)close(a->stop);
    if (a->spare >= 0)
        (void)close(a->spare);
    free(a);
}
