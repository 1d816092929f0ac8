/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request: collects its fields and refuses what RFC 9112 does not allow and
 * libmicrohttpd lets through. */
#ifndef SG_HTTP_HEAD_H
#define SG_HTTP_HEAD_H

#include "http/enclose.h"
#include "http/internal.h"

/* Copies and splits the request target, as it came; errors are kept for head_read. */
void head_target(struct request *r, const char *target);

/* Reads method and fields into the request. On an error `r->close` tells that the framing is not to
 * be trusted. */
enum sg_err head_read(struct request *r, const char *method, const char *version) SG_MUST_CHECK;

/* Moves the fields into the arena: a body's job may outlive the connection. */
enum sg_err head_keep(struct request *r) SG_MUST_CHECK;

/* Reads an enclosed request's method, target, fields and content type into the request, as
 * head_read does for one that came by itself. SG_ERR_BAD_REQUEST with detail. */
enum sg_err head_enclosed(struct request *r, const struct enclosed_request *inner) SG_MUST_CHECK;

/* The value of a field, NULL when absent; the `nth` (from 0) of that name. */
const char *head_field(const struct request *r, const char *name, unsigned nth);

#endif
