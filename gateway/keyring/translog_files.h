/* SPDX-License-Identifier: Apache-2.0 */
/* The files of DATA/log as their one writer has them open. Not locked: one thread at a time. */
#ifndef SG_KEYRING_TRANSLOG_FILES_H
#define SG_KEYRING_TRANSLOG_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tlog/checkpoint.h"
#include "tlog/logdir.h"

#define SG_LOGFILES_CHUNK 16384 /* entries that a scan returns at a time at most */

struct logfiles {
    struct logdir_files at; /* -1: not open */
    struct logdir *reader;  /* over the same descriptors; NULL: not open */
    /* What it has cost; read by other threads. */
    atomic_uint_least64_t read, written, syncs, hashes;
};

/* Zero, all closed. */
void logfiles_init(struct logfiles *f);
/* Makes the directory (0700) and the files that are missing. */
enum sg_err logfiles_open(struct logfiles *f, const char *dir) SG_MUST_CHECK;
void logfiles_close(struct logfiles *f);

/* Bytes of `entries`. */
enum sg_err logfiles_length(struct logfiles *f, uint64_t *ret) SG_MUST_CHECK;
/* Writes at the end `at`, without sync. */
enum sg_err logfiles_append(struct logfiles *f, uint64_t at, const void *data,
                            size_t len) SG_MUST_CHECK;
/* Makes the entries durable. */
enum sg_err logfiles_sync(struct logfiles *f) SG_MUST_CHECK;
enum sg_err logfiles_truncate(struct logfiles *f, uint64_t bytes) SG_MUST_CHECK;

/* Whether the bytes may be an entry: "{", no control characters, "}". A torn write is none. */
bool logfiles_is_entry(const void *data, size_t len);

/* Where a scan of the entries stands, and what it found since it was there before. */
struct logscan {
    struct merkle_frontier frontier; /* of all entries before `bytes` */
    uint64_t bytes;
    uint64_t first;     /* index of the first entry of `hashes` */
    struct buf hashes;  /* of the leaves found */
    struct buf bundles; /* big-endian offsets of the bundles begun */
    bool torn;          /* what follows up to the limit is no entry */
};
void logscan_init(struct logscan *s, const struct merkle_frontier *frontier, uint64_t bytes);
void logscan_fini(struct logscan *s);
/* Reads on to the offset `limit`, at most SG_LOGFILES_CHUNK entries. Done when `bytes` is the limit
 * or `torn`. `expected` (may be NULL): what must stand there, SG_ERR_CORRUPT otherwise. */
enum sg_err logscan_next(struct logfiles *f, struct logscan *s, uint64_t limit,
                         const uint8_t *expected) SG_MUST_CHECK;

/* Writes what the scan found into the bundle and hash files. */
enum sg_err logfiles_derive(struct logfiles *f, const struct logscan *s) SG_MUST_CHECK;
/* Makes those durable. */
enum sg_err logfiles_sync_derived(struct logfiles *f) SG_MUST_CHECK;
/* The frontier at `size`, from the hash files. SG_ERR_NOT_FOUND when they do not go so far. */
enum sg_err logfiles_frontier(struct logfiles *f, uint64_t size,
                              struct merkle_frontier *ret) SG_MUST_CHECK;

/* Replaces `checkpoint`, not synced: it can be made again. */
enum sg_err logfiles_publish(struct logfiles *f, const void *note, size_t len) SG_MUST_CHECK;

#endif
