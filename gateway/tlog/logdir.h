/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a log, DATA/log/, as the keyring writes them and everybody else reads them. All but
 * `checkpoint` only ever grow; what is beyond the size of the published checkpoint may be torn or
 * missing and is never looked at.
 *
 *   entries      all entries: big-endian u16 length, bytes (an entry bundle is a range of it)
 *   bundles      big-endian u64 per 256 entries: where the bundle begins in `entries`
 *   hash.0 .1 .. 32 bytes per complete subtree of level 0, 8, 16 ... (a tile is a range of one)
 *   checkpoint   the last signed checkpoint, replaced atomically after all of the above
 */
#ifndef SG_TLOG_LOGDIR_H
#define SG_TLOG_LOGDIR_H

#include "base/buf.h"
#include "tlog/checkpoint.h"

#define SG_LOGDIR_HASH_FILES 8

struct logdir;

/* Opens for reading; files that are not there yet are opened when they are needed. Any thread may
 * read. */
enum sg_err logdir_open(const char *dir, struct logdir **ret) SG_MUST_CHECK;
/* The same over files that their writer has open: borrowed, they must outlive *ret. */
struct logdir_files {
    int dir, entries, bundles;
    int hash[SG_LOGDIR_HASH_FILES];
};
enum sg_err logdir_attach(const struct logdir_files *files, struct logdir **ret) SG_MUST_CHECK;
void logdir_close(struct logdir *d);

/* The published checkpoint note. SG_ERR_NOT_FOUND when there is none yet, CORRUPT when it is empty.
 */
enum sg_err logdir_checkpoint(struct logdir *d, struct buf *out) SG_MUST_CHECK;
/* Exactly `len` bytes of `entries` from an offset on. SG_ERR_NOT_FOUND beyond its end. */
enum sg_err logdir_read(struct logdir *d, uint64_t offset, void *ret, size_t len) SG_MUST_CHECK;
/* Where a bundle begins in `entries`. NOT_FOUND, CORRUPT. */
enum sg_err logdir_offset(struct logdir *d, uint64_t bundle, uint64_t *ret) SG_MUST_CHECK;
/* `count` hashes of file hash.`file` from `index` on, into an array; as the next one. */
enum sg_err logdir_read_hashes(struct logdir *d, unsigned file, uint64_t index, size_t count,
                               merkle_hash *ret) SG_MUST_CHECK;
/* Appends `count` hashes of file hash.`file` from `index` on. SG_ERR_NOT_FOUND beyond its end. */
enum sg_err logdir_hashes(struct logdir *d, unsigned file, uint64_t index, size_t count,
                          struct buf *out) SG_MUST_CHECK;
/* Appends `width` entries of bundle `index` as they stand there. NOT_FOUND, CORRUPT. */
enum sg_err logdir_bundle(struct logdir *d, uint64_t index, unsigned width,
                          struct buf *out) SG_MUST_CHECK;
/* Appends the bytes of one entry. */
enum sg_err logdir_entry(struct logdir *d, uint64_t index, struct buf *out) SG_MUST_CHECK;
/* A source for merkle.h over these files; lives as long as the directory. */
struct merkle_source logdir_source(struct logdir *d);

#endif
