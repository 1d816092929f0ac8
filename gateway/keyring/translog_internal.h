/* SPDX-License-Identifier: Apache-2.0 */
/* The log, for the files that make it up. */
#ifndef SG_KEYRING_TRANSLOG_INTERNAL_H
#define SG_KEYRING_TRANSLOG_INTERNAL_H

#include <pthread.h>

#include "keyring/logstate.h"
#include "keyring/translog.h"
#include "keyring/translog_files.h"
#include "keyring/translog_key.h"

/* A call of translog_append while it waits; on its caller's stack. */
struct logbatch {
    const struct translog_leaf *leaves;
    size_t count;
    size_t bytes; /* as they stand in the file */
    int64_t timestamp_ns;
    struct translog_receipt *receipt;
    enum sg_err err;
    bool done;
    struct logbatch *next;
};

/*
 * One lock. What is said to be under it may be read by any thread; the rest is the committer's, and
 * before it runs the opener's. The lock is never held over a write or a sync.
 */
struct translog {
    char *log_dir;    /* DATA/log */
    char *state_path; /* DATA/keyring/log.state */
    struct notekey key;
    struct note_key public_key; /* fixed before the committer runs */

    struct logfiles files;
    struct logstate state;
    bool ready; /* state and files are in step; else recovery comes first */

    pthread_mutex_t lock;
    pthread_cond_t work;   /* batches wait, or the end has come */
    pthread_cond_t done;   /* batches are done */
    struct logbatch *head; /* under lock; waiting */
    struct logbatch **tail;
    bool stopping;               /* under lock */
    bool closed;                 /* under lock */
    int64_t last_ns;             /* under lock; of the times given out */
    struct checkpoint published; /* under lock */
    char note[SG_NOTE_VKEY_SIZE + 1024];
    size_t note_len;  /* under lock, with the note */
    uint64_t commits; /* under lock */
    pthread_t committer;
    bool running;
};

/* Brings files and state in step: refuses (SG_ERR_LOG_CLOSED, said in the log), adopts or cuts what
 * is beyond the state, rewrites what follows from the entries, publishes. After another error the
 * log is as it was and it may be tried again. */
enum sg_err translog_recover(struct translog *t) SG_MUST_CHECK;

/* Signs and writes the checkpoint of the state, and shows it to the other threads. */
enum sg_err translog_publish(struct translog *t) SG_MUST_CHECK;

/* Reads the entries from the state's `synced` mark (or, with `all`, from the first) to its end and
 * says whether they make its root; with `derive`, writes what follows from them on the way. */
enum sg_err translog_reread(struct translog *t, bool all, bool derive,
                            bool *ret_same) SG_MUST_CHECK;

/* The committed length of the note on the disk; SG_ERR_NOT_FOUND: none, or not signed by the key.
 */
enum sg_err translog_read_checkpoint(struct logfiles *f, const struct note_key *key,
                                     struct checkpoint *ret) SG_MUST_CHECK;

#endif
