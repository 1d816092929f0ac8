/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transparency log as the keyring writes it: the files of tlog/logdir.h, and what it remembers
 * of them in DATA/keyring/log.state. One thread, the committer, serves all batches that wait with
 * one write, one sync and one checkpoint. Any thread may call.
 *
 * A log whose files do not continue what the state says is closed: nothing is appended to it, the
 * rest of the keyring works. Why is in the log line "keyring.log_closed"; the way out is
 * `secgated-keyring accept-log` (keyring/acceptlog.h).
 */
#ifndef SG_KEYRING_TRANSLOG_H
#define SG_KEYRING_TRANSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tlog/checkpoint.h"

struct kek;
struct translog;

#define SG_TRANSLOG_LEAF_MAX                                                                       \
    16384                           /* bytes of one leaf here; the format allows SG_LOG_ENTRY_MAX  \
                                     */
#define SG_TRANSLOG_BATCH_MAX 20001 /* leaves of one call */

struct translog_options {
    const char *data;      /* the data directory */
    const char *issuer;    /* a new log's origin is this without scheme, and "/log" */
    const struct kek *kek; /* the log's key is sealed with it */
};

/* Opens the log and makes what is missing: key, state, checkpoint of the empty log. SG_OK also for
 * a log that is closed; an error when the key or the disk is unusable. */
enum sg_err translog_open(const struct translog_options *options,
                          struct translog **ret) SG_MUST_CHECK;
/* Ends the committer. No call may be in progress. NULL is legal. */
void translog_close(struct translog *t);

/* The time of records that are composed now: never before that of a leaf in the log, also over
 * restarts. SG_ERR_CLOCK when the clock is more than a second behind that. */
enum sg_err translog_timestamp(struct translog *t, int64_t *ret_ns) SG_MUST_CHECK;

struct translog_leaf {
    const void *data; /* a canonical JSON object: "{", no control characters, "}" */
    size_t len;
};
/* What a batch has become. */
struct translog_receipt {
    uint64_t first;       /* index of the first leaf; the others follow without gap */
    struct checkpoint of; /* the published checkpoint that has them */
    char note[SG_NOTE_VKEY_SIZE + 1024]; /* it, signed; NUL-terminated */
    size_t note_len;
};
/*
 * Appends the leaves, all or none, and waits until they are durable under a published checkpoint.
 * `timestamp_ns` is the latest time in them. SG_ERR_LOG_CLOSED, SG_ERR_NO_SPACE, SG_ERR_BAD_FIELD
 * (a leaf that is none), SG_ERR_IO. After an error the leaves are not in the log, except when the
 * disk failed under it: then they may be, without a signature.
 */
enum sg_err translog_append(struct translog *t, const struct translog_leaf *leaves, size_t count,
                            int64_t timestamp_ns, struct translog_receipt *ret) SG_MUST_CHECK;

/* The log's verifier key (its name is the origin) and how many leaves are published. The key stays
 * as it is and where it is until translog_close. */
const struct note_key *translog_key(const struct translog *t);
uint64_t translog_size(struct translog *t);
bool translog_is_closed(struct translog *t);

/* What the log has cost, for tests: a commit costs the same in a long log as in a short one. */
struct translog_counts {
    uint64_t commits; /* checkpoints */
    uint64_t read;    /* bytes */
    uint64_t written; /* bytes */
    uint64_t syncs;
    uint64_t hashes;
};
struct translog_counts translog_counts(struct translog *t);

#endif
