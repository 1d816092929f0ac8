/* SPDX-License-Identifier: Apache-2.0 */
/* Birth and end of a request: its memory, its line in the log, its counts. */
#ifndef SG_HTTP_LIFE_H
#define SG_HTTP_LIFE_H

#include "http/internal.h"

/* A request of the loop, empty; NULL without memory. Event loop. */
struct request *request_new(struct loop *loop);

/* The end of every request: of its operation, and of all it holds. Event loop, or a job that has a
 * request whose connection is gone. */
void request_over(struct request *r);

/* What an operation came to. */
struct outcome {
    unsigned status;
    uint64_t in, out; /* bytes of content */
    int64_t duration_ns;
    const char *within; /* operation that enclosed it; NULL: none did */
};

/* The operation that the request has is over: calls its end if it was begun, writes its line and
 * counts it. */
void request_operation_over(struct request *r, const struct outcome *outcome);

/* Frees the requests that a loop keeps for reuse; its thread has ended. */
void request_free_all(struct loop *loop);

#endif
