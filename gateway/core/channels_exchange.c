/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange over a channel: which requests are taken, in which order that is found out, and what
 * an answer changes. It never takes a sequence number twice. */
#include "core/channels_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/secret.h"

#define AT_ONCE_MAX 32768 /* bytes of a kept answer that is read where nobody may wait */

struct channel_exchange {
    struct channels_live *live;
    uint64_t sequence;
    struct channel_epoch epoch; /* of its own: the channel may have moved on since */
    uint8_t tag[SG_CHANNEL_TAG_SIZE];
};

/* Both sides of one step while the channel is locked. */
struct step {
    struct channels *c;
    struct channels_live *live;
    const struct channel_request *q;
    const struct channel_epoch *epoch;
    uint8_t tag[SG_CHANNEL_TAG_SIZE]; /* of the request */
    bool at_once, later;              /* it may not wait; it would have to */
};

/* -- the rules --------------------------------------------------------------------------------- */
/* The bit of a sequence number; 0: not in the window's memory. */
static uint64_t bit_of(const struct channel_record *r, uint64_t sequence)
{
    if (sequence > r->highest || r->highest - sequence >= 64)
        return 0;
    return UINT64_C(1) << (r->highest - sequence);
}

static enum sg_err check_sequence(const struct step *s)
{
    const struct channel_record *r = &s->live->record;
    uint64_t sequence = s->q->sequence, window = s->c->options.window;
    uint64_t bit = bit_of(r, sequence);

    if (sequence > r->highest)
        return sequence - r->highest > window ? SG_ERR_SEQUENCE_GAP : SG_OK;
    if ((s->live->pending & bit) != 0)
        return SG_ERR_SEQUENCE_BUSY;
    if ((r->taken & bit) != 0)
        return (r->answered & bit) != 0 ? SG_ERR_REPLAYED : SG_ERR_INTERRUPTED;
    return r->highest - sequence >= window ? SG_ERR_REPLAYED : SG_OK;
}

static bool is_repeat(const struct step *s)
{
    const struct channel_record *r = &s->live->record;

    return r->last_sequence != 0 && s->q->sequence == r->last_sequence &&
           memcmp(s->tag, r->last_tag, sizeof s->tag) == 0;
}

static enum sg_err choose_epoch(struct step *s)
{
    struct channels_live *l = s->live;
    uint64_t number = s->q->has_epoch ? s->q->epoch : l->now.number;

    if (number == l->now.number)
        s->epoch = &l->now;
    else if (l->has_former && number == l->former.number &&
             s->q->sequence <= l->record.former_until)
        s->epoch = &l->former;
    else
        return SG_ERR_EPOCH;
    return SG_OK;
}

static enum sg_err unseal(struct step *s, struct buf *inner)
{
    const struct channel_request *q = s->q;
    struct channel_message m = {.direction = SG_CHANNEL_REQUEST, .sequence = q->sequence};
    enum sg_err err;

    if (q->data == NULL)
        return q->nonce == NULL ? SG_OK : SG_ERR_BAD_FIELD;
    if (q->data_len > s->c->options.data_bytes + SG_CHANNEL_TAG_SIZE)
        return SG_ERR_TOO_LARGE;
    memcpy(m.session_id, s->live->id, sizeof m.session_id);
    err = channel_open(s->epoch, &m, q->nonce, q->data, q->data_len, inner);
    if (err == SG_OK)
        memcpy(s->tag, q->data + q->data_len - SG_CHANNEL_TAG_SIZE, sizeof s->tag);
    return err;
}

/* The sequence number counts as used. */
static void mark(struct channel_record *r, uint64_t *pending, uint64_t sequence)
{
    if (sequence > r->highest) {
        uint64_t ahead = sequence - r->highest;

        r->taken = ahead < 64 ? r->taken << ahead : 0;
        r->answered = ahead < 64 ? r->answered << ahead : 0;
        *pending = ahead < 64 ? *pending << ahead : 0;
        r->highest = sequence;
    }
    r->taken |= bit_of(r, sequence);
}

/* -- answers ----------------------------------------------------------------------------------- */
/* What the store keeps of an answer: its nonce and what was sealed. */
static enum sg_err keep(struct channels *c, struct channels_live *live,
                        struct channel_record *record, const struct channel_answer *answer)
{
    const struct channels_store *store = &c->options.store;
    uint8_t small[1024], *kept = small;
    size_t len = SG_CHANNEL_NONCE_SIZE + answer->data.len;
    enum sg_err err;

    if (len > sizeof small)
        kept = malloc(len);
    if (kept == NULL)
        return SG_ERR_NO_MEMORY;
    memcpy(kept, answer->nonce, SG_CHANNEL_NONCE_SIZE);
    memcpy(kept + SG_CHANNEL_NONCE_SIZE, answer->data.data, answer->data.len);
    record->last_sequence = answer->sequence;
    record->last_epoch = answer->epoch;
    record->last_next_epoch = answer->next_epoch;
    record->last_len = len;
    err = store->vt->update(store->self, live->slot, record, kept);
    if (kept != small)
        free(kept);
    return err;
}

/* Without it: a repeat is refused, but what was done is known to have been done. */
static enum sg_err keep_less(struct channels *c, struct channels_live *live,
                             struct channel_record *record)
{
    const struct channels_store *store = &c->options.store;

    record->last_sequence = 0;
    record->last_len = 0;
    return store->vt->update(store->self, live->slot, record, "");
}

static enum sg_err move_on(struct channels *c, const struct channels_live *live,
                           struct channel_record *record, struct channel_epoch *ret)
{
    enum sg_err err;

    *ret = live->now;
    err = channel_next(ret);
    record->epoch = ret->number;
    record->responses = 0;
    record->former_until = record->highest + c->options.window;
    return err == SG_OK ? channels_wrap(c, ret, &live->now, record) : err;
}

static enum sg_err seal(const struct channels_live *live, const struct channel_epoch *epoch,
                        const uint8_t tag[SG_CHANNEL_TAG_SIZE], const void *plain, size_t len,
                        struct channel_answer *answer)
{
    struct channel_message m = {.direction = SG_CHANNEL_RESPONSE,
                                .sequence = answer->sequence,
                                .next_epoch = answer->next_epoch};
    enum sg_err err;

    memcpy(m.session_id, live->id, sizeof m.session_id);
    memcpy(m.request_tag, tag, sizeof m.request_tag);
    answer->epoch = epoch->number;
    channel_nonce(epoch, SG_CHANNEL_RESPONSE, answer->sequence, answer->nonce);
    buf_init(&answer->data, len + SG_CHANNEL_TAG_SIZE);
    err = channel_seal(epoch, &m, NULL, plain, len, &answer->data);
    if (err != SG_OK)
        buf_fini(&answer->data);
    return err;
}

/* Seals the answer; `record` has its sequence number marked already. `must_keep`: the request may
 * be refused still. */
static enum sg_err answer_with(struct channels *c, struct channels_live *live,
                               struct channel_record *record, const struct channel_epoch *epoch,
                               const uint8_t tag[SG_CHANNEL_TAG_SIZE], bool must_keep,
                               const void *plain, size_t len, struct channel_answer *answer)
{
    struct channel_epoch next;
    bool moves = epoch->number == live->now.number && ++record->responses >= c->options.responses;
    enum sg_err err = moves ? move_on(c, live, record, &next) : SG_OK;

    answer->next_epoch = record->epoch;
    record->answered |= bit_of(record, answer->sequence);
    memcpy(record->last_tag, tag, sizeof record->last_tag);
    if (err == SG_OK)
        err = seal(live, epoch, tag, plain, len, answer);
    if (err == SG_OK) {
        err = keep(c, live, record, answer);
        if (err != SG_OK && !must_keep)
            err = keep_less(c, live, record);
        if (err != SG_OK)
            buf_fini(&answer->data);
    }
    if (err == SG_OK) {
        live->record = *record;
        metrics_add(SG_METRIC_CHANNEL_ANSWERS, 1);
        if (moves) {
            live->former = live->now;
            live->has_former = true;
            live->now = next;
        }
    }
    secret_wipe(&next, sizeof next);
    return err;
}

static enum sg_err repeat(struct step *s, struct channel_answer *ret)
{
    const struct channels_store *store = &s->c->options.store;
    const struct channel_record *r = &s->live->record;
    struct channel_answer a = {
        .sequence = r->last_sequence, .epoch = r->last_epoch, .next_epoch = r->last_next_epoch};
    enum sg_err err;

    s->later = s->at_once && r->last_len > AT_ONCE_MAX;
    if (s->later)
        return SG_OK;
    buf_init(&a.data, r->last_len);
    err = store->vt->answer(store->self, s->live->slot, &a.data);
    if (err == SG_OK && a.data.len < SG_CHANNEL_NONCE_SIZE)
        err = SG_ERR_CORRUPT;
    if (err != SG_OK) {
        buf_fini(&a.data);
        return err;
    }
    memcpy(a.nonce, a.data.data, SG_CHANNEL_NONCE_SIZE);
    buf_consume(&a.data, SG_CHANNEL_NONCE_SIZE);
    *ret = a;
    return SG_OK;
}

/* -- a request --------------------------------------------------------------------------------- */
static enum sg_err answer_plain(struct step *s, const void *plain, size_t len,
                                struct channel_answer *ret)
{
    struct channel_record record = s->live->record;
    struct channel_answer answer = {.sequence = s->q->sequence};
    uint64_t pending = s->live->pending;
    enum sg_err err;

    mark(&record, &pending, s->q->sequence);
    err = answer_with(s->c, s->live, &record, s->epoch, s->tag, true, plain, len, &answer);
    if (err != SG_OK)
        return err;
    s->live->pending = pending;
    *ret = answer;
    return SG_OK;
}

static enum sg_err begin_inner(struct step *s, struct channel_exchange **ret)
{
    const struct channels_store *store = &s->c->options.store;
    struct channel_record record = s->live->record;
    struct channel_exchange *x = calloc(1, sizeof *x);
    uint64_t pending = s->live->pending;
    enum sg_err err;

    if (x == NULL)
        return SG_ERR_NO_MEMORY;
    mark(&record, &pending, s->q->sequence);
    err = store->vt->update(store->self, s->live->slot, &record, NULL);
    if (err != SG_OK) {
        free(x);
        return err;
    }
    s->live->record = record;
    s->live->pending = pending | bit_of(&record, s->q->sequence);
    x->live = s->live;
    atomic_fetch_add(&s->live->refs, 1);
    x->sequence = s->q->sequence;
    x->epoch = *s->epoch;
    memcpy(x->tag, s->tag, sizeof x->tag);
    *ret = x;
    return SG_OK;
}

static enum sg_err take_locked(struct step *s, const void *plain, size_t plain_len,
                               struct buf *inner, struct channel_exchange **ret_inner,
                               struct channel_answer *ret)
{
    enum sg_err err;

    if (s->live->closed)
        return SG_ERR_NO_CHANNEL;
    if (s->live->expires_s <= clock_now_s())
        return SG_ERR_SESSION_EXPIRED;
    err = choose_epoch(s);
    if (err == SG_OK)
        err = unseal(s, inner);
    if (err != SG_OK)
        return err;
    if (is_repeat(s))
        return repeat(s, ret);
    err = check_sequence(s);
    if (err != SG_OK)
        return err;
    return inner->len == 0 ? answer_plain(s, plain, plain_len, ret) : begin_inner(s, ret_inner);
}

enum sg_err channels_take(struct channels *c, const struct channel_request *request,
                          const void *plain, size_t plain_len, struct buf *inner,
                          struct channel_exchange **ret_inner, struct channel_answer *ret,
                          bool *ret_done)
{
    struct step s = {.c = c,
                     .live = channels_find(c, request->session_id),
                     .q = request,
                     .at_once = ret_done != NULL};
    enum sg_err err = SG_OK;

    *ret_inner = NULL;
    if (s.live == NULL)
        return SG_ERR_NO_CHANNEL;
    /* Another thread may be at work on a large message of this channel. */
    if (!s.at_once)
        pthread_mutex_lock(&s.live->lock);
    else
        s.later = pthread_mutex_trylock(&s.live->lock) != 0;
    if (!s.later) {
        err = take_locked(&s, plain, plain_len, inner, ret_inner, ret);
        pthread_mutex_unlock(&s.live->lock);
    }
    channels_unref(s.live);
    if (ret_done != NULL)
        *ret_done = !s.later;
    return err;
}

static void drop(struct channel_exchange **exchange)
{
    struct channel_exchange *x = *exchange;

    *exchange = NULL;
    channels_unref(x->live);
    secret_wipe(x, sizeof *x);
    free(x);
}

bool channels_busy(const struct channel_exchange *exchange)
{
    bool busy = pthread_mutex_trylock(&exchange->live->lock) != 0;

    if (!busy)
        pthread_mutex_unlock(&exchange->live->lock);
    return busy;
}

enum sg_err channels_answer(struct channels *c, struct channel_exchange **exchange,
                            const void *plain, size_t plain_len, struct channel_answer *ret)
{
    struct channel_exchange *x = *exchange;
    struct channels_live *live = x->live;
    struct channel_answer answer = {.sequence = x->sequence};
    enum sg_err err;

    pthread_mutex_lock(&live->lock);
    if (!live->closed) {
        struct channel_record record = live->record;

        live->pending &= ~bit_of(&live->record, x->sequence);
        err = answer_with(c, live, &record, &x->epoch, x->tag, false, plain, plain_len, &answer);
    } else {
        /* What was asked for may have ended it. */
        answer.next_epoch = x->epoch.number;
        err = seal(live, &x->epoch, x->tag, plain, plain_len, &answer);
    }
    pthread_mutex_unlock(&live->lock);
    drop(exchange);
    if (err == SG_OK)
        *ret = answer;
    return err;
}

void channels_abandon(struct channels *c, struct channel_exchange **exchange)
{
    struct channel_exchange *x = *exchange;

    (void)c;
    if (x == NULL)
        return;
    pthread_mutex_lock(&x->live->lock);
    x->live->pending &= ~bit_of(&x->live->record, x->sequence);
    pthread_mutex_unlock(&x->live->lock);
    drop(exchange);
}
