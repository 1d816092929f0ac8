/* SPDX-License-Identifier: Apache-2.0 */
/* The request and the answer inside a sealed exchange, as JSON (docs/channel.md). */
#ifndef SG_CLI_SEALEDBODY_H
#define SG_CLI_SEALEDBODY_H

#include "cli/cli.h"

struct buf;
struct http_call;
struct http_request;
struct json_object;

/* Appends {method, path, headers, body or body_base64}; what a stream has is read to its end.
 * SG_CLI_USAGE, reported, when there is more than goes into one message. */
enum cli_status sealedbody_write(const struct http_request *request,
                                 struct buf *ret) SG_CLI_MUST_CHECK;

/* Puts {status, headers, body or body_base64} in the place of the call's answer; false when it is
 * none. */
bool sealedbody_read(struct json_object *answer, struct http_call *call) SG_CLI_MUST_CHECK;

#endif
