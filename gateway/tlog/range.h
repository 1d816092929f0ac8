/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of neighbouring nodes of a tree, with all that joins them to the root: inclusion proofs of
 * many leaves for the price of one pass over them. A range exists only when its root is the right
 * one, so that every proof from it holds.
 */
#ifndef SG_TLOG_RANGE_H
#define SG_TLOG_RANGE_H

#include "tlog/merkle.h"

struct merkle_range;

/*
 * Of the tree of the first `size` leaves: the `count` >= 1 nodes from index `first` on of a level,
 * all of them complete subtrees. `nodes` are their hashes; the rest is read from `s`, at most three
 * reads of it a level. SG_ERR_BAD_FIELD for nodes that are not in the tree, SG_ERR_CORRUPT when the
 * root is another.
 */
enum sg_err merkle_range_new(const struct merkle_source *s, uint64_t size, unsigned level,
                             uint64_t first, size_t count, const merkle_hash *nodes,
                             const merkle_hash root, struct merkle_range **ret) SG_MUST_CHECK;
void merkle_range_free(struct merkle_range *r);

/* The proof of the leaf `index` in a range of level 0. SG_ERR_BAD_FIELD outside of it. */
enum sg_err merkle_range_inclusion(const struct merkle_range *r, uint64_t index,
                                   merkle_hash ret[SG_MERKLE_PROOF],
                                   size_t *ret_count) SG_MUST_CHECK;

#endif
