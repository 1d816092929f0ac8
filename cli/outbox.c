/* SPDX-License-Identifier: Apache-2.0 */
/* What a conversation sends. It never gives up a message that the gateway may have taken. */
#include "cli/outbox.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/retry.h"
#include "cli/session.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_OUTBOX_STALL_S  30L
#define SG_OUTBOX_REFUSALS 3

void outbox_init(struct outbox *o, struct cli *cli, const char *space, outbox_result *result,
                 void *context)
{
    memset(o, 0, sizeof(*o));
    o->cli = cli;
    o->space = space;
    o->result = result;
    o->context = context;
    o->call.owner = o;
}

void outbox_free(struct outbox_request *request)
{
    while (request) {
        struct outbox_request *next = request->next;

        free(request->text);
        free(request);
        request = next;
    }
}

void outbox_fini(struct outbox *o)
{
    http_call_fini(&o->call);
    outbox_free(o->first);
    secret_free_string(o->token);
    report_capture_fini(&o->errors);
    memset(o, 0, sizeof(*o));
}

struct outbox_request *outbox_new(enum talk_ask what, const char *text, size_t len, int64_t seq)
{
    struct outbox_request *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->text = text ? malloc(len + 1) : NULL;
    if (text && !r->text) {
        free(r);
        return NULL;
    }
    if (text) {
        memcpy(r->text, text, len);
        r->text[len] = 0;
        r->len = len;
    }
    r->what = what;
    r->seq = seq;
    message_key(r->key);
    return r;
}

void outbox_add(struct outbox *o, struct outbox_request *requests)
{
    if (!requests)
        return;
    if (o->last)
        o->last->next = requests;
    else
        o->first = requests;
    for (o->last = requests; o->last->next;)
        o->last = o->last->next;
}

static const struct {
    const char *method;
    const char *rest; /* behind the space */
    bool again;       /* as often as it takes */
} kinds[] = {
    [SG_TALK_ASK_SAY] = {"POST", "/messages", true},
    [SG_TALK_ASK_CHANGE] = {"PATCH", "/messages/", false},
    [SG_TALK_ASK_DELETE] = {"DELETE", "/messages/", false},
    [SG_TALK_ASK_WHO] = {"GET", "/presence", false},
    [SG_TALK_ASK_READ] = {"PUT", "/read", false},
};

static void make_body(const struct outbox_request *r, struct buf *body)
{
    if (r->what == SG_TALK_ASK_SAY)
        message_body(body, r->text, r->len, r->seq, NULL, 0);
    else if (r->what == SG_TALK_ASK_CHANGE)
        message_body(body, r->text, r->len, 0, NULL, 0);
    else if (r->what == SG_TALK_ASK_READ)
        buf_printf(body, "{\"seq\":%lld}", (long long)r->seq);
}

static enum cli_status start(struct outbox *o, const struct outbox_request *r)
{
    SG_BUF_CLEANUP struct buf target = {0}, body = {0};
    char header[64];

    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    buf_init(&body, SG_MESSAGE_BODY_MAX);
    message_target(&target, "/v1/chat/", o->space, kinds[r->what].rest);
    if (r->what == SG_TALK_ASK_CHANGE || r->what == SG_TALK_ASK_DELETE)
        buf_printf(&target, "%lld", (long long)r->seq);
    make_body(r, &body);
    struct http_request request = {.method = kinds[r->what].method,
                                   .target = buf_str(&target),
                                   .token = o->token,
                                   .stall_s = SG_OUTBOX_STALL_S};
    if (body.len > 0) {
        request.content_type = "application/json";
        request.body = buf_str(&body);
        request.body_len = body.len;
    }
    snprintf(header, sizeof(header), "Idempotency-Key: %s", r->key);
    if (r->what == SG_TALK_ASK_SAY)
        request.headers[0] = header;
    if (target.failed || body.failed)
        return report_no_memory();
    return http_start(o->cli->http, &o->call, &request);
}

static void put_off(struct outbox *o, long retry_after)
{
    o->failures++;
    o->next_ns = clock_monotonic_ns() + retry_delay_ms(o->failures, retry_after) * SG_NS_PER_MS;
}

static enum cli_status take_token(struct outbox *o)
{
    const char *token = NULL;
    enum cli_status status = session_token(o->cli, o->rejected ? o->token : NULL, &token);

    if (status != SG_CLI_OK)
        return status;
    if (!o->token || strcmp(o->token, token) != 0) {
        secret_free_string(o->token);
        o->token = strdup(token);
    }
    o->rejected = false;
    return o->token ? SG_CLI_OK : report_no_memory();
}

enum cli_status outbox_turn(struct outbox *o)
{
    if (o->running || !o->first || clock_monotonic_ns() < o->next_ns)
        return SG_CLI_OK;
    report_capture(&o->errors);
    enum cli_status status = take_token(o);
    if (status == SG_CLI_OK)
        status = start(o, o->first);
    report_release();
    o->running = status == SG_CLI_OK;
    if (status == SG_CLI_OK || !o->cli->session->may_pass)
        return status;
    put_off(o, 0);
    return SG_CLI_OK;
}

int outbox_delay_ms(const struct outbox *o, int most)
{
    int64_t left = (o->next_ns - clock_monotonic_ns() + SG_NS_PER_MS - 1) / SG_NS_PER_MS;

    if (o->running || !o->first || left > most)
        return most;
    return left > 0 ? (int)left : 0;
}

/* The first request is over. */
static void finish(struct outbox *o, const char *refused, struct json_object *answer)
{
    struct outbox_request *done = o->first;

    o->first = done->next;
    if (!o->first)
        o->last = NULL;
    done->next = NULL;
    o->failures = o->refusals = 0;
    o->result(o->context, done, refused, answer);
    outbox_free(done);
}

static void refuse(struct outbox *o)
{
    report_capture(&o->errors);
    (void)report_call(o->cli, &o->call, o->space);
    report_release();
    finish(o, buf_str(&o->errors.message), NULL);
}

void outbox_settle(struct outbox *o)
{
    o->running = false;
    if (http_call_ok(&o->call)) {
        SG_JSON_CLEANUP struct json_object *answer =
            json_parse(buf_str(&o->call.body), o->call.body.len);

        finish(o, NULL, answer);
    } else if (o->call.status == 401 && ++o->refusals < SG_OUTBOX_REFUSALS) {
        o->rejected = true;
    } else if (kinds[o->first->what].again && retry_is_worth(&o->call)) {
        put_off(o, o->call.retry_after);
    } else {
        refuse(o);
    }
    http_call_fini(&o->call);
}
