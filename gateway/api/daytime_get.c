/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/daytime: the time as JSON or as the line of RFC 867; it allocates nothing but the answer,
 * in the arena. */
#include <stdatomic.h>
#include <stdio.h>

#include "api/operations.h"
#include "base/clock.h"
#include "core/daytime.h"
#include "http/fields.h"
#include "http/request.h"

/* What the kernel itself assumes of a clock that nobody disciplines: 16 s. */
#define UNKNOWN_ERROR_US INT64_C(16000000)

#define STATE_KEPT_NS (100 * SG_NS_PER_MS)

/* The kernel's clock state, asked for at most every 100 ms: it takes a lock that all processors
 * share, and its error bound grows by 50 us at most in that time. */
static struct clock_state clock_state(int64_t now)
{
    static atomic_int_least64_t asked_ns, packed; /* error bound * 2 + synchronized */
    int64_t age = now - atomic_load_explicit(&asked_ns, memory_order_acquire);
    struct clock_state state;
    int64_t value;

    if (age >= 0 && age < STATE_KEPT_NS) {
        value = atomic_load_explicit(&packed, memory_order_relaxed);
        return (struct clock_state){.synchronized = (value & 1) != 0, .max_error_us = value / 2};
    }
    state = clock_get_state();
    if (state.max_error_us < 0)
        state.max_error_us = UNKNOWN_ERROR_US;
    value = state.max_error_us * 2 + state.synchronized;
    atomic_store_explicit(&packed, value, memory_order_relaxed);
    atomic_store_explicit(&asked_ns, now, memory_order_release);
    return state;
}

static enum sg_err reply(struct request *r, const char *type, const char *text, int len, size_t cap)
{
    void *copy;

    if (len < 0 || (size_t)len >= cap)
        return SG_ERR_INTERNAL;
    copy = arena_memdup(request_arena(r), text, (size_t)len);
    if (copy == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Cache-Control", "no-store");
    reply_bytes(r, 200, type, copy, (size_t)len);
    return SG_OK;
}

static enum sg_err reply_json(struct request *r, int64_t now, const struct daytime *t)
{
    struct clock_state clock = clock_state(now);
    char text[5 * SG_DAYTIME_SIZE];
    /* None of the three texts has a character that JSON escapes (core/daytime.h). */
    int len =
        snprintf(text, sizeof text,
                 "{\"daytime\":\"%s\",\"rfc3339\":\"%s\",\"unix\":%lld,\"unix_ns\":%lld,"
                 "\"timezone\":\"%s\",\"clock\":{\"synchronized\":%s,\"max_error_us\":%lld}}",
                 t->line, t->rfc3339, (long long)(now / SG_NS_PER_S), (long long)now, t->timezone,
                 clock.synchronized ? "true" : "false", (long long)clock.max_error_us);

    return reply(r, "application/json", text, len, sizeof text);
}

static enum sg_err run(struct request *r)
{
    const char *accept = request_header(r, "Accept"), *zone;
    unsigned json = 1000, plain = 0;
    char line[SG_DAYTIME_SIZE + 2];
    int64_t now = clock_now_ns();
    struct daytime t;
    enum sg_err err;

    reply_header(r, "Vary", "Accept");
    if (accept != NULL) {
        json = fields_accepts(accept, "application/json");
        plain = fields_accepts(accept, "text/plain");
    }
    if (json == 0 && plain == 0)
        return request_fail(r, SG_ERR_NOT_ACCEPTABLE, "There are application/json and text/plain.");
    err = request_query(r, "tz", &zone);
    if (err != SG_OK)
        return err;
    err = zone != NULL && zone[0] == 0 ? SG_ERR_BAD_TIMEZONE : daytime_format(now, zone, &t);
    if (err == SG_ERR_BAD_TIMEZONE)
        return request_fail(r, err, "tz: no such time zone in the IANA database");
    if (err != SG_OK)
        return err;
    if (plain > json)
        return reply(r, "text/plain; charset=utf-8", line,
                     snprintf(line, sizeof line, "%s\r\n", t.line), sizeof line);
    return reply_json(r, now, &t);
}

const struct operation daytime_get_operation = {.run = run};
