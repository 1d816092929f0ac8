/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: who comes while one goes on waits for the next, which serves all that wait. */
#include "core/witness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/witness_ask.h"

#define ROUND_MAX   64 /* witnesses of one round */
#define SEEN_MAX    64 /* sizes that are remembered */
#define GRACE_MS    250
#define SILENT_MS   30000 /* after an answer that did not come in time ... */
#define SHORT_MS    2000  /* ... this is the limit */
#define POLL_MS     100
#define WAITERS_MAX 1024

/* One call of witness_collect. */
struct waiter {
    struct waiter *next;
    const struct logread_head *head;
    const struct keyring_witness *list;
    size_t count;
    unsigned quorum;
    bool done;
    enum sg_err err;
    unsigned reached;
    struct buf *out;
};

/* What is known of a witness. */
struct seen {
    char url[256];
    struct note_key key;
    uint64_t size;           /* of the log, when it last cosigned */
    int64_t silent_until_ns; /* it has kept somebody waiting: until then the limit is shorter, so
                                that one that is down holds up no thread for long */
};

struct witness_pool {
    struct logread *log;
    char *ca_file;
    long timeout_ms;
    CURLM *multi; /* of the round; keeps connections */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waiter *waiters; /* newest first */
    size_t waiter_count;
    bool running; /* a round; its thread alone uses `multi` and `seen` */
    size_t seen_count;
    struct seen seen[SEEN_MAX];
};

/* A round: every witness that somebody wants, and what it is asked. */
struct round {
    struct witness_pool *pool;
    struct waiter *waiters;
    struct logread_head head;
    int64_t end_ns;
    bool graced; /* all have what they need: it ends soon */
    size_t count;
    struct witness_ask ask[ROUND_MAX];
};

static void global_init(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum sg_err witness_new(const struct witness_options *options, struct witness_pool **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct witness_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return SG_ERR_NO_MEMORY;
    (void)pthread_once(&once, global_init);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    p->log = options->log;
    p->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : SG_WITNESS_TIMEOUT_MS;
    p->multi = curl_multi_init();
    if (options->ca_file != NULL)
        p->ca_file = strdup(options->ca_file);
    if (p->multi == NULL || (options->ca_file != NULL && p->ca_file == NULL)) {
        witness_free(p);
        return SG_ERR_NO_MEMORY;
    }
    *ret = p;
    return SG_OK;
}

void witness_free(struct witness_pool *p)
{
    if (p == NULL)
        return;
    (void)curl_multi_cleanup(p->multi);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p->ca_file);
    free(p);
}

/* -- who is asked, and who has answered ---------------------------------------------------------
 */

static bool same_key(const struct note_key *a, const struct note_key *b)
{
    return memcmp(a->public_key, b->public_key, sizeof a->public_key) == 0 &&
           strcmp(a->name, b->name) == 0;
}

static struct seen *find_seen(struct witness_pool *p, const struct witness_ask *a, bool make)
{
    struct seen *seen;

    for (size_t i = 0; i < p->seen_count; i++)
        if (same_key(&p->seen[i].key, &a->key) && strcmp(p->seen[i].url, a->witness->url) == 0)
            return &p->seen[i];
    if (!make || p->seen_count == SEEN_MAX)
        return NULL;
    seen = &p->seen[p->seen_count++];
    *seen = (struct seen){.key = a->key};
    (void)snprintf(seen->url, sizeof seen->url, "%s", a->witness->url);
    return seen;
}

static struct witness_ask *find_ask(struct round *r, const struct keyring_witness *w)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->ask[i].witness->vkey, w->vkey) == 0 &&
            strcmp(r->ask[i].witness->url, w->url) == 0)
            return &r->ask[i];
    return NULL;
}

/* Cosignatures of different keys among those that this call wants; appends their lines. */
static unsigned reached_by(struct round *r, const struct waiter *w, struct buf *out)
{
    uint8_t keys[SG_KEY_WITNESSES_MAX][32];
    unsigned count = 0;

    for (size_t i = 0; i < w->count && count < SG_KEY_WITNESSES_MAX; i++) {
        struct witness_ask *a = find_ask(r, &w->list[i]);
        bool again = false;

        if (a == NULL || !a->done || a->err != SG_OK)
            continue;
        for (unsigned j = 0; j < count; j++)
            again |= memcmp(keys[j], a->key.public_key, sizeof keys[j]) == 0;
        if (again)
            continue;
        memcpy(keys[count++], a->key.public_key, sizeof keys[0]);
        if (out != NULL)
            buf_append(out, a->line.data, a->line.len);
    }
    return count;
}

static bool all_reached(struct round *r)
{
    for (const struct waiter *w = r->waiters; w != NULL; w = w->next)
        if (reached_by(r, w, NULL) < w->quorum)
            return false;
    return true;
}

/* -- a round -----------------------------------------------------------------------------------
 */

static long left_ms(const struct round *r)
{
    int64_t left = (r->end_ns - clock_monotonic_ns()) / SG_NS_PER_MS;

    return left > 0 ? (long)left : 0;
}

static void add_witness(struct round *r, const struct keyring_witness *w)
{
    struct witness_ask *a = &r->ask[r->count];
    const struct seen *seen;
    long limit;

    if (r->count == ROUND_MAX || find_ask(r, w) != NULL)
        return;
    *a = (struct witness_ask){.witness = w, .log = r->pool->log, .head = &r->head};
    r->count++;
    a->err = witness_obstacle(w) != NULL ? SG_ERR_BAD_FIELD : note_key_parse(w->vkey, &a->key);
    if (a->err == SG_OK) {
        seen = find_seen(r->pool, a, false);
        a->old_size = seen != NULL && seen->size <= r->head.of.size ? seen->size : 0;
        limit = left_ms(r);
        if (seen != NULL && seen->silent_until_ns > clock_monotonic_ns() && limit > SHORT_MS)
            limit = SHORT_MS;
        a->err = witness_ask_start(a, r->pool->ca_file, limit);
    }
    if (a->err == SG_OK && curl_multi_add_handle(r->pool->multi, a->easy) != CURLM_OK)
        a->err = SG_ERR_NO_MEMORY;
    a->done = a->err != SG_OK;
}

/* Transfers that have ended. */
static void take_ended(struct round *r)
{
    CURLM *multi = r->pool->multi;
    CURLMsg *message;
    int rest;

    while ((message = curl_multi_info_read(multi, &rest)) != NULL) {
        CURLcode result = message->data.result; /* gone with the handle's removal */
        struct witness_ask *a = NULL;
        char *private_pointer = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private_pointer);
        a = (struct witness_ask *)(void *)private_pointer;
        (void)curl_multi_remove_handle(multi, a->easy);
        witness_ask_finished(a, result, left_ms(r));
        if (!a->done && curl_multi_add_handle(multi, a->easy) != CURLM_OK) {
            a->done = true;
            a->err = SG_ERR_NO_MEMORY;
        }
    }
}

static bool all_done(const struct round *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!r->ask[i].done)
            return false;
    return true;
}

static void exchange(struct round *r)
{
    int running;

    while (!all_done(r) && left_ms(r) > 0) {
        if (curl_multi_perform(r->pool->multi, &running) != CURLM_OK)
            return;
        take_ended(r);
        if (!r->graced && all_reached(r)) {
            int64_t grace_ns = clock_monotonic_ns() + GRACE_MS * SG_NS_PER_MS;

            r->graced = true;
            if (grace_ns < r->end_ns)
                r->end_ns = grace_ns;
        }
        if (!all_done(r)) {
            long wait = left_ms(r);

            (void)curl_multi_poll(r->pool->multi, NULL, 0, (int)(wait < POLL_MS ? wait : POLL_MS),
                                  NULL);
        }
    }
}

static void finish_ask(struct round *r, struct witness_ask *a)
{
    struct seen *seen;

    if (a->easy != NULL)
        (void)curl_multi_remove_handle(r->pool->multi, a->easy); /* legal for one that is not in */
    if (!a->done) {
        /* Within the grace time that is nobody's fault. */
        a->done = true;
        a->err = r->graced ? SG_ERR_CANCELLED : SG_ERR_TIMEOUT;
        (void)snprintf(a->reason, sizeof a->reason, "%s", "no answer in time");
    }
    if (a->err == SG_ERR_BAD_FIELD)
        return;
    seen = find_seen(r->pool, a, true);
    if (seen != NULL && a->err == SG_OK) {
        seen->size = a->old_size;
        seen->silent_until_ns = 0;
    } else if (seen != NULL && a->err == SG_ERR_TIMEOUT) {
        seen->silent_until_ns = clock_monotonic_ns() + SILENT_MS * SG_NS_PER_MS;
    }
    if (a->err != SG_OK)
        log_write(SG_LOG_WARN, "witness.failed", SG_STR("url", a->witness->url),
                  SG_INT("status", a->status), SG_STR("error", err_code(a->err)),
                  SG_STR("reason", a->reason));
}

/* The published checkpoint, or the greatest of those that are wanted. */
static void choose_head(struct round *r)
{
    if (logread_head(r->pool->log, &r->head) != SG_OK)
        r->head.of.size = 0;
    for (const struct waiter *w = r->waiters; w != NULL; w = w->next)
        if (w->head->of.size > r->head.of.size)
            r->head = *w->head;
}

static void run_round(struct round *r)
{
    choose_head(r);
    r->end_ns = clock_monotonic_ns() + r->pool->timeout_ms * SG_NS_PER_MS;
    for (const struct waiter *w = r->waiters; w != NULL; w = w->next)
        for (size_t i = 0; i < w->count; i++)
            add_witness(r, &w->list[i]);
    exchange(r);
    for (size_t i = 0; i < r->count; i++)
        finish_ask(r, &r->ask[i]);
    for (struct waiter *w = r->waiters; w != NULL; w = w->next) {
        buf_append(w->out, r->head.note, r->head.note_len);
        w->reached = reached_by(r, w, w->out);
        w->err = w->reached < w->quorum ? SG_ERR_QUORUM : buf_status(w->out);
    }
    for (size_t i = 0; i < r->count; i++)
        witness_ask_fini(&r->ask[i]);
}

/* Takes the waiters that one round can serve; the lock is held. */
static struct waiter *take_waiters(struct witness_pool *p)
{
    struct waiter *taken = NULL;
    struct waiter **at = &p->waiters;
    size_t witnesses = 0;

    while (*at != NULL) {
        struct waiter *w = *at;

        if (witnesses + w->count > ROUND_MAX) {
            at = &w->next;
            continue;
        }
        witnesses += w->count;
        *at = w->next;
        p->waiter_count--;
        w->next = taken;
        taken = w;
    }
    return taken;
}

/* As the thread of a round; the lock is held before and after. */
static void lead(struct witness_pool *p, struct round *r)
{
    struct waiter *next;

    p->running = true;
    *r = (struct round){.pool = p, .waiters = take_waiters(p)};
    (void)pthread_mutex_unlock(&p->lock);
    run_round(r);
    (void)pthread_mutex_lock(&p->lock);
    for (struct waiter *w = r->waiters; w != NULL; w = next) {
        next = w->next;
        w->done = true; /* its thread may be gone from here on */
    }
    p->running = false;
    (void)pthread_cond_broadcast(&p->changed);
}

static enum sg_err wait_for_round(struct witness_pool *p, struct waiter *w)
{
    struct round *r = malloc(sizeof *r);
    enum sg_err err = r == NULL ? SG_ERR_NO_MEMORY : SG_OK;

    (void)pthread_mutex_lock(&p->lock);
    if (err == SG_OK && p->waiter_count == WAITERS_MAX)
        err = SG_ERR_OVERLOADED;
    if (err == SG_OK) {
        w->next = p->waiters;
        p->waiters = w;
        p->waiter_count++;
        while (!w->done)
            if (p->running)
                (void)pthread_cond_wait(&p->changed, &p->lock);
            else
                lead(p, r);
        err = w->err;
    }
    (void)pthread_mutex_unlock(&p->lock);
    free(r);
    return err;
}

enum sg_err witness_collect(struct witness_pool *p, const char *note, size_t note_len,
                            const struct keyring_witness *list, size_t count, unsigned quorum,
                            struct buf *out, unsigned *ret_reached)
{
    SG_BUF_CLEANUP struct buf cosigned;
    struct logread_head head;
    struct waiter w = {
        .head = &head, .list = list, .count = count, .quorum = quorum, .out = &cosigned};
    enum sg_err err = logread_check(p->log, note, note_len, &head.of);

    buf_init(&cosigned, SG_NOTE_MAX);
    *ret_reached = 0;
    if (err != SG_OK)
        return err;
    if (note_len >= sizeof head.note || count > SG_KEY_WITNESSES_MAX)
        return SG_ERR_BAD_FIELD;
    memcpy(head.note, note, note_len);
    head.note[note_len] = '\0';
    head.note_len = note_len;
    if (quorum == 0) {
        buf_append(out, note, note_len);
        return buf_status(out);
    }
    err = wait_for_round(p, &w);
    *ret_reached = w.reached;
    if (err == SG_OK) {
        buf_append(out, cosigned.data, cosigned.len);
        err = buf_status(out);
    }
    return err;
}
