/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's clocks, or the source that a test put in their place; it never sets a clock.
 */
#include "base/clock.h"

#include <stddef.h>
#include <sys/timex.h>
#include <time.h>

static struct clock_source injected;

static int64_t kernel_ns(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * SG_NS_PER_S + ts.tv_nsec;
}

int64_t clock_now_ns(void)
{
    return injected.now_ns != NULL ? injected.now_ns() : kernel_ns(CLOCK_REALTIME);
}

int64_t clock_now_s(void)
{
    int64_t ns = clock_now_ns();

    return ns / SG_NS_PER_S - (ns % SG_NS_PER_S < 0);
}

int64_t clock_monotonic_ns(void)
{
    return injected.monotonic_ns != NULL ? injected.monotonic_ns() : kernel_ns(CLOCK_MONOTONIC);
}

struct clock_state clock_get_state(void)
{
    struct timex tx = {0};
    int state;

    if (injected.state != NULL)
        return injected.state();
    state = adjtimex(&tx);
    if (state < 0)
        return (struct clock_state){.synchronized = false, .max_error_us = -1};
    return (struct clock_state){
        .synchronized = state != TIME_ERROR && (tx.status & STA_UNSYNC) == 0,
        .max_error_us = tx.maxerror,
    };
}

void clock_set_source(const struct clock_source *source)
{
    injected = source != NULL ? *source : (struct clock_source){.now_ns = NULL};
}
