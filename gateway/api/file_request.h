/* SPDX-License-Identifier: Apache-2.0 */
/* What the file operations read from a request: path, conditions, digests. Every error has its
 * detail set. */
#ifndef SG_API_FILE_REQUEST_H
#define SG_API_FILE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/encode.h"
#include "base/err.h"
#include "core/path.h"
#include "store/files.h"

struct request;

/* The path after "/v1/files/". */
enum sg_err file_request_path(struct request *r, struct path *ret) SG_MUST_CHECK;
/* The path as answers name it: with the space's real name, without a slash at the end; in the
 * arena, NULL without memory. Needs the principal. */
char *file_request_canonical(struct request *r, const struct path *path);
/* If-Match (at most 8 tags) and, when `create`, If-None-Match, of which only `*` has a meaning for
 * a write. */
enum sg_err file_request_condition(struct request *r, bool create,
                                   struct entry_condition *ret) SG_MUST_CHECK;
/* The SHA-256 that Repr-Digest and Content-Digest announce; *ret_given false when neither does. */
enum sg_err file_request_digest(struct request *r, uint8_t ret[SG_DIGEST_SIZE],
                                bool *ret_given) SG_MUST_CHECK;

#define SG_ETAG_SIZE (SG_HEX_SIZE(SG_DIGEST_SIZE) + 2)
/* The entity tag of a content. */
void file_request_etag(const uint8_t sha256[SG_DIGEST_SIZE], char ret[SG_ETAG_SIZE]);
/* Adds Repr-Digest to the answer. */
void file_request_repr_digest(struct request *r, const uint8_t sha256[SG_DIGEST_SIZE]);

#endif
