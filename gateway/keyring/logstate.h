/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keyring remembers of the log, DATA/keyring/log.state. Each state is a file of its own,
 * renamed over the former one, and holds its own inode number and birth time: one that was put back
 * from a copy tells so. Layout: the fields in the encoding of ipc/codec.h, SHA-256 of them.
 */
#ifndef SG_KEYRING_LOGSTATE_H
#define SG_KEYRING_LOGSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tlog/merkle.h"
#include "tlog/note.h"

#define SG_LOGSTATE_MAX 4096 /* bytes of the file */

struct logstate {
    struct note_key key;             /* of the log; its name is the origin */
    struct merkle_frontier frontier; /* with the size */
    uint64_t bytes;                  /* of the entries */
    int64_t last_ns;                 /* the latest time in a leaf */
    /* Up to here the hash and bundle files are known to be on the disk; a multiple of 256. */
    uint64_t synced;
    uint64_t synced_bytes; /* where that entry begins */
};

/* The content of a file with that inode number and birth time, and back. SG_ERR_CORRUPT: no such
 * content; SG_ERR_CONFLICT: of another file (*ret is filled). */
struct logstate_file {
    uint64_t inode;
    int64_t birth_ns; /* 0 where the file system has none */
};
struct buf;
void logstate_put(struct buf *out, const struct logstate *s, const struct logstate_file *file);
enum sg_err logstate_get(const void *data, size_t len, const struct logstate_file *file,
                         struct logstate *ret) SG_MUST_CHECK;

/* SG_ERR_NOT_FOUND, SG_ERR_CORRUPT; SG_ERR_CONFLICT: a copy (*ret is filled). */
enum sg_err logstate_load(const char *path, struct logstate *ret) SG_MUST_CHECK;
/* Durable after SG_OK. After an error *ret_replaced says whether the new one may be in place. */
enum sg_err logstate_save(const char *path, const struct logstate *s,
                          bool *ret_replaced) SG_MUST_CHECK;

#endif
