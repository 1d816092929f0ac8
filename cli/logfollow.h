/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows a transparency log: hashes its entries anew and tells whether what is signed now goes on
 * from what was seen before. No input or output; memory does not grow with the log.
 */
#ifndef SG_CLI_LOGFOLLOW_H
#define SG_CLI_LOGFOLLOW_H

#include "tlog/checkpoint.h"
#include "tlog/merkle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct buf;

enum logfollow_fault {
    SG_LOGFOLLOW_HOLDS,
    SG_LOGFOLLOW_SHRUNK,      /* smaller than it was */
    SG_LOGFOLLOW_FORKED,      /* of the same size, with another root */
    SG_LOGFOLLOW_REWRITTEN,   /* the entries do not lead from what was seen to what is signed */
    SG_LOGFOLLOW_ENTRIES,     /* a bundle of entries is malformed */
    SG_LOGFOLLOW_TILE,        /* entries and the tile of their hashes differ */
    SG_LOGFOLLOW_CONSISTENCY, /* the gateway's proof does not hold */
    SG_LOGFOLLOW_OTHER_LOG    /* another origin */
};
/* In words, for people. Static storage. */
const char *logfollow_text(enum logfollow_fault fault);

/* Where a check stands. Zero it for the beginning. */
struct logfollow {
    char origin[SG_NOTE_NAME_SIZE];
    struct merkle_frontier frontier;
};

/* The root of what was followed. */
void logfollow_root(const struct logfollow *f, merkle_hash ret);

/* Whether a checkpoint can follow at all. */
enum logfollow_fault logfollow_begin(const struct logfollow *f, const struct checkpoint *now);

/* The bundle to fetch next, up to `size` entries of the log; false at the end. */
bool logfollow_next(const struct logfollow *f, uint64_t size, struct tile *ret);

/* Takes the bundle and the tile of level 0 of the same index and width. */
enum logfollow_fault logfollow_take(struct logfollow *f, const struct tile *bundle,
                                    const uint8_t *entries, size_t len, const uint8_t *hashes,
                                    size_t hashes_len);

/* Whether the entries have led to the checkpoint. */
enum logfollow_fault logfollow_end(const struct logfollow *f, const struct checkpoint *now);

/* The next entry of a bundle, which `at` and `left` go past. False at its end or when malformed. */
bool logfollow_entry(const uint8_t **at, size_t *left, const uint8_t **ret, size_t *ret_len);

/* To and from the members of a JSON document; false when they are damaged, or without memory. */
bool logfollow_load(struct json_object *json, struct logfollow *ret);
bool logfollow_store(const struct logfollow *f, struct json_object *json);

#endif
