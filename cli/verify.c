/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secctl chat verify: follows a space's chain from a point to its head. It never says that a log
 * holds of which it has not seen every event between the two.
 */
#include "cli/verify.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "cli/api.h"
#include "cli/chain.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verified.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Faults that are told one by one. */
#define SG_VERIFY_SHOWN 20

struct verify {
    struct cli *cli;
    const char *space; /* as the gateway calls it */
    struct chain chain;
    int64_t start;  /* number it begins after */
    int64_t newest; /* number of the last event when it began; 0: none */
    uint8_t newest_chain[SG_DIGEST_BYTES];
    struct verified before; /* seq 0: none */
    bool met_before;        /* its event has been seen */
    size_t faults;
};

static void __attribute__((format(printf, 2, 3))) fault(struct verify *v, const char *format, ...)
{
    SG_BUF_CLEANUP struct buf text = {0};
    va_list ap;

    buf_init(&text, 4096);
    va_start(ap, format);
    buf_vprintf(&text, format, ap);
    va_end(ap);
    if (v->faults++ < SG_VERIFY_SHOWN)
        (void)report_error(SG_CLI_INTEGRITY, NULL, "%s: %s", v->space, buf_str(&text));
}

/* The number in a cursor, -1 when it is none. */
static int64_t number_of(const char *cursor)
{
    const char *dot = strchr(cursor, '.');
    char *end = NULL;
    long long number = dot ? strtoll(dot + 1, &end, 10) : -1;

    return dot && end != dot + 1 && (!*end || *end == '.') ? number : -1;
}

static void compare_points(struct verify *v, int64_t seq, const uint8_t *value)
{
    if (seq == v->newest && memcmp(value, v->newest_chain, SG_DIGEST_BYTES) != 0)
        fault(v, "event %" PRId64 " is not the newest that the gateway announced under this number",
              seq);
    if (v->before.seq == 0 || seq != v->before.seq)
        return;
    v->met_before = true;
    if (memcmp(value, v->before.chain, SG_DIGEST_BYTES) != 0)
        fault(v, "everything up to event %" PRId64 " was verified before and is different now",
              seq);
}

static void explain(struct verify *v, enum chain_fault found, struct json_object *event,
                    int64_t previous)
{
    int64_t seq = json_int(event, "seq", 0);

    switch (found) {
    case SG_CHAIN_HOLDS:
        break;
    case SG_CHAIN_UNREADABLE:
        fault(v, "what comes after event %" PRId64 " is no event", previous);
        break;
    case SG_CHAIN_DOUBLED:
        fault(v, "event %" PRId64 " is there twice", seq);
        break;
    case SG_CHAIN_DISORDER:
        fault(v, "event %" PRId64 " comes after event %" PRId64 ": the order was changed", seq,
              previous);
        break;
    case SG_CHAIN_BROKEN:
        fault(v,
              "event %" PRId64 " was altered, or something between event %" PRId64
              " and it was removed or added",
              seq, previous);
        break;
    case SG_CHAIN_TEXT:
        fault(v, "the text of event %" PRId64 " is not the one that was sent", seq);
        break;
    case SG_CHAIN_REVISION:
        fault(v, "what is shown as the change of a message does not agree with event %" PRId64,
              seq);
        break;
    case SG_CHAIN_NO_MEMORY:
        fault(v, "out of memory at event %" PRId64, seq);
        break;
    }
}

/* One page after `cursor`; *ret_next is where to go on. */
static enum cli_status take_page(struct verify *v, struct buf *cursor, bool *ret_more)
{
    SG_JSON_CLEANUP struct json_object *page = NULL;
    SG_BUF_CLEANUP struct buf target = {0};

    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    message_target(&target, "/v1/chat/", v->space, "/messages?limit=500");
    remote_query(&target, "after", buf_str(cursor));
    enum cli_status status =
        api_call(v->cli, SG_API_USER, "GET", buf_str(&target), NULL, v->space, &page);
    struct json_object *events = json_array(page, "events");
    const char *next = json_text(page, "next", NULL);
    if (status == SG_CLI_OK && (!events || !next))
        status = report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                              "%s: the gateway's events cannot be understood", v->space);
    if (status != SG_CLI_OK)
        return status;
    size_t count = json_object_array_length(events);
    for (size_t i = 0; i < count; i++) {
        struct json_object *event = json_object_array_get_idx(events, i);
        int64_t previous = 0, known = v->chain.seq;

        enum chain_fault found = chain_follow(&v->chain, event, &previous);
        explain(v, found, event, previous);
        if (v->chain.seq != known)
            compare_points(v, v->chain.seq, v->chain.value);
    }
    *ret_more = count > 0 && strcmp(next, buf_str(cursor)) != 0 && v->chain.seq < v->newest;
    buf_clear(cursor);
    buf_puts(cursor, next);
    return SG_CLI_OK;
}

/* What can only be told at the end. */
static void conclude(struct verify *v)
{
    char when[SG_TEXT_SIZE];

    if (v->chain.seq < v->newest)
        fault(v, "events after %" PRId64 " up to %" PRId64 " are missing", v->chain.seq, v->newest);
    int64_t message = chain_missing_revision(&v->chain, v->chain.seq);
    if (message)
        fault(v, "message %" PRId64 " is shown as changed, but there is no such event", message);
    if (v->before.seq == 0 || v->met_before)
        return;
    text_datetime(v->before.at, when);
    if (v->before.seq < v->start)
        term_note("secctl: event %" PRId64 ", up to which the log was verified on %s, is not "
                  "looked at or is no longer kept: what came before event %" PRId64
                  " cannot be compared",
                  v->before.seq, when, v->start);
    else
        fault(v, "event %" PRId64 ", up to which it was verified on %s, is not there any more",
              v->before.seq, when);
}

static void print_result(struct verify *v)
{
    char hex[SG_DIGEST_HEX_SIZE];

    encode_hex(v->chain.value, SG_DIGEST_BYTES, hex);
    if (v->cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "space", v->space) &&
            json_put_bool(json, "holds", v->faults == 0) &&
            json_put_int(json, "faults", (int64_t)v->faults) &&
            json_put_int(json, "events", (int64_t)v->chain.count) &&
            json_put_int(json, "texts", (int64_t)v->chain.texts) &&
            json_put_int(json, "after", v->start) && json_put_int(json, "seq", v->chain.seq) &&
            json_put_text(json, "chain", hex))
            json_print(json);
        return;
    }
    if (v->faults == 0)
        term_line("%s holds: %" PRIu64 " events after %" PRId64 " up to %" PRId64 ", %" PRIu64
                  " texts, chain %s",
                  v->space, v->chain.count, v->start, v->chain.seq, v->chain.texts, hex);
    if (v->faults > SG_VERIFY_SHOWN)
        term_warn("secctl: %zu more faults", v->faults - SG_VERIFY_SHOWN);
}

static enum cli_status read_space(struct verify *v, struct json_object *info)
{
    const char *newest = json_text(info, "newest", NULL);

    v->newest = newest ? number_of(newest) : 0;
    if (v->newest < 0 || !chain_parse(json_text(info, "newest_chain", ""), v->newest_chain))
        return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                            "%s: the gateway's answer cannot be understood", v->space);
    return SG_CLI_OK;
}

/* Where to begin: as asked, else at the oldest event that is left. */
static enum cli_status begin(struct verify *v, const struct verify_options *o,
                             struct json_object *info, struct buf *cursor)
{
    static const uint8_t zero[SG_DIGEST_BYTES];
    uint8_t value[SG_DIGEST_BYTES];
    const char *after = o->after ? o->after : json_text(info, "oldest", "");
    const char *hex = o->after ? o->chain : json_text(info, "oldest_chain", "");

    v->start = number_of(after);
    if (v->start < 0 || !chain_parse(hex, value))
        return report_error(o->after ? SG_CLI_USAGE : SG_CLI_REFUSED,
                            "--after takes the id of an event, --chain its chain value",
                            "%s: that is no place to begin", v->space);
    chain_start(&v->chain, v->start, value);
    if (v->start == 0 && memcmp(value, zero, sizeof(zero)) != 0)
        fault(v, "the chain does not begin with zeros");
    compare_points(v, v->start, value);
    /* An id keeps the epoch that it was made in; a cursor has that of today. */
    buf_printf(cursor, "%s.%" PRId64, json_text(info, "epoch", ""), v->start);
    return SG_CLI_OK;
}

static enum cli_status follow(struct verify *v, const struct verify_options *o,
                              struct json_object *info)
{
    SG_BUF_CLEANUP struct buf cursor = {0};
    bool more = true;

    buf_init(&cursor, 4096);
    enum cli_status status = read_space(v, info);
    if (status == SG_CLI_OK)
        status = begin(v, o, info, &cursor);
    while (status == SG_CLI_OK && more && !term_interrupted())
        status = take_page(v, &cursor, &more);
    if (status == SG_CLI_OK && term_interrupted())
        return SG_CLI_INTERRUPTED;
    if (status != SG_CLI_OK)
        return status;
    conclude(v);
    print_result(v);
    if (v->faults > 0)
        return SG_CLI_INTEGRITY;
    struct verified point = {.seq = v->chain.seq, .at = clock_now_s()};
    memcpy(point.chain, v->chain.value, sizeof(point.chain));
    /* A check of a part only does not move what was verified back. */
    if (point.seq < 1 || point.seq < v->before.seq)
        return SG_CLI_OK;
    return verified_set(v->cli->profile, v->space, &point);
}

enum cli_status verify_space(struct cli *cli, const char *typed,
                             const struct verify_options *options)
{
    SG_JSON_CLEANUP struct json_object *info = NULL;
    SG_BUF_CLEANUP struct buf name = {0}, target = {0};
    struct verify v = {.cli = cli};

    buf_init(&name, SG_REMOTE_PATH_MAX);
    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    message_space(&name, typed);
    message_target(&target, "/v1/spaces/", buf_str(&name), "");
    if (target.failed)
        return report_error(SG_CLI_USAGE, NULL, "that is no space");
    enum cli_status status =
        api_call(cli, SG_API_USER, "GET", buf_str(&target), NULL, buf_str(&name), &info);
    if (status != SG_CLI_OK)
        return status;
    v.space = json_text(info, "name", buf_str(&name));
    if (options->forget)
        status = verified_set(cli->profile, v.space, NULL);
    if (status == SG_CLI_OK)
        status = verified_get(cli->profile, v.space, &v.before);
    if (status == SG_CLI_OK)
        status = follow(&v, options, info);
    chain_end(&v.chain);
    return status;
}
