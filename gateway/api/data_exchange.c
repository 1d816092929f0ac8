/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/sessions/{id}/data: one exchange over the sealed channel of the session. What is
 * enclosed runs as any request of this session; this only opens and seals. Small messages are
 * opened on the event loop, others, of which a megabyte takes milliseconds, on the pool. */
#include <string.h>

#include "api/api.h"
#include "api/exchange_in.h"
#include "api/inner_in.h"
#include "api/json_in.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "api/session_request.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/channels.h"
#include "core/identity.h"
#include "http/enclose.h"
#include "http/request.h"

#define AT_ONCE_MAX  32768 /* bytes of a body */
#define UNSEALED     2     /* copies of unsealed data: as text, and as what is read of it */
#define TEXT_LETTERS 8
#define PLAIN_SIZE   96   /* {"text":"ABCDEFGH","time":"..."} */
#define FRAME_ROOM   192  /* bytes of an answer beside its data */
#define HEADERS_ROOM 8192 /* bytes of an answer's headers and status */

struct state {
    struct arena *arena;      /* of an unusual body */
    struct channel_request q; /* borrows from the body, which was decoded in place */
    bool has_read;            /* `q` */
    struct buf inner;         /* unsealed */
    struct inner_request request;
    struct channel_exchange *exchange;
};

/* Random bytes of which a few are wanted at a time; nothing that must stay secret is made of them.
 */
struct random_pool {
    uint8_t byte[256];
    size_t left;
};

static uint8_t next_byte(struct random_pool *p)
{
    if (p->left == 0) {
        rng_bytes(p->byte, sizeof p->byte);
        p->left = sizeof p->byte;
    }
    return p->byte[--p->left];
}

/* The origin's answer: eight random letters, and the time. */
static size_t compose_plain(char ret[PLAIN_SIZE])
{
    static _Thread_local struct random_pool pool;
    static const char begin[] = "{\"text\":\"", middle[] = "\",\"time\":\"";
    char *at = ret;

    at = mempcpy(at, begin, sizeof begin - 1);
    for (unsigned n = 0; n < TEXT_LETTERS;) {
        uint8_t byte = next_byte(&pool);

        if (byte >= 26 * 9) /* all letters alike */
            continue;
        *at++ = (char)('A' + byte % 26);
        n++;
    }
    at = mempcpy(at, middle, sizeof middle - 1);
    clock_format_rfc3339(clock_now_ns(), at);
    at += strlen(at);
    at = mempcpy(at, "\"}", 2);
    return (size_t)(at - ret);
}

/* The common way, with the reason for a refusal. */
static enum sg_err read_slowly(struct request *r, struct state *s, size_t len,
                               struct exchange_in *in)
{
    char *nonce = NULL, *data = NULL;
    const struct json_field fields[] = {
        {NULL,
         "sequence",
         SG_JSON_INTEGER,
         true,
         1,
         SG_CHANNEL_SEQUENCE_MAX,
         {.integer = &in->sequence},
         &in->has_sequence},
        {NULL,
         "epoch",
         SG_JSON_INTEGER,
         false,
         0,
         SG_CHANNEL_SEQUENCE_MAX,
         {.integer = &in->epoch},
         &in->has_epoch},
        {NULL, "nonce", SG_JSON_STRING, false, 16, 16, {.string = &nonce}, NULL},
        {NULL, "data", SG_JSON_STRING, false, 1, INT32_MAX, {.string = &data}, NULL},
    };
    enum sg_err err;

    memset(in, 0, sizeof *in);
    s->arena = arena_new(len + 16384);
    if (s->arena == NULL)
        return SG_ERR_NO_MEMORY;
    err = json_in_read_into(r, s->arena, fields, sizeof fields / sizeof fields[0]);
    if (err != SG_OK)
        return err;
    in->nonce = nonce;
    in->nonce_len = nonce != NULL ? strlen(nonce) : 0;
    in->data = data;
    in->data_len = data != NULL ? strlen(data) : 0;
    return SG_OK;
}

static enum sg_err decode(struct request *r, const char *name, const char *text, size_t len,
                          size_t *ret_len)
{
    /* In place: the body and its copy are this request's. */
    if (encode_unbase64(text, len, (uint8_t *)(uintptr_t)text, len, ret_len) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "%s: must be base64", name);
    return SG_OK;
}

static enum sg_err read_request(struct request *r, struct state *s, struct channel_request *q)
{
    struct exchange_in in;
    size_t len, nonce_len = 0;
    const char *body = (const char *)request_body(r, &len);
    enum sg_err err = SG_OK;

    if (body == NULL || !exchange_in_plain(body, len, &in) || in.sequence < 1 ||
        (in.nonce != NULL && in.nonce_len != 16) || (in.data != NULL && in.data_len == 0))
        err = read_slowly(r, s, len, &in);
    if (err == SG_OK && in.nonce != NULL)
        err = decode(r, "nonce", in.nonce, in.nonce_len, &nonce_len);
    if (err == SG_OK && in.data != NULL)
        err = decode(r, "data", in.data, in.data_len, &q->data_len);
    if (err != SG_OK)
        return err;
    if (in.nonce != NULL && nonce_len != SG_CHANNEL_NONCE_SIZE)
        return request_fail(r, SG_ERR_BAD_FIELD, "nonce: must be 12 bytes in base64");
    if (in.nonce != NULL && in.data == NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "nonce: there is no data that it is of");
    q->sequence = (uint64_t)in.sequence;
    q->has_epoch = in.has_epoch;
    q->epoch = in.has_epoch ? (uint64_t)in.epoch : 0;
    q->nonce = (const uint8_t *)in.nonce;
    q->data = (const uint8_t *)in.data;
    return SG_OK;
}

/* Only that of the token. */
static enum sg_err check_session(struct request *r, struct channel_request *q)
{
    const struct principal *who = request_principal(r);
    enum sg_err err = session_request_id(r, q->session_id);

    if (err == SG_OK && (who->authority == SG_AUTHORITY_SCRIPT ||
                         memcmp(q->session_id, who->session_id, sizeof q->session_id) != 0))
        err = SG_ERR_SESSION_MISMATCH;
    return err;
}

static char *put_number(char *at, const char *name, uint64_t value)
{
    char digits[20];
    size_t n = 0;

    at = stpcpy(at, name);
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

/* Takes answer->data. Written by hand: this is what a gateway full of sessions does all day. */
static enum sg_err reply(struct request *r, struct channel_answer *answer)
{
    struct json_out o;
    char *begin, *at;
    enum sg_err err = request_reserve(r, SG_BASE64_SIZE(answer->data.len) + FRAME_ROOM);

    if (err != SG_OK) { /* it is kept, and comes when it is asked for again */
        buf_fini(&answer->data);
        return err;
    }
    json_out_init(&o, SG_BASE64_SIZE(answer->data.len) + FRAME_ROOM);
    begin = at = (char *)buf_reserve(&o.buf, SG_BASE64_SIZE(answer->data.len) + FRAME_ROOM);
    if (at != NULL) {
        at = put_number(at, "{\"sequence\":", answer->sequence);
        at = put_number(at, ",\"epoch\":", answer->epoch);
        at = put_number(at, ",\"next_epoch\":", answer->next_epoch);
        at = stpcpy(at, ",\"nonce\":\"");
        encode_base64(answer->nonce, sizeof answer->nonce, at);
        at = stpcpy(at + SG_BASE64_SIZE(sizeof answer->nonce) - 1, "\",\"data\":\"");
        encode_base64(answer->data.data, answer->data.len, at);
        at = stpcpy(at + SG_BASE64_SIZE(answer->data.len) - 1, "\"}");
        buf_commit(&o.buf, (size_t)(at - begin));
    }
    buf_fini(&answer->data);
    return json_out_reply_large(r, 200, &o);
}

/* Seals the answer of what was enclosed. */
static enum sg_err seal(struct request *r, const struct enclosed_answer *inner)
{
    const struct api *api = request_app(r);
    struct state *s = request_state(r);
    struct channel_answer answer;
    struct buf text;
    enum sg_err err;

    buf_init(&text, SG_BASE64_SIZE(inner->body_len) + HEADERS_ROOM);
    err = inner_out_write(inner, &text);
    if (err == SG_OK)
        err = channels_answer(api->channels, &s->exchange, text.data, text.len, &answer);
    buf_wipe(&text);
    return err == SG_OK ? reply(r, &answer) : err;
}

static bool seal_would_wait(struct request *r)
{
    const struct state *s = request_state(r);

    return channels_busy(s->exchange);
}

/* What cannot be read as a request is answered as if it had been one. */
static enum sg_err seal_refusal(struct request *r, enum sg_err err, const char *detail)
{
    struct enclosed_answer inner = {.status = err_status(err), .header_count = 1};
    struct json_out o;

    inner.header[0] = (struct enclosed_header){"Content-Type", "application/problem+json"};
    json_out_init(&o, 1024);
    json_out_object(&o, NULL);
    (void)buf_printf(&o.buf, "\"type\":\"urn:secgate:error:%s\"", err_code(err));
    o.comma = true;
    json_out_string(&o, "title", err_title(err));
    json_out_integer(&o, "status", err_status(err));
    json_out_string(&o, "detail", detail[0] != 0 ? detail : err_title(err));
    json_out_string(&o, "code", err_code(err));
    json_out_string(&o, "request_id", request_id(r));
    json_out_close(&o, '}');
    err = buf_status(&o.buf);
    if (err == SG_OK) {
        inner.body = o.buf.data;
        inner.body_len = o.buf.len;
        err = seal(r, &inner);
    }
    json_out_fini(&o);
    return err;
}

static enum sg_err enclose(struct request *r, struct state *s)
{
    const struct api *api = request_app(r);
    char detail[SG_INNER_DETAIL_SIZE];
    enum sg_err err = inner_in_read(s->inner.data, s->inner.len, &s->request, detail);

    buf_wipe(&s->inner);
    if (err == SG_ERR_BAD_JSON || err == SG_ERR_BAD_FIELD)
        return seal_refusal(r, err, detail);
    if (err == SG_OK)
        err = request_enclose(r, &s->request.request,
                              &(struct enclosing){.answer_max = channels_data_bytes(api->channels),
                                                  .seal = seal,
                                                  .would_wait = seal_would_wait});
    return err;
}

/* As channels_take: *ret_done false when it would have to wait; NULL: it may. */
static enum sg_err take(struct request *r, struct state *s, bool *ret_done)
{
    const struct api *api = request_app(r);
    struct channel_answer answer;
    char plain[PLAIN_SIZE];
    enum sg_err err;

    buf_wipe(&s->inner);
    buf_init(&s->inner, s->q.data_len);
    err = channels_take(api->channels, &s->q, plain, compose_plain(plain), &s->inner, &s->exchange,
                        &answer, ret_done);
    if (err != SG_OK || (ret_done != NULL && !*ret_done))
        return err;
    return s->exchange != NULL ? enclose(r, s) : reply(r, &answer);
}

static enum sg_err read_body(struct request *r, struct state *s)
{
    enum sg_err err = check_session(r, &s->q);

    if (err == SG_OK)
        err = read_request(r, s, &s->q);
    s->has_read = err == SG_OK;
    return err;
}

static enum sg_err run_at_once(struct request *r, bool *ret_done)
{
    struct state *s = request_state(r);
    size_t len = 0;
    enum sg_err err;

    (void)request_body(r, &len);
    if (len > AT_ONCE_MAX)
        return SG_OK;
    err = read_body(r, s);
    return err == SG_OK ? take(r, s, ret_done) : err;
}

static enum sg_err run(struct request *r)
{
    struct state *s = request_state(r);
    enum sg_err err = s->has_read ? SG_OK : read_body(r, s);

    if (err == SG_OK)
        err = request_reserve(r, UNSEALED * s->q.data_len);
    return err == SG_OK ? take(r, s, NULL) : err;
}

static void end(struct request *r)
{
    const struct api *api = request_app(r);
    struct state *s = request_state(r);

    channels_abandon(api->channels, &s->exchange);
    inner_in_fini(&s->request);
    buf_wipe(&s->inner);
    arena_free(s->arena);
}

const struct operation data_exchange_operation = {
    .state_size = sizeof(struct state), .run = run, .run_at_once = run_at_once, .end = end};
