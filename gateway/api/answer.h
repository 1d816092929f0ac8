/* SPDX-License-Identifier: Apache-2.0 */
/* What several operations say in the headers of their answers. */
#ifndef SG_API_ANSWER_H
#define SG_API_ANSWER_H

#include "base/err.h"

struct request;

/* Adds the headers that an error needs and returns it: the Bearer challenge (RFC 6750, section 3)
 * for 401, with `error="invalid_token"` when a token was at fault; Retry-After for 429
 * (`retry_after_s`, at least 1) and for too many waiters. SG_OK passes. */
enum sg_err answer_error(struct request *r, enum sg_err err, unsigned retry_after_s);

/* 403 for a token that lacks a scope, with the challenge that names it. */
enum sg_err answer_lacks_scope(struct request *r, const char *scope);

#endif
