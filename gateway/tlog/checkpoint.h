/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a log: checkpoints (c2sp.org/tlog-checkpoint), offline proofs (c2sp.org/tlog-proof),
 * paths of tiles (c2sp.org/tlog-tiles). Pure functions. */
#ifndef SG_TLOG_CHECKPOINT_H
#define SG_TLOG_CHECKPOINT_H

#include "tlog/merkle.h"
#include "tlog/note.h"

#define SG_TILE_WIDTH    256
#define SG_TILE_ENTRIES  64 /* the level of entry bundles, in struct tile */
#define SG_LOG_ENTRY_MAX 65535

struct checkpoint {
    char origin[SG_NOTE_NAME_SIZE];
    uint64_t size;
    merkle_hash root;
};
/* Appends the body of a note: origin, size, root, no extension lines. */
void checkpoint_put(struct buf *out, const struct checkpoint *c);
/* Extension lines are accepted and ignored. */
enum sg_err checkpoint_parse(const char *body, size_t len, struct checkpoint *ret) SG_MUST_CHECK;

/* An offline proof: "c2sp.org/tlog-proof@v1", `extra` (here: the leaf itself; may be empty),
 * index, hashes, blank line, checkpoint note. */
struct tlog_proof {
    uint8_t *extra; /* heap when parsed; NULL: none */
    size_t extra_len;
    uint64_t index;
    size_t count;
    merkle_hash hash[SG_MERKLE_PROOF];
    const char *note; /* borrowed */
    size_t note_len;
};
void tlog_proof_put(struct buf *out, const struct tlog_proof *p);
enum sg_err tlog_proof_parse(const char *text, size_t len, struct tlog_proof *ret) SG_MUST_CHECK;
void tlog_proof_fini(struct tlog_proof *p);
/* Whether `leaf` (the entry itself) is in the tree of the note, and the note is signed with
 * `log_key` and has the key's name as origin. BAD_DIGEST, NOT_FOUND (no signature of that key),
 * BAD_FIELD. */
enum sg_err tlog_proof_verify(const struct tlog_proof *p, const void *leaf, size_t leaf_len,
                              const struct note_key *log_key, struct checkpoint *ret) SG_MUST_CHECK;

/* "tile/0/x001/234", "tile/entries/000.p/7": what is below the log's prefix. */
struct tile {
    unsigned level; /* 0 to 7 of hashes (each eight levels of the tree), or SG_TILE_ENTRIES */
    uint64_t index;
    unsigned width; /* 1 to 256; 256: a full tile, without ".p/W" */
};
enum sg_err tile_parse(const char *path, struct tile *ret) SG_MUST_CHECK;
void tile_put(struct buf *out, const struct tile *t);

#endif
