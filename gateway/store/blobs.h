/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of immutable content named by its SHA-256. Content is written under a temporary name,
 * hashed while it streams, made durable, and only then appears under its name. A digest is pinned
 * from `finish` until `unpin`, so that collection can't take content whose metadata is about to be
 * committed.
 */
#ifndef SG_STORE_BLOBS_H
#define SG_STORE_BLOBS_H

#include "store/store.h"

struct blob_writer;

struct blobs_store {
    void *self;
    const struct blobs_vtable *vt;
};

struct blobs_vtable {
    /* Starts a new content of `expected` bytes (-1 unknown). SG_ERR_NO_SPACE when it would leave
     * less than the reserve for the database. */
    enum sg_err (*start)(void *self, int64_t expected, struct blob_writer **ret) SG_MUST_CHECK;
    /* SG_ERR_NO_SPACE when the disk or quota is full; the writer stays valid for abort. */
    enum sg_err (*write)(void *self, struct blob_writer *w, const void *data,
                         size_t len) SG_MUST_CHECK;
    /* Digest and size so far are final: fdatasync, rename, directory fsync; the digest is pinned.
     * With `expected_sha256` not NULL: SG_ERR_BAD_DIGEST when it differs, nothing stored. Frees the
     * writer in every case. */
    enum sg_err (*finish)(void *self, struct blob_writer **w, const uint8_t *expected_sha256,
                          uint8_t ret_sha256[SG_DIGEST_SIZE], uint64_t *ret_size) SG_MUST_CHECK;
    /* Drops the content and frees the writer; *w NULL is legal. */
    void (*abort)(void *self, struct blob_writer **w);
    void (*unpin)(void *self, const uint8_t *sha256);
    /* Opens for reading; the descriptor is the caller's and stays readable after removal.
     * NOT_FOUND. */
    enum sg_err (*open)(void *self, const uint8_t *sha256, int *ret_fd,
                        uint64_t *ret_size) SG_MUST_CHECK;
    /* Removes it unless it is pinned or `used` says that something refers to it; both are asked
     * under the store's lock so that no pin can come in between. */
    enum sg_err (*collect)(void *self, const uint8_t *sha256,
                           enum sg_err (*used)(void *ctx, const uint8_t *sha256, bool *ret),
                           void *ctx) SG_MUST_CHECK;
    /* Calls `each` for every stored digest (background collection of what a crash left); stops when
     * it returns false. Removes stale temporary files of former processes. */
    enum sg_err (*scan)(void *self, bool (*each)(void *ctx, const uint8_t *sha256),
                        void *ctx) SG_MUST_CHECK;
    /* Bytes free for content, after the reserve. */
    enum sg_err (*space_left)(void *self, uint64_t *ret_bytes) SG_MUST_CHECK;
};

#endif
