/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again. It never sends anything itself. */
#include "cli/retry.h"

#include "base/clock.h"
#include "base/rng.h"
#include "cli/http.h"
#include "cli/term.h"

bool retry_is_worth(const struct http_call *call)
{
    if (call->failure == SG_HTTP_NETWORK || call->failure == SG_HTTP_TLS)
        return true;
    if (call->failure != SG_HTTP_DONE)
        return false;
    return call->status == 408 || call->status == 429 ||
           (call->status >= 500 && call->status != 507);
}

int64_t retry_delay_ms(unsigned failures, long retry_after)
{
    unsigned doublings = failures > 10 ? 10 : failures > 0 ? failures - 1 : 0;
    int64_t delay = (int64_t)SG_RETRY_FIRST_MS << doublings;
    uint16_t random = 0;

    if (delay > SG_RETRY_MOST_MS)
        delay = SG_RETRY_MOST_MS;
    rng_bytes(&random, sizeof(random));
    delay -= delay / 4 * random / UINT16_MAX;
    if (retry_after > SG_RETRY_AFTER_MAX)
        retry_after = SG_RETRY_AFTER_MAX;
    if (retry_after > 0 && delay < retry_after * 1000)
        delay = retry_after * 1000;
    return delay;
}

void retry_say_lost(const char *why)
{
    term_note("secctl: no connection, trying again (%s)", why);
}

void retry_say_back(void)
{
    term_note("secctl: connected again");
}

void retry_failed(struct retry *r, const char *why)
{
    if (++r->failures < 2 || r->told)
        return;
    r->told = true;
    retry_say_lost(why);
}

bool retry_again(struct retry *r, long retry_after, const char *why)
{
    int64_t next_ns =
        clock_monotonic_ns() + retry_delay_ms(r->failures + 1, retry_after) * SG_NS_PER_MS;

    if (term_interrupted() || (r->until_ns && next_ns > r->until_ns))
        return false;
    retry_failed(r, why);
    term_wait_until(next_ns);
    return !term_interrupted();
}

void retry_done(struct retry *r)
{
    if (r->told)
        retry_say_back();
    r->told = false;
    r->failures = 0;
}
