/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash tree of a transparency log (RFC 6962, section 2.1; RFC 9162, section 2.1): pure
 * functions over SHA-256. Positions are a level (0: leaves) and an index on that level; the hash at
 * (level, index) is that of the complete subtree over the leaves [index << level, (index + 1) <<
 * level).
 */
#ifndef SG_TLOG_MERKLE_H
#define SG_TLOG_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_MERKLE_SIZE   32 /* bytes of a hash */
#define SG_MERKLE_LEVELS 64
#define SG_MERKLE_PROOF  64 /* hashes of a proof at most (consistency: 63 + 1) */

typedef uint8_t merkle_hash[SG_MERKLE_SIZE];

void merkle_empty(merkle_hash ret);
/* SHA-256(0x00 | data). */
void merkle_leaf(const void *data, size_t len, merkle_hash ret);
/* SHA-256(0x01 | left | right); ret may be one of them. */
void merkle_node(const merkle_hash left, const merkle_hash right, merkle_hash ret);
/* The root over `width` (a power of two) hashes of one level, in hashes[0]; the others are spent.
 */
void merkle_reduce(merkle_hash *hashes, size_t width);

/* The right edge of a tree: hash[l] is that of the complete subtree of level l wherever bit l of
 * `size` is set, else unspecified. Zero it for the empty tree. */
struct merkle_frontier {
    uint64_t size;
    merkle_hash hash[SG_MERKLE_LEVELS];
};
void merkle_frontier_add(struct merkle_frontier *f, const merkle_hash leaf);
void merkle_frontier_root(const struct merkle_frontier *f, merkle_hash ret);

/* Hashes of complete subtrees, from wherever they are kept. */
struct merkle_source {
    void *ctx;
    enum sg_err (*read)(void *ctx, unsigned level, uint64_t index, merkle_hash ret);
};
/* Of the tree of the first `size` leaves. SG_ERR_BAD_FIELD when index >= size, or from > to; what
 * the source says otherwise. Proofs are in the order of RFC 6962. A consistency proof from 0, or
 * from a size to itself, is empty. */
enum sg_err merkle_root(const struct merkle_source *s, uint64_t size,
                        merkle_hash ret) SG_MUST_CHECK;
/* That of the leaves [begin, end), begin < end, where `begin` is a multiple of a power of two not
 * less than their number: a node of a tree, perhaps an incomplete one at its right edge. */
enum sg_err merkle_subtree(const struct merkle_source *s, uint64_t begin, uint64_t end,
                           merkle_hash ret) SG_MUST_CHECK;
enum sg_err merkle_inclusion(const struct merkle_source *s, uint64_t index, uint64_t size,
                             merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count) SG_MUST_CHECK;
enum sg_err merkle_consistency(const struct merkle_source *s, uint64_t from, uint64_t to,
                               merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count) SG_MUST_CHECK;

/* SG_ERR_BAD_DIGEST when the proof does not hold (also: too short, too long, index not below size).
 * A consistency proof from size 0 is refused: there is nothing that it could prove. */
enum sg_err merkle_verify_inclusion(uint64_t index, uint64_t size, const merkle_hash leaf,
                                    const merkle_hash *proof, size_t count,
                                    const merkle_hash root) SG_MUST_CHECK;
enum sg_err merkle_verify_consistency(uint64_t from, uint64_t to, const merkle_hash *proof,
                                      size_t count, const merkle_hash root_from,
                                      const merkle_hash root_to) SG_MUST_CHECK;

#endif
