/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that wait for witnesses, and whether enough of these have cosigned. No signature exists
 * before that. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keyring/sign.h"
#include "keyring/sign_internal.h"

_Static_assert(sizeof((struct tickets *)0)->rows / sizeof(struct ticket) == SG_SIGNER_TICKETS_MAX,
               "one row per ticket");

/* A cosignature says when it was made; one from far ahead is from a broken clock. */
#define AHEAD_S 300

/* Under the lock: a free row, if there is room for so many bytes too. */
static struct ticket *find_room(struct tickets *t, size_t bytes)
{
    if (t->bytes + bytes > SG_SIGNER_TICKET_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < SG_SIGNER_TICKETS_MAX; i++)
        if (t->rows[i].number == 0)
            return &t->rows[i];
    return NULL;
}

enum sg_err tickets_look(struct tickets *t, const struct batch *b)
{
    bool room;

    tickets_expire(t, false);
    (void)pthread_mutex_lock(&t->lock);
    room = find_room(t, batch_bytes(b)) != NULL;
    (void)pthread_mutex_unlock(&t->lock);
    return room ? SG_OK : SG_ERR_OVERLOADED;
}

enum sg_err tickets_put(struct tickets *t, uint64_t number, struct batch *b)
{
    struct ticket *row;
    size_t bytes = batch_bytes(b);

    tickets_expire(t, false);
    (void)pthread_mutex_lock(&t->lock);
    row = find_room(t, bytes);
    if (row == NULL) {
        (void)pthread_mutex_unlock(&t->lock);
        return SG_ERR_OVERLOADED;
    }
    row->number = number;
    row->batch = b;
    row->until_ns = clock_monotonic_ns() + SG_SIGN_TICKET_S * SG_NS_PER_S;
    t->bytes += bytes;
    (void)pthread_mutex_unlock(&t->lock);
    return SG_OK;
}

enum sg_err tickets_take(struct tickets *t, uint64_t number, struct ticket *ret)
{
    enum sg_err err = SG_ERR_GONE;

    tickets_expire(t, false);
    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < SG_SIGNER_TICKETS_MAX && number != 0; i++)
        if (t->rows[i].number == number) {
            *ret = t->rows[i];
            t->rows[i] = (struct ticket){0};
            t->bytes -= batch_bytes(ret->batch);
            err = SG_OK;
            break;
        }
    (void)pthread_mutex_unlock(&t->lock);
    return err;
}

void tickets_return(struct tickets *t, const struct ticket *ticket)
{
    bool kept = false;

    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < SG_SIGNER_TICKETS_MAX && !kept; i++)
        if (t->rows[i].number == 0) {
            t->rows[i] = *ticket;
            t->bytes += batch_bytes(ticket->batch);
            kept = true;
        }
    (void)pthread_mutex_unlock(&t->lock);
    if (!kept)
        batch_free(ticket->batch);
}

void tickets_expire(struct tickets *t, bool all)
{
    int64_t now_ns = clock_monotonic_ns();

    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < SG_SIGNER_TICKETS_MAX; i++) {
        struct ticket *row = &t->rows[i];

        if (row->number == 0 || (!all && row->until_ns > now_ns))
            continue;
        log_write(SG_LOG_WARN, "keyring.signatures_not_released",
                  SG_STR("key", row->batch->loan.name), SG_INT("leaves", row->batch->count),
                  SG_INT("first", row->batch->receipt.first));
        t->bytes -= batch_bytes(row->batch);
        batch_free(row->batch);
        *row = (struct ticket){0};
    }
    (void)pthread_mutex_unlock(&t->lock);
}

/* How many different witnesses have a valid cosignature on the note. */
static uint32_t count_witnesses(const struct note *n, const struct keyring_witness *witnesses,
                                size_t count)
{
    struct note_key seen[SG_KEY_WITNESSES_MAX];
    uint32_t valid = 0;

    for (size_t i = 0; i < count; i++) {
        struct note_key key;
        bool again = false;
        int64_t time_s = 0;

        if (note_key_parse(witnesses[i].vkey, &key) != SG_OK || key.type != SG_NOTE_COSIGNATURE)
            continue;
        for (uint32_t k = 0; k < valid; k++)
            again = again || memcmp(seen[k].public_key, key.public_key, 32) == 0;
        if (again || note_verify(n, &key, &time_s) != SG_OK || time_s > clock_now_s() + AHEAD_S)
            continue;
        seen[valid++] = key;
    }
    return valid;
}

enum sg_err quorum_check(const struct note_key *log_key, const struct keyring_witness *witnesses,
                         size_t witness_count, uint32_t quorum, uint64_t tree_size,
                         const char *note, size_t note_len, uint64_t *ret_size)
{
    struct checkpoint c;
    struct note n;
    int64_t time_s;
    enum sg_err err;

    if (note_parse(note, note_len, &n) != SG_OK)
        return SG_ERR_BAD_FIELD;
    /* Of this log's own signature follows that the tree is one that it has published. */
    if (note_verify(&n, log_key, &time_s) != SG_OK ||
        checkpoint_parse(n.body, n.body_len, &c) != SG_OK || strcmp(c.origin, log_key->name) != 0 ||
        c.size < tree_size)
        err = SG_ERR_BAD_FIELD;
    else if (witness_count > SG_KEY_WITNESSES_MAX ||
             count_witnesses(&n, witnesses, witness_count) < quorum)
        err = SG_ERR_QUORUM;
    else
        err = SG_OK;
    note_fini(&n);
    if (err == SG_OK)
        *ret_size = c.size;
    return err;
}
