/* SPDX-License-Identifier: Apache-2.0 */
/* SIGN and RELEASE. The signatures of a batch are made while its leaves go to disk; they leave only
 * when these are durable under a checkpoint, and with a quorum are made only after it. */
#include "keyring/sign.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "keyring/sign_internal.h"

#define INLINE_LEAVES 4 /* fewer are not worth a change of threads */

_Static_assert(SG_SIGNER_THREADS_MAX == sizeof((struct sign_pool *)0)->threads / sizeof(pthread_t),
               "room for the threads");

struct signer {
    struct namedkeys *named;
    struct translog *log;
    struct sign_pool pool;
    struct tickets tickets;
    pthread_mutex_t lock;
    size_t batches; /* under lock */
};

static void expire(void *arg)
{
    struct signer *s = arg;

    tickets_expire(&s->tickets, false);
}

enum sg_err signer_new(struct namedkeys *named, struct translog *log, struct signer **ret)
{
    struct signer *s = calloc(1, sizeof *s);
    enum sg_err err;

    if (s == NULL)
        return SG_ERR_NO_MEMORY;
    s->named = named;
    s->log = log;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_mutex_init(&s->tickets.lock, NULL);
    err = sign_pool_start(&s->pool, expire, s);
    if (err != SG_OK) {
        free(s);
        return err;
    }
    *ret = s;
    return SG_OK;
}

void signer_free(struct signer *s)
{
    if (s == NULL)
        return;
    sign_pool_end(&s->pool);
    tickets_expire(&s->tickets, true);
    (void)pthread_mutex_destroy(&s->tickets.lock);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static bool enter(struct signer *s)
{
    bool room;

    (void)pthread_mutex_lock(&s->lock);
    room = s->batches < SG_SIGNER_BATCHES_MAX;
    s->batches += room ? 1 : 0;
    (void)pthread_mutex_unlock(&s->lock);
    return room;
}

static void leave(struct signer *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->batches--;
    (void)pthread_mutex_unlock(&s->lock);
}

static enum sg_err sign_inline(struct batch *b)
{
    struct buf scratch;
    enum sg_err err = SG_OK;

    buf_init(&scratch, SG_SIGN_RESULT_MAX);
    for (size_t i = 0; i < b->chunk_count && err == SG_OK; i++)
        err = batch_sign_chunk(b, i, &scratch);
    buf_wipe(&scratch);
    return err;
}

/* Makes the signatures and, unless `log` is NULL, appends the leaves meanwhile. After an error of
 * either the signatures made are wiped with the batch. */
static enum sg_err make(struct signer *s, struct batch *b, struct translog *log)
{
    enum sg_err err = batch_prepare(b);
    enum sg_err made;

    if (err != SG_OK)
        return err;
    if (b->count <= INLINE_LEAVES) {
        err = sign_inline(b);
        return err == SG_OK && log != NULL ? batch_append(b, log) : err;
    }
    sign_pool_submit(&s->pool, b);
    if (log != NULL)
        err = batch_append(b, log);
    made = sign_pool_wait(&s->pool, b, err != SG_OK);
    return err != SG_OK ? err : made;
}

/* With witnesses: the leaves now, the signatures with RELEASE. */
static enum sg_err sign_later(struct signer *s, struct batch **b, int *ret_fd)
{
    SG_FD_CLEANUP int fd = -1;
    uint64_t number = 0;
    enum sg_err err = tickets_look(&s->tickets, *b);

    if (err == SG_OK)
        err = batch_append(*b, s->log);
    while (number == 0)
        rng_bytes(&number, sizeof number);
    if (err == SG_OK)
        err = batch_result(*b, number, (*b)->receipt.of.size, (*b)->receipt.note,
                           (*b)->receipt.note_len, &fd);
    if (err == SG_OK)
        err = tickets_put(&s->tickets, number, *b);
    if (err != SG_OK)
        return err;
    *b = NULL; /* the table's */
    *ret_fd = fd;
    fd = -1;
    return SG_OK;
}

static enum sg_err sign_now(struct signer *s, struct batch *b, int *ret_fd)
{
    enum sg_err err = make(s, b, s->log);

    if (err == SG_OK)
        err = namedkeys_count(s->named, &b->m.actor, &b->loan, b->count);
    if (err == SG_OK)
        err = batch_result(b, 0, b->receipt.of.size, b->receipt.note, b->receipt.note_len, ret_fd);
    return err;
}

static enum sg_err sign_batch(struct signer *s, struct batch **b, int *ret_fd)
{
    int64_t timestamp_ns;
    enum sg_err err = batch_borrow(*b, s->named);

    if (err == SG_OK)
        err = translog_timestamp(s->log, &timestamp_ns);
    if (err == SG_OK)
        err = batch_compose(*b, timestamp_ns);
    if (err != SG_OK)
        return err;
    return (*b)->loan.quorum > 0 ? sign_later(s, b, ret_fd) : sign_now(s, *b, ret_fd);
}

static enum sg_err serve_batch(struct signer *s, struct request *r)
{
    struct batch *b = NULL;
    enum sg_err err;

    if (!serve_decoded(r, codec_end(&r->in)) ||
        !serve_decoded(r, r->nfds == 1 ? SG_OK : SG_ERR_PROTOCOL))
        return SG_ERR_PROTOCOL;
    if (!enter(s))
        return SG_ERR_OVERLOADED;
    err = batch_read(r->fds[0], &b);
    if (err == SG_ERR_PROTOCOL)
        r->malformed = true;
    if (err == SG_OK)
        err = sign_batch(s, &b, &r->reply_fd);
    batch_free(b);
    leave(s);
    return err;
}

/* The key may have been disabled, or taken from the user, since. */
static enum sg_err still_allowed(struct signer *s, const struct batch *b)
{
    struct namedkeys_loan loan;
    enum sg_err err = namedkeys_borrow(s->named, &b->m.actor, b->m.key, b->m.formats, &loan);

    if (err == SG_OK)
        namedkeys_return(s->named, &loan);
    return err;
}

static enum sg_err release(struct signer *s, struct batch *b, uint64_t size, const char *note,
                           size_t note_len, int *ret_fd)
{
    enum sg_err err = still_allowed(s, b);

    if (err == SG_OK)
        err = make(s, b, NULL);
    if (err == SG_OK)
        err = namedkeys_count(s->named, &b->m.actor, &b->loan, b->count);
    if (err == SG_OK)
        err = batch_result(b, 0, size, note, note_len, ret_fd);
    return err;
}

/* Takes the ticket out, and puts it back when the note is not good enough. */
static enum sg_err release_ticket(struct signer *s, uint64_t number, const char *note,
                                  size_t note_len, int *ret_fd)
{
    struct ticket ticket;
    uint64_t size;
    struct batch *b;
    enum sg_err err = tickets_take(&s->tickets, number, &ticket);

    if (err != SG_OK)
        return err;
    b = ticket.batch;
    err = quorum_check(translog_key(s->log), b->loan.witnesses, b->loan.witness_count,
                       b->loan.quorum, b->receipt.of.size, note, note_len, &size);
    if (err != SG_OK) {
        tickets_return(&s->tickets, &ticket);
        return err;
    }
    err = release(s, b, size, note, note_len, ret_fd);
    batch_free(b);
    return err;
}

static enum sg_err serve_release(struct signer *s, struct request *r)
{
    uint64_t number = codec_u64(&r->in);
    size_t note_len;
    const char *note = (const char *)codec_bytes(&r->in, SG_NOTE_MAX, &note_len);
    enum sg_err err;

    if (!serve_decoded(r, codec_end(&r->in)) ||
        !serve_decoded(r, r->nfds == 0 ? SG_OK : SG_ERR_PROTOCOL))
        return SG_ERR_PROTOCOL;
    if (!enter(s))
        return SG_ERR_OVERLOADED;
    err = release_ticket(s, number, note, note_len, &r->reply_fd);
    leave(s);
    return err;
}

enum sg_err serve_sign(struct services *s, enum keyring_message type, struct request *r)
{
    if (s->signer == NULL)
        return SG_ERR_UNAVAILABLE;
    return type == SG_KEYRING_SIGN ? serve_batch(s->signer, r) : serve_release(s->signer, r);
}
