/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transparency log as the worker sees it: it reads the files that the keyring writes and can
 * change none. Whatever is given out, a tile, an entry, a proof, has first been hashed up to the
 * root of a checkpoint with the log's valid signature; a stored bit that has changed ends in
 * SG_ERR_CORRUPT. Any thread may call; all block (disk).
 */
#ifndef SG_CORE_LOGREAD_H
#define SG_CORE_LOGREAD_H

#include "base/buf.h"
#include "base/err.h"
#include "ipc/signing.h"
#include "tlog/checkpoint.h"
#include "tlog/range.h"

#define SG_LOGREAD_NOTE_SIZE 2048 /* a checkpoint note with one signature, and its NUL */

struct logread;

struct logread_options {
    const char *dir; /* DATA/log; it may be made later */
    /* Asks for the verifier keys: keyring_client_log_state, or in tests something else. */
    enum sg_err (*state)(void *ctx, struct keyring_log_state *ret);
    void *ctx;
};
enum sg_err logread_new(const struct logread_options *options, struct logread **ret) SG_MUST_CHECK;
void logread_free(struct logread *l);

/* The keys of the log and of signed time, asked for once. `size` is not kept up. */
enum sg_err logread_state(struct logread *l, struct keyring_log_state *ret) SG_MUST_CHECK;

/* A checkpoint whose signature is valid. */
struct logread_head {
    struct checkpoint of;
    size_t note_len;
    char note[SG_LOGREAD_NOTE_SIZE]; /* NUL-terminated */
};
/* The published one. SG_ERR_NOT_FOUND before the first. */
enum sg_err logread_head(struct logread *l, struct logread_head *ret) SG_MUST_CHECK;
/* One from elsewhere (a batch's result), perhaps with cosignatures. SG_ERR_BAD_DIGEST, BAD_FIELD,
 * NOT_FOUND (not signed with the log's key). */
enum sg_err logread_check(struct logread *l, const char *note, size_t len,
                          struct checkpoint *ret) SG_MUST_CHECK;

/*
 * Inclusion proofs for `count` leaves from `first` on in the tree of `of`, which must come from a
 * verified checkpoint: the hashes are read once and the root is made from all of them, so that each
 * proof holds. `leaves` (may be NULL): what the leaves must be. Ask with merkle_range_inclusion,
 * end with merkle_range_free. SG_ERR_CORRUPT; SG_ERR_BAD_FIELD beyond the tree.
 */
enum sg_err logread_proofs(struct logread *l, const struct checkpoint *of, uint64_t first,
                           size_t count, const merkle_hash *leaves,
                           struct merkle_range **ret) SG_MUST_CHECK;
/* The offline proof's text of one leaf: `extra` is the leaf itself. */
void logread_put_proof(struct buf *out, const struct merkle_range *r, uint64_t index,
                       const void *leaf, size_t leaf_len, const char *note, size_t note_len);

/* Appends entries [first, first + count), count 1 to SG_TILE_WIDTH, all in one bundle, each as
 * big-endian u16 length and bytes. SG_ERR_NOT_FOUND beyond the tree. */
enum sg_err logread_entries(struct logread *l, const struct checkpoint *of, uint64_t first,
                            size_t count, struct buf *out) SG_MUST_CHECK;
/* One entry's bytes, and (unless NULL) its offline proof under `head`. */
enum sg_err logread_entry(struct logread *l, const struct logread_head *head, uint64_t index,
                          struct buf *out, struct buf *proof) SG_MUST_CHECK;

/* A tile's bytes; SG_ERR_NOT_FOUND when it is not, or not as wide, in the published tree. */
enum sg_err logread_tile(struct logread *l, const struct tile *t, struct buf *out) SG_MUST_CHECK;

/* What grew how; from <= to <= head->of.size, else SG_ERR_BAD_FIELD. */
struct logread_growth {
    merkle_hash root_from, root_to;
    size_t count;
    merkle_hash proof[SG_MERKLE_PROOF];
};
enum sg_err logread_consistency(struct logread *l, const struct checkpoint *head, uint64_t from,
                                uint64_t to, struct logread_growth *ret) SG_MUST_CHECK;

#endif
