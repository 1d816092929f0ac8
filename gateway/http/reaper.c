/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that looks at all deadlines four times a second; it shuts down, and never closes. */
#include "http/reaper.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "http/registry.h"
#include "http/tls_session.h"

#define REAPER_TICK_MS 250

struct reaper {
    struct registry *registry;
    struct tls_tickets *tickets;
    int stop; /* eventfd */
    pthread_t thread;
};

static void *reaper_main(void *arg)
{
    struct reaper *r = arg;
    struct pollfd stop = {.fd = r->stop, .events = POLLIN};

    while (poll(&stop, 1, REAPER_TICK_MS) <= 0) {
        int64_t now_ns = clock_monotonic_ns();
        unsigned reaped = registry_reap(r->registry, now_ns);

        if (reaped > 0)
            metrics_add(SG_METRIC_REAPED, reaped);
        tls_tickets_check(r->tickets, now_ns);
    }
    return NULL;
}

enum sg_err reaper_new(struct registry *registry, struct tls_tickets *tickets, struct reaper **ret)
{
    enum sg_err err = SG_ERR_NO_MEMORY;
    struct reaper *r = calloc(1, sizeof *r);

    if (r == NULL)
        return SG_ERR_NO_MEMORY;
    r->registry = registry;
    r->tickets = tickets;
    r->stop = eventfd(0, EFD_CLOEXEC);
    if (r->stop >= 0) {
        err = thread_start(&r->thread, reaper_main, r);
        if (err != SG_OK)
            (void)close(r->stop);
    }
    if (err != SG_OK) {
        free(r);
        return err;
    }
    *ret = r;
    return SG_OK;
}

void reaper_free(struct reaper *r)
{
    uint64_t one = 1;

    if (r == NULL)
        return;
    (void)!write(r->stop, &one, sizeof one);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->stop);
    free(r);
}
