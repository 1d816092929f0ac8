/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges by way of the sealed channel. It never sends two messages under one sequence number,
 * and never one whose number was not written down before.
 */
#include "cli/sealed.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/secret.h"
#include "cli/api.h"
#include "cli/chanstate.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/sealedbody.h"
#include "cli/session.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SG_SEALED_TARGET    "/v1/sessions/current/data"
#define SG_SEALED_OUTER_MAX ((size_t)16 << 20)
/* A reply that was lost is asked for so often, and one that is not there yet for so long. */
#define SG_SEALED_TRIES     4
#define SG_SEALED_PAUSE_MS  250
#define SG_SEALED_PENDING_S 90
/* An answer to nothing comes at once. */
#define SG_SEALED_ASK_STALL_S 30L
/* How often it is sealed anew: others were faster, and the gateway does not know the epoch any
 * more; or it was killed, and nobody knows how far it came. */
#define SG_SEALED_ANEW 5
/* Epochs that the gateway may have gone forward since a request: many others ran meanwhile. */
#define SG_SEALED_EPOCHS 100000

struct sealed_call;

struct sealed {
    struct cli *cli;
    struct http_wrapper wrapper;
    struct sealed_call *unanswered; /* sent, with nothing inside: to be sent once more as it is */
};

/* One exchange under way. */
struct sealed_call {
    struct sealed *sealed;
    struct chanstate state; /* as it was when the request was sealed */
    struct buf inner;       /* empty: no request inside */
    struct buf outer;
    uint8_t tag[SG_CHANNEL_TAG_SIZE]; /* of the request */
    bool repeatable;                  /* runs twice as it runs once */
    bool careless;                    /* it does no harm if it runs twice */
    bool again;
    bool unanswered; /* sent, and worth to be sent again */
    unsigned tries, anew;
    int64_t started_ns;
};

static void call_free(void *context)
{
    struct sealed_call *c = context;

    if (c->unanswered && c->inner.len == 0 && !c->sealed->unanswered) {
        c->sealed->unanswered = c;
        return;
    }
    secret_wipe(&c->state, sizeof(c->state));
    buf_wipe(&c->inner);
    buf_fini(&c->outer);
    free(c);
}

/* Takes the next sequence number, for good, with the epoch as it is. */
static enum cli_status reserve(struct sealed *s, struct chanstate *ret)
{
    SG_FD_CLEANUP int fd = -1;
    bool found = false;
    enum cli_status status = chanstate_lock(s->cli->profile, &fd);

    if (status == SG_CLI_OK)
        status = chanstate_load(s->cli->profile, ret, &found);
    if (status == SG_CLI_OK && !found)
        status =
            report_error(SG_CLI_REFUSED, "run: secctl session open", "the channel has been closed");
    if (status != SG_CLI_OK)
        return status;
    ret->sequence++;
    return chanstate_save(s->cli->profile, ret);
}

/* Gives a number back that never left this machine: a gateway that is away for long would else find
 * the next one too far ahead. Not if others have taken one since. */
static void give_back(struct sealed *s, const struct sealed_call *c)
{
    SG_FD_CLEANUP int fd = -1;
    struct chanstate now = {.sequence = 0};
    bool found = false;

    if (chanstate_lock(s->cli->profile, &fd) == SG_CLI_OK &&
        chanstate_load(s->cli->profile, &now, &found) == SG_CLI_OK && found &&
        strcmp(now.id, c->state.id) == 0 && now.sequence == c->state.sequence) {
        now.sequence--;
        enum cli_status ignored = chanstate_save(s->cli->profile, &now);
        (void)ignored;
    }
    secret_wipe(&now, sizeof(now));
}

static struct channel_message message_of(const struct sealed_call *c,
                                         enum channel_direction direction, uint64_t next_epoch)
{
    struct channel_message m = {
        .direction = direction, .sequence = c->state.sequence, .next_epoch = next_epoch};

    memcpy(m.session_id, c->state.session_id, sizeof(m.session_id));
    if (direction == SG_CHANNEL_RESPONSE)
        memcpy(m.request_tag, c->tag, sizeof(m.request_tag));
    return m;
}

/* Writes the outer request's body under a number of its own. */
static enum cli_status seal(struct sealed *s, struct sealed_call *c)
{
    uint8_t nonce[SG_CHANNEL_NONCE_SIZE];
    char nonce_text[SG_BASE64_SIZE(SG_CHANNEL_NONCE_SIZE)], *data;
    struct buf sealed;
    enum cli_status status = reserve(s, &c->state);

    if (status != SG_CLI_OK)
        return status;
    buf_clear(&c->outer);
    buf_printf(&c->outer, "{\"sequence\":%llu,\"epoch\":%llu",
               (unsigned long long)c->state.sequence, (unsigned long long)c->state.epoch.number);
    buf_init(&sealed, SG_SEALED_OUTER_MAX);
    /* Drawn, not counted: a profile that is put back from a copy repeats no nonce. */
    rng_bytes(nonce, sizeof(nonce));
    /* With nothing inside it is sealed, too: who has the token alone cannot ask. */
    struct channel_message m = message_of(c, SG_CHANNEL_REQUEST, 0);
    enum sg_err err =
        channel_seal(&c->state.epoch, &m, nonce, buf_str(&c->inner), c->inner.len, &sealed);
    data = err == SG_OK && !sealed.failed ? malloc(SG_BASE64_SIZE(sealed.len)) : NULL;
    if (data) {
        memcpy(c->tag, sealed.data + sealed.len - sizeof(c->tag), sizeof(c->tag));
        encode_base64(nonce, sizeof(nonce), nonce_text);
        encode_base64(sealed.data, sealed.len, data);
        buf_printf(&c->outer, ",\"nonce\":\"%s\",\"data\":\"", nonce_text);
        buf_puts(&c->outer, data);
        buf_putc(&c->outer, '"');
    } else {
        c->outer.failed = true;
    }
    free(data);
    buf_fini(&sealed);
    buf_putc(&c->outer, '}');
    return c->outer.failed ? report_no_memory() : SG_CLI_OK;
}

/* Puts or deletes the same: an answer may then be another one, the outcome is not. */
static bool is_careless(const struct http_request *request)
{
    return request->method &&
           (strcmp(request->method, "PUT") == 0 || strcmp(request->method, "DELETE") == 0);
}

/* Reading is, and what the gateway knows again by its key. */
static bool is_repeatable(const struct http_request *request)
{
    bool keyed = false;

    for (size_t i = 0; i < SG_HTTP_HEADERS && request->headers[i]; i++)
        keyed = keyed || strncasecmp(request->headers[i], "Idempotency-Key:", 16) == 0;
    return keyed || !request->method || strcmp(request->method, "GET") == 0;
}

static struct sealed_call *call_new(struct sealed *s, const struct http_request *request)
{
    struct sealed_call *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->sealed = s;
    buf_init(&c->inner, SG_SEALED_OUTER_MAX);
    buf_init(&c->outer, SG_SEALED_OUTER_MAX);
    c->repeatable = is_repeatable(request);
    c->careless = is_careless(request);
    return c;
}

/* What got no answer and is to be sent again, as it is; NULL when there is none, or when the
 * gateway may not know it any more because others have used the channel. */
static struct sealed_call *take_unanswered(struct sealed *s)
{
    struct sealed_call *c = s->unanswered;
    struct chanstate now = {.sequence = 0};
    bool found = false;

    s->unanswered = NULL;
    if (!c)
        return NULL;
    c->unanswered = false;
    bool last = chanstate_read(s->cli->profile, &now, &found) == SG_CLI_OK && found &&
                strcmp(now.id, c->state.id) == 0 && now.sequence == c->state.sequence;
    secret_wipe(&now, sizeof(now));
    if (!last) {
        call_free(c);
        return NULL;
    }
    c->again = true;
    c->tries = c->anew = 0;
    return c;
}

static enum cli_status wrap(void *context, const struct http_request *request,
                            struct http_request *ret, void **ret_state)
{
    struct sealed *s = context;
    struct sealed_call *c = request->target ? NULL : take_unanswered(s);
    const char *token = request->token;
    bool is_sealed = c != NULL;
    enum cli_status status = SG_CLI_OK;

    if (!c)
        c = call_new(s, request);
    if (!c)
        return report_no_memory();
    c->started_ns = clock_monotonic_ns();
    /* What anybody may ask needs a token as well: the exchange that carries it is the session's. */
    if (!token)
        status = session_token(s->cli, NULL, &token);
    if (status == SG_CLI_OK && request->target)
        status = sealedbody_write(request, &c->inner);
    if (status == SG_CLI_OK && !is_sealed)
        status = seal(s, c);
    if (status != SG_CLI_OK) {
        call_free(c);
        return status;
    }
    *ret = (struct http_request){.method = "POST",
                                 .target = SG_SEALED_TARGET,
                                 .token = token,
                                 .content_type = "application/json",
                                 .body = buf_str(&c->outer),
                                 .body_len = c->outer.len,
                                 .stall_s = request->stall_s};
    *ret_state = c;
    return SG_CLI_OK;
}

/* The channel `id` goes on to the epoch that the gateway wants; others may be further already, or
 * have opened another channel. If it cannot be kept, the gateway takes the former one for a while,
 * and says it again. */
static void move_on(struct sealed *s, const char *id, struct channel_epoch *epoch, uint64_t to)
{
    SG_FD_CLEANUP int fd = -1;
    struct chanstate now = {.sequence = 0};
    bool found = false;

    while (epoch->number < to) {
        if (channel_next(epoch) != SG_OK)
            return;
    }
    if (chanstate_lock(s->cli->profile, &fd) == SG_CLI_OK &&
        chanstate_load(s->cli->profile, &now, &found) == SG_CLI_OK && found &&
        strcmp(now.id, id) == 0 && now.epoch.number < epoch->number) {
        now.epoch = *epoch;
        enum cli_status ignored = chanstate_save(s->cli->profile, &now);
        (void)ignored;
    }
    secret_wipe(&now, sizeof(now));
}

/* Opens the sealed part of an answer. */
static bool open_answer(struct sealed *s, struct sealed_call *c, struct json_object *answer,
                        struct buf *out)
{
    const char *nonce_text = json_text(answer, "nonce", ""), *data = json_text(answer, "data", "");
    int64_t epoch = json_int(answer, "epoch", -1), next = json_int(answer, "next_epoch", -1);
    struct channel_epoch at = c->state.epoch;
    uint8_t nonce[SG_CHANNEL_NONCE_SIZE], *sealed;
    size_t len = strlen(data), nonce_len = 0, sealed_len = 0;
    bool ok;

    if (json_int(answer, "sequence", -1) != (int64_t)c->state.sequence || epoch < 0 ||
        (uint64_t)epoch != at.number || next < epoch || next > epoch + SG_SEALED_EPOCHS ||
        encode_unbase64(nonce_text, strlen(nonce_text), nonce, sizeof(nonce), &nonce_len) !=
            SG_OK ||
        nonce_len != sizeof(nonce))
        return false;
    sealed = malloc(len + 1);
    ok = sealed && encode_unbase64(data, len, sealed, len, &sealed_len) == SG_OK;
    struct channel_message m = message_of(c, SG_CHANNEL_RESPONSE, (uint64_t)next);
    ok = ok && channel_open(&at, &m, nonce, sealed, sealed_len, out) == SG_OK;
    free(sealed);
    if (ok && (uint64_t)next > c->state.epoch.number)
        move_on(s, c->state.id, &at, (uint64_t)next);
    secret_wipe(&at, sizeof(at));
    return ok;
}

/* The answer is there: puts what was sealed into the call. */
static void take(struct sealed *s, struct sealed_call *c, struct http_call *call)
{
    SG_JSON_CLEANUP struct json_object *answer = json_parse(buf_str(&call->body), call->body.len);
    SG_JSON_CLEANUP struct json_object *content = NULL;
    struct buf plain;
    bool ok;

    buf_init(&plain, SG_SEALED_OUTER_MAX);
    ok = open_answer(s, c, answer, &plain);
    if (ok)
        content = json_parse(buf_str(&plain), plain.len);
    if (ok && c->inner.len > 0) {
        ok = sealedbody_read(content, call);
    } else if (ok) {
        ok = json_put_int(content, "sequence", (int64_t)c->state.sequence) &&
             json_put_int(content, "epoch", json_int(answer, "epoch", 0));
        buf_clear(&call->body);
        if (ok)
            json_append(&call->body, content);
    }
    if (!ok)
        call->failure = SG_HTTP_UNSEALED;
    buf_wipe(&plain);
}

static void lost(struct http_call *call)
{
    call->failure = SG_HTTP_NETWORK;
    snprintf(call->error, sizeof(call->error), "the answer was lost on the way");
}

static enum http_unwrapped unwrap(void *context, void *state, struct http_call *call,
                                  const struct buf **ret_body, int *ret_delay_ms)
{
    struct sealed *s = context;
    struct sealed_call *c = state;

    *ret_body = NULL;
    *ret_delay_ms = 0;
    if (call->failure == SG_HTTP_NETWORK && call->sent && ++c->tries < SG_SEALED_TRIES) {
        c->again = true;
        *ret_delay_ms = c->tries > 1 ? SG_SEALED_PAUSE_MS : 0;
        return SG_HTTP_AGAIN;
    }
    if (call->failure != SG_HTTP_DONE) {
        c->unanswered = call->sent || c->again;
        if (!c->unanswered)
            give_back(s, c);
        return SG_HTTP_UNWRAPPED;
    }
    if (call->status == 200) {
        take(s, c, call);
        return SG_HTTP_UNWRAPPED;
    }
    /* An answer in the clear is anybody's. As a refusal it does no harm; as a success it would. */
    if (call->status < 400)
        call->failure = SG_HTTP_UNSEALED;
    if (call->status != 409) {
        c->unanswered = call->status == 401 || retry_is_worth(call);
        return SG_HTTP_UNWRAPPED;
    }
    if (report_code_is(call, "sequence-pending") &&
        clock_monotonic_ns() - c->started_ns < SG_SEALED_PENDING_S * SG_NS_PER_S) {
        *ret_delay_ms = SG_SEALED_PAUSE_MS;
        return SG_HTTP_AGAIN;
    }
    /* libcurl, too, sends again when a kept connection turns out to be closed. */
    bool ran =
        report_code_is(call, "sequence-interrupted") || report_code_is(call, "sequence-replayed");
    bool anew = c->repeatable && (ran || report_code_is(call, "epoch-unknown"));

    /* It says that nothing has happened, but anybody can say so. */
    anew = anew || (c->careless && !c->again && report_code_is(call, "epoch-unknown"));
    if (anew && ++c->anew < SG_SEALED_ANEW && seal(s, c) == SG_CLI_OK) {
        c->again = false;
        c->tries = 0;
        *ret_body = &c->outer;
        return SG_HTTP_ANEW;
    }
    /* It ran, but others have asked since: nobody has the answer any more. */
    if (c->again &&
        (report_code_is(call, "sequence-replayed") || report_code_is(call, "sequence-pending")))
        lost(call);
    return SG_HTTP_UNWRAPPED;
}

/* Why the profile's channel cannot be used; NULL: it can. */
static const char *why_not(const struct cli *cli, const struct chanstate *state, bool found)
{
    if (!found || !session_exists(cli->session) || strcmp(state->id, cli->session->id) != 0)
        return "no channel is open";
    return state->expires_s <= clock_now_s() ? "the time of the channel is over" : NULL;
}

bool sealed_is_open(const struct cli *cli)
{
    struct chanstate state = {.sequence = 0};
    struct report_capture errors = {.printed = {0}};
    bool found = false;

    report_capture(&errors);
    bool ok =
        chanstate_read(cli->profile, &state, &found) == SG_CLI_OK && !why_not(cli, &state, found);
    report_release();
    report_capture_fini(&errors);
    secret_wipe(&state, sizeof(state));
    return ok;
}

enum cli_status sealed_open(struct cli *cli, struct sealed **ret)
{
    struct sealed *s;
    struct chanstate state = {.sequence = 0};
    bool found = false;
    enum cli_status status = chanstate_read(cli->profile, &state, &found);
    const char *why = why_not(cli, &state, found);

    secret_wipe(&state, sizeof(state));
    if (status == SG_CLI_OK && why)
        status = report_error(SG_CLI_REFUSED, "run: secctl session open", "%s", why);
    if (status != SG_CLI_OK)
        return status;
    s = calloc(1, sizeof(*s));
    if (!s)
        return report_no_memory();
    s->cli = cli;
    s->wrapper = (struct http_wrapper){s, wrap, unwrap, call_free};
    http_set_wrapper(cli->http, &s->wrapper);
    *ret = s;
    return SG_CLI_OK;
}

void sealed_close(struct sealed *s)
{
    if (!s)
        return;
    if (s->unanswered) {
        s->unanswered->unanswered = false;
        call_free(s->unanswered);
    }
    free(s);
}

enum cli_status sealed_ask(struct cli *cli, struct retry *retry, struct json_object **ret)
{
    static const struct http_request nothing = {.stall_s = SG_SEALED_ASK_STALL_S};

    if (!retry)
        return api_call(cli, SG_API_USER, NULL, NULL, NULL, "session", ret);
    return api_persist(cli, retry, &nothing, "session", ret);
}
