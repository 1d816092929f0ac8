/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest of a directory: one line `SHA256 (NAME) = HEX` per file in byte order of the names,
 * and the RFC 6962 tree whose leaves are these lines with their newline.
 */
#ifndef SG_SIGFMT_MANIFEST_H
#define SG_SIGFMT_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "tlog/merkle.h"

#define SG_MANIFEST_FILES_MAX 100000
#define SG_MANIFEST_TEXT_MAX  (16 << 20)

struct sig_manifest_entry {
    const char *name; /* borrowed while the manifest lives */
    const uint8_t *sha256;
};
struct sig_manifest;

/* CONFLICT: a name is there twice. BAD_FIELD: none, too many, or a name that is not allowed. */
enum sg_err sig_manifest_new(const struct sig_manifest_entry *entries, size_t count,
                             struct sig_manifest **ret) SG_MUST_CHECK;
/* From the lines. They must be exactly as they are written here. */
enum sg_err sig_manifest_parse(const char *lines, size_t len,
                               struct sig_manifest **ret) SG_MUST_CHECK;
void sig_manifest_free(struct sig_manifest *m);

/* Borrowed. */
const char *sig_manifest_lines(const struct sig_manifest *m, size_t *ret_len);
size_t sig_manifest_count(const struct sig_manifest *m);
const uint8_t *sig_manifest_root(const struct sig_manifest *m); /* 32 bytes */
/* Where the entry with this number (as given to new) stands in the order. */
size_t sig_manifest_position(const struct sig_manifest *m, size_t entry);
/* The position of a name, with its digest. NOT_FOUND. */
enum sg_err sig_manifest_find(const struct sig_manifest *m, const char *name, size_t *ret_position,
                              uint8_t ret_sha256[32]) SG_MUST_CHECK;
/* Proof that the line at `position` is in the tree. */
enum sg_err sig_manifest_proof(const struct sig_manifest *m, size_t position,
                               merkle_hash ret[SG_MERKLE_PROOF], size_t *ret_count) SG_MUST_CHECK;
/* Whether a file of this name and digest is at `position` of the manifest. BAD_DIGEST. */
enum sg_err sig_manifest_verify(const char *name, const uint8_t sha256[32], uint64_t position,
                                uint64_t count, const merkle_hash *proof, size_t proof_count,
                                const uint8_t root[32]) SG_MUST_CHECK;

/* Appends one line. */
void sig_manifest_put_line(struct buf *out, const char *name, const uint8_t sha256[32]);

#endif
