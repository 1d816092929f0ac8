/* SPDX-License-Identifier: Apache-2.0 */
/* From the head of a request to its operation. */
#ifndef SG_HTTP_DISPATCH_H
#define SG_HTTP_DISPATCH_H

#include "http/internal.h"

/* Finds the route, asks the guard, looks at what body is announced and calls the operation's begin.
 * SG_OK with an answer in `reply` where the route table alone makes it. Event loop. */
enum sg_err dispatch(struct request *r) SG_MUST_CHECK;

/* A large body in memory counts no more. */
void dispatch_release_body(struct request *r);

#endif
