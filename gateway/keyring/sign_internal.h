/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by sign.c, sign_batch.c, sign_pool.c and sign_ticket.c. */
#ifndef SG_KEYRING_SIGN_INTERNAL_H
#define SG_KEYRING_SIGN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "ipc/signing.h"
#include "keyring/namedkeys.h"
#include "keyring/translog.h"
#include "sigfmt/compose.h"

#define BATCH_FORMATS 8  /* places, by bit number */
#define BATCH_CHUNK   32 /* leaves that a thread takes at a time */

/* What was made for one leaf: places in its chunk's buffer. */
struct batch_made {
    uint32_t at, len;
    struct {
        uint32_t at, len;
    } formats[BATCH_FORMATS];
};

/* A batch from the request to its result. */
struct batch {
    void *memory; /* the request's file */
    size_t memory_len;
    struct arena *arena;
    struct keyring_sign m; /* into both */

    struct namedkeys *named; /* of the loan; NULL: none */
    struct namedkeys_loan loan;
    struct sig_public public;
    struct sig_signer signer;

    int64_t timestamp_ns;
    struct sig_manifest **manifests; /* directory_count */
    struct sig_digests *lines;       /* their digests */
    const char **manifest_names;     /* DIRECTORY "/SHA256" */
    struct buf texts;                /* canonical texts, one behind the other */
    size_t count;                    /* leaves: items, then manifests */
    size_t *starts;                  /* count + 1: where each text begins */
    struct translog_receipt receipt;

    struct buf *chunks; /* signatures, by chunk */
    size_t chunk_count;
    struct batch_made *made; /* by leaf */

    /* Under the pool's lock. */
    size_t next;    /* chunk to be taken */
    size_t running; /* chunks being made */
    enum sg_err failed;
    struct batch *following;
};

/* -- sign_batch.c ---------------------------------------------------------------------------- */

/* Reads a request's memory file; SG_ERR_PROTOCOL when it is none. Takes nothing from `fd`. */
enum sg_err batch_read(int fd, struct batch **ret) SG_MUST_CHECK;
void batch_free(struct batch *b); /* wipes signatures, returns the loan */
/* Borrows the key. */
enum sg_err batch_borrow(struct batch *b, struct namedkeys *named) SG_MUST_CHECK;
/* Composes all leaves. */
enum sg_err batch_compose(struct batch *b, int64_t timestamp_ns) SG_MUST_CHECK;
enum sg_err batch_append(struct batch *b, struct translog *log) SG_MUST_CHECK;
/* The record of a leaf. */
struct sig_record batch_record(const struct batch *b, size_t leaf);
/* Makes room for the signatures. */
enum sg_err batch_prepare(struct batch *b) SG_MUST_CHECK;
/* Makes the signatures of one chunk; different threads may make different ones. */
enum sg_err batch_sign_chunk(struct batch *b, size_t chunk, struct buf *scratch) SG_MUST_CHECK;
/* Writes the result; without signatures when `ticket` is not 0. */
enum sg_err batch_result(struct batch *b, uint64_t ticket, uint64_t tree_size, const char *note,
                         size_t note_len, int *ret_fd) SG_MUST_CHECK;
size_t batch_bytes(const struct batch *b); /* of memory, about */

/* -- sign_pool.c ------------------------------------------------------------------------------- */

struct sign_pool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* there is a chunk to take, or the end */
    pthread_cond_t done; /* a chunk is finished */
    struct batch *first; /* with chunks to take, in order */
    bool ending;
    size_t thread_count;
    pthread_t threads[16];
    void (*idle)(void *arg); /* called now and then by a thread, without the lock */
    void *arg;
};
enum sg_err sign_pool_start(struct sign_pool *p, void (*idle)(void *arg), void *arg) SG_MUST_CHECK;
void sign_pool_end(struct sign_pool *p);
/* Hands a prepared batch to the threads; sign_pool_wait is then called exactly once. */
void sign_pool_submit(struct sign_pool *p, struct batch *b);
/* Waits for all chunks. With `cancel` those not begun are left out. */
enum sg_err sign_pool_wait(struct sign_pool *p, struct batch *b, bool cancel) SG_MUST_CHECK;

/* -- sign_ticket.c ----------------------------------------------------------------------------- */

struct tickets {
    pthread_mutex_t lock;
    struct ticket {
        uint64_t number;  /* 0: free */
        int64_t until_ns; /* monotonic */
        struct batch *batch;
    } rows[64];
    size_t bytes;
};
/* Whether there is room for the batch. Asked before its leaves are in the log for good: others may
 * take the room meanwhile, so it says no more than that. SG_ERR_OVERLOADED. */
enum sg_err tickets_look(struct tickets *t, const struct batch *b) SG_MUST_CHECK;
/* Keeps the batch (taken over on success) under a number. SG_ERR_OVERLOADED. */
enum sg_err tickets_put(struct tickets *t, uint64_t number, struct batch *b) SG_MUST_CHECK;
/* Takes it out. SG_ERR_GONE. */
enum sg_err tickets_take(struct tickets *t, uint64_t number, struct ticket *ret) SG_MUST_CHECK;
/* Puts back what was taken, with its former end. */
void tickets_return(struct tickets *t, const struct ticket *ticket);
void tickets_expire(struct tickets *t, bool all);

/* Whether the note is a checkpoint of this log at `tree_size` or later that k of the witnesses have
 * cosigned. SG_ERR_QUORUM, SG_ERR_BAD_FIELD. */
enum sg_err quorum_check(const struct note_key *log_key, const struct keyring_witness *witnesses,
                         size_t witness_count, uint32_t quorum, uint64_t tree_size,
                         const char *note, size_t note_len, uint64_t *ret_size) SG_MUST_CHECK;

#endif
