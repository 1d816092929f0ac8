/* SPDX-License-Identifier: Apache-2.0 */
/* The graceful end: who has a request in progress gets his answer, up to a deadline. */
#include "http/drain.h"

#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/accept.h"
#include "http/park.h"

#define TICK_MS 100
#define LAST_MS 10000 /* what takes longer after the deadline is a job that does not end */

unsigned drain_connections(struct server *s)
{
    int64_t deadline_ns =
        clock_monotonic_ns() + (int64_t)s->config.limits.drain_seconds * SG_NS_PER_S;
    unsigned forced = 0;

    accepter_free(s->accepter);
    s->accepter = NULL;
    for (size_t i = 0; i < s->config.listen_count;
         i++) /* newcomers are refused, not left waiting */
        (void)shutdown(s->config.listen_fds[i], SHUT_RDWR);
    atomic_store(&s->draining, true);
    park_drain(s->park);
    do
        registry_shut_idle(s->registry);
    while (!registry_wait_empty(s->registry, TICK_MS) && clock_monotonic_ns() < deadline_ns);
    if (registry_count(s->registry) > 0) {
        pool_cancel(s->pool);
        forced = registry_shut_all(s->registry);
    }
    /* A suspended connection would end the process in MHD_stop_daemon: jobs resume theirs. */
    while (!registry_wait_empty(s->registry, LAST_MS)) {
        log_write(SG_LOG_WARN, "drain.waiting", SG_INT("connections", registry_count(s->registry)));
        (void)registry_shut_all(s->registry);
        registry_drop_unannounced(s->registry);
    }
    return forced;
}
