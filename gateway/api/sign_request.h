/* SPDX-License-Identifier: Apache-2.0 */
/* The body of signatures_create: whole and of the right form, nothing looked up yet. */
#ifndef SG_API_SIGN_REQUEST_H
#define SG_API_SIGN_REQUEST_H

#include "base/arena.h"
#include "core/signing.h"

struct request;

/* Bytes that the arena of the largest body needs. */
#define SG_SIGN_REQUEST_MEMORY ((size_t)64 << 20)

/* Fills *ret from the body, all of it in the arena; *ret_stored: whether stored files are among the
 * items. SG_ERR_BAD_JSON, BAD_FIELD with detail. */
enum sg_err sign_request_read(struct request *r, struct arena *arena, struct signing_request *ret,
                              bool *ret_stored) SG_MUST_CHECK;

#endif
