/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows events by polls that wait. The cursor moves only when an answer is whole and has been
 * handed out, so that a connection that breaks costs nothing but time.
 */
#include "cli/feed.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/retry.h"
#include "cli/session.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A poll that waits is given up when nothing has come long after its time. */
#define SG_FEED_STALL_S 75L
/* Empty answers that come sooner than this (a gateway that shuts down) are not asked for at once.
 */
#define SG_FEED_HASTE_MS 500
#define SG_FEED_SLICE_MS 1000
#define SG_FEED_REFUSALS 3

const char *feed_explain(const char *code)
{
    if (strcmp(code, "cursor-pruned") == 0)
        return "some events are missing: the gateway has removed them before they could be shown";
    if (strcmp(code, "cursor-unknown-epoch") == 0)
        return "some events may be missing: the gateway's log has been replaced, perhaps by a "
               "backup";
    if (strcmp(code, "cursor-future") == 0)
        return "the gateway's log has lost events that were shown here; it goes on from its end";
    return "some events may be missing: the gateway cannot go on from where this was";
}

enum cli_status feed_init(struct feed *f, struct cli *cli, const struct feed_sink *sink,
                          const char *space, const char *types, const char *cursor)
{
    memset(f, 0, sizeof(*f));
    f->cli = cli;
    f->sink = sink;
    f->space = space;
    f->types = types;
    f->call.owner = f;
    if (cursor && strlen(cursor) >= sizeof(f->cursor))
        return report_error(SG_CLI_USAGE, "take the id of an event", "that is no cursor");
    if (cursor)
        memcpy(f->cursor, cursor, strlen(cursor) + 1);
    return SG_CLI_OK;
}

void feed_fini(struct feed *f)
{
    http_call_fini(&f->call);
    secret_free_string(f->token);
    report_capture_fini(&f->errors);
    memset(f, 0, sizeof(*f));
}

/* Tries again later, and says so if the first new try has failed, too. */
static void put_off(struct feed *f, long retry_after, const char *why)
{
    f->failures++;
    f->next_ns = clock_monotonic_ns() + retry_delay_ms(f->failures, retry_after) * SG_NS_PER_MS;
    if (f->failures >= 2 && !f->told) {
        f->told = true;
        if (f->sink->lost)
            f->sink->lost(f->sink->context, why);
    }
}

/* Gets a token to go with the next request. */
static enum cli_status take_token(struct feed *f)
{
    const char *token = NULL;

    report_capture(&f->errors);
    enum cli_status status = session_token(f->cli, f->rejected ? f->token : NULL, &token);
    report_release();
    if (status != SG_CLI_OK)
        return status;
    if (!f->token || strcmp(f->token, token) != 0) {
        secret_free_string(f->token);
        f->token = strdup(token);
    }
    f->rejected = false;
    return f->token ? SG_CLI_OK : SG_CLI_USAGE;
}

static void make_target(const struct feed *f, struct buf *target)
{
    char wait[16];

    buf_puts(target, "/v1/events");
    if (f->space)
        remote_query(target, "space", f->space);
    if (f->types)
        remote_query(target, "types", f->types);
    if (!f->cursor[0])
        return;
    /* After a failure the first answer comes at once, to know that the connection is back. */
    snprintf(wait, sizeof(wait), "%d", f->failures ? 0 : SG_FEED_WAIT_S);
    remote_query(target, "after", f->cursor);
    remote_query(target, "wait", wait);
}

enum cli_status feed_turn(struct feed *f)
{
    SG_BUF_CLEANUP struct buf target = {0};

    if (f->running || f->over || clock_monotonic_ns() < f->next_ns)
        return SG_CLI_OK;
    enum cli_status status = take_token(f);
    if (status != SG_CLI_OK && f->cli->session->may_pass) {
        put_off(f, 0, buf_str(&f->errors.message));
        return SG_CLI_OK;
    }
    if (status != SG_CLI_OK)
        return status;
    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    make_target(f, &target);
    struct http_request request = {
        .method = "GET", .target = buf_str(&target), .token = f->token, .stall_s = SG_FEED_STALL_S};
    report_capture(&f->errors);
    status = target.failed ? report_no_memory() : http_start(f->cli->http, &f->call, &request);
    report_release();
    f->running = status == SG_CLI_OK;
    f->started_ns = clock_monotonic_ns();
    return status;
}

int feed_delay_ms(const struct feed *f, int most)
{
    int64_t left = (f->next_ns - clock_monotonic_ns() + SG_NS_PER_MS - 1) / SG_NS_PER_MS;

    if (f->running || left > most)
        return most;
    return left > 0 ? (int)left : 0;
}

static enum cli_status not_understood(struct feed *f)
{
    report_capture(&f->errors);
    enum cli_status status =
        report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                     "the gateway's events cannot be understood");
    report_release();
    return status;
}

static bool tell_gap(struct feed *f)
{
    struct feed_gap gap = {.code = f->gap_code, .from = f->gap_from, .to = f->cursor};
    bool more = f->sink->gap(f->sink->context, &gap);

    f->gap_code[0] = 0;
    return more;
}

/* Hands out a whole answer. */
static enum cli_status take_page(struct feed *f)
{
    SG_JSON_CLEANUP struct json_object *page = json_parse(buf_str(&f->call.body), f->call.body.len);
    struct json_object *events = json_array(page, "events");
    const char *next = json_text(page, "next", "");
    bool more = true;

    if (!events || !*next || strlen(next) >= sizeof(f->cursor))
        return not_understood(f);
    bool moved = strcmp(f->cursor, next) != 0;
    memcpy(f->cursor, next, strlen(next) + 1);
    if (f->failures && f->told && f->sink->back)
        f->sink->back(f->sink->context);
    bool waited = f->failures == 0;
    f->failures = f->refusals = 0;
    f->told = false;
    if (f->gap_code[0])
        more = tell_gap(f);
    size_t count = json_object_array_length(events);
    for (size_t i = 0; more && i < count; i++)
        more = f->sink->event(f->sink->context, json_object_array_get_idx(events, i));
    if (more && count > 0 && f->sink->page)
        more = f->sink->page(f->sink->context);
    f->over = !more;
    int64_t took = clock_monotonic_ns() - f->started_ns;
    if (count == 0 && !moved && waited && took < SG_FEED_HASTE_MS * SG_NS_PER_MS)
        f->next_ns = clock_monotonic_ns() + SG_FEED_HASTE_MS * SG_NS_PER_MS;
    return SG_CLI_OK;
}

/* A cursor that is of no use: start anew from the newest, if the sink can be told. */
static bool starts_anew(struct feed *f, const char *code)
{
    if (strncmp(code, "cursor-", 7) != 0 || strlen(code) >= sizeof(f->gap_code) || !f->cursor[0] ||
        !f->sink->gap)
        return false;
    memcpy(f->gap_code, code, strlen(code) + 1);
    memcpy(f->gap_from, f->cursor, sizeof(f->gap_from));
    f->cursor[0] = 0;
    f->next_ns = clock_monotonic_ns() + SG_FEED_HASTE_MS / 2 * SG_NS_PER_MS;
    return true;
}

static enum cli_status take_refusal(struct feed *f)
{
    SG_JSON_CLEANUP struct json_object *problem =
        json_parse(buf_str(&f->call.body), f->call.body.len);
    const char *code = json_text(problem, "code", "");

    if (f->call.status == 401 && ++f->refusals < SG_FEED_REFUSALS) {
        f->rejected = true;
        return SG_CLI_OK;
    }
    if (starts_anew(f, code))
        return SG_CLI_OK;
    bool again = retry_is_worth(&f->call);
    report_capture(&f->errors);
    enum cli_status status = report_call(f->cli, &f->call, f->space ? f->space : "events");
    report_release();
    if (!again)
        return status;
    put_off(f, f->call.retry_after, buf_str(&f->errors.message));
    return SG_CLI_OK;
}

enum cli_status feed_settle(struct feed *f)
{
    f->running = false;
    enum cli_status status = http_call_ok(&f->call) ? take_page(f) : take_refusal(f);
    http_call_fini(&f->call);
    return status;
}

enum cli_status feed_run(struct feed *f)
{
    enum cli_status status = SG_CLI_OK;

    while (status == SG_CLI_OK && !f->over && !term_interrupted()) {
        status = feed_turn(f);
        if (status != SG_CLI_OK)
            break;
        struct http_call *call = http_next_within(f->cli->http, feed_delay_ms(f, SG_FEED_SLICE_MS));
        if (call)
            status = feed_settle(call->owner);
    }
    if (term_interrupted())
        return SG_CLI_INTERRUPTED;
    if (status != SG_CLI_OK)
        report_replay(&f->errors);
    return status;
}
