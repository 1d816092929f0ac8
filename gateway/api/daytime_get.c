/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/daytime: the time as JSON or as the line of RFC 867, with a nonce signed by the keyring.
 * Without one it allocates nothing but the answer, in the arena. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "base/clock.h"
#include "base/encode.h"
#include "core/daytime.h"
#include "core/logread.h"
#include "http/fields.h"
#include "http/request.h"
#include "ipc/signing_log.h"

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

struct statement {
    struct keyring_time time;
    struct keyring_log_state keys;
};

/* The object that ends at `len`, with the statement as its last member. */
static enum sg_err reply_stated(struct request *r, const char *json, int len, size_t cap,
                                const struct statement *statement)
{
    struct json_out o;

    if (len < 2 || (size_t)len >= cap)
        return SG_ERR_INTERNAL;
    json_out_init(&o, cap + 6 * sizeof *statement);
    json_out_object_from(&o, NULL, json, (size_t)len);
    json_out_object(&o, "statement");
    json_out_string(&o, "note", statement->time.note);
    json_out_string(&o, "key", statement->keys.time_vkey);
    json_out_close(&o, '}');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err reply_json(struct request *r, int64_t now, const struct daytime *t,
                              const struct statement *statement)
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

    if (statement != NULL)
        return reply_stated(r, text, len, sizeof text, statement);
    return reply(r, "application/json", text, len, sizeof text);
}

/* What the client wants: JSON or text, of which zone. */
struct wish {
    bool plain;
    const char *zone;
};

static enum sg_err look(struct request *r, struct wish *ret)
{
    const char *accept = request_header(r, "Accept");
    unsigned json = 1000, plain = 0;

    reply_header(r, "Vary", "Accept");
    if (accept != NULL) {
        json = fields_accepts(accept, "application/json");
        plain = fields_accepts(accept, "text/plain");
    }
    if (json == 0 && plain == 0)
        return request_fail(r, SG_ERR_NOT_ACCEPTABLE, "There are application/json and text/plain.");
    ret->plain = plain > json;
    return request_query(r, "tz", &ret->zone);
}

static enum sg_err answer(struct request *r, const struct wish *wish, int64_t now,
                          const struct statement *statement)
{
    char line[SG_DAYTIME_SIZE + 2];
    struct daytime t;
    enum sg_err err = wish->zone != NULL && wish->zone[0] == 0
                          ? SG_ERR_BAD_TIMEZONE
                          : daytime_format(now, wish->zone, &t);

    if (err == SG_ERR_BAD_TIMEZONE)
        return request_fail(r, err, "tz: no such time zone in the IANA database");
    if (err != SG_OK)
        return err;
    if (wish->plain && statement != NULL)
        return reply(r, "text/plain; charset=utf-8", statement->time.note,
                     (int)strlen(statement->time.note), sizeof statement->time.note);
    if (wish->plain)
        return reply(r, "text/plain; charset=utf-8", line,
                     snprintf(line, sizeof line, "%s\r\n", t.line), sizeof line);
    return reply_json(r, now, &t, statement);
}

/* Without a nonce nothing is waited for. */
static enum sg_err run_at_once(struct request *r, bool *ret_done)
{
    struct wish wish;
    const char *nonce;
    enum sg_err err = request_query(r, "nonce", &nonce);

    if (err == SG_OK && nonce != NULL)
        return SG_OK;
    *ret_done = true;
    if (err == SG_OK)
        err = look(r, &wish);
    return err == SG_OK ? answer(r, &wish, clock_now_ns(), NULL) : err;
}

/* Asks the keyring, which may write to the disk. */
static enum sg_err state_time(struct request *r, const char *text, struct statement *ret)
{
    const struct api *api = request_app(r);
    uint8_t nonce[SG_TIME_NONCE_MAX];
    size_t len = 0;
    enum sg_err err = encode_unbase64url(text, strlen(text), nonce, sizeof nonce, &len);

    if (err != SG_OK || len < SG_TIME_NONCE_MIN)
        return request_fail(r, SG_ERR_BAD_FIELD, "nonce: 16 to 64 bytes in base64url");
    err = logread_state(api->log, &ret->keys);
    return err == SG_OK ? keyring_client_sign_time(api->keyring, nonce, len, &ret->time) : err;
}

static enum sg_err run(struct request *r)
{
    struct statement *statement;
    struct wish wish;
    const char *nonce = NULL;
    enum sg_err err = look(r, &wish);

    if (err == SG_OK)
        err = request_query(r, "nonce", &nonce);
    if (err != SG_OK)
        return err;
    if (nonce == NULL)
        return answer(r, &wish, clock_now_ns(), NULL);
    statement = arena_alloc(request_arena(r), sizeof *statement);
    if (statement == NULL)
        return SG_ERR_NO_MEMORY;
    err = state_time(r, nonce, statement);
    return err == SG_OK ? answer(r, &wish, statement->time.unix_ns, statement) : err;
}

const struct operation daytime_get_operation = {.run_at_once = run_at_once, .run = run};
