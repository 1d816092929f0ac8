/* SPDX-License-Identifier: Apache-2.0 */
/* The body of signatures_verify: a record or a signature, and what it is held against. */
#ifndef SG_API_VERIFY_REQUEST_H
#define SG_API_VERIFY_REQUEST_H

#include "base/arena.h"
#include "core/signing.h"

struct request;

#define SG_VERIFY_REQUEST_MEMORY ((size_t)8 << 20)

struct verify_request {
    struct signing_verify what; /* points into this and the arena */
    struct sig_record record;
    struct sig_digests digests;
};

/* SG_ERR_BAD_JSON, BAD_FIELD with detail. *ret must stay where it is. */
enum sg_err verify_request_read(struct request *r, struct arena *arena,
                                struct verify_request *ret) SG_MUST_CHECK;

#endif
