/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request inside a request: the body of one was another request, which runs in its place through
 * the same route table, guard and pools, with the principal that is there already; its answer is
 * handed to `seal`, which makes the answer that leaves. The HTTP server knows nothing of how the
 * one was hidden in the other.
 */
#ifndef SG_HTTP_ENCLOSE_H
#define SG_HTTP_ENCLOSE_H

#include "http/request.h"

#define SG_ENCLOSED_HEADERS_MAX 32

struct enclosed_header {
    const char *name, *value;
};

/* All in the request's arena, or alive until its end. */
struct enclosed_request {
    const char *method; /* "GET" */
    const char *target; /* "/v1/files/common/a?version=1" */
    struct enclosed_header header[SG_ENCLOSED_HEADERS_MAX];
    size_t header_count;
    const uint8_t *body;
    size_t body_len; /* 0: none */
};

/* The answer of the enclosed request: success or problem document. Borrowed during `seal`. */
struct enclosed_answer {
    unsigned status;
    struct enclosed_header header[SG_ENCLOSED_HEADERS_MAX]; /* Content-Type first, if any */
    size_t header_count;
    const uint8_t *body;
    size_t body_len;
};

/* How the operation that encloses goes on. */
struct enclosing {
    size_t answer_max; /* bytes */
    /* Makes the answer that leaves, with reply_*; on the event loop or a pool thread. */
    enum sg_err (*seal)(struct request *r, const struct enclosed_answer *answer);
    /* Whether it would wait for another thread at the moment, so that the event loop had better not
     * call it; NULL: never. Event loop. */
    bool (*would_wait)(struct request *r);
};

/*
 * For `run` and `run_at_once`, on either kind of thread: after it the request is the enclosed one,
 * which begins on the event loop. `run` returns what this returns. A row marked `open` may not be
 * enclosed (400 not-enclosable), nor an answer that is a stream without end; streamed bodies are
 * fed from memory; file content and all else is collected up to `answer_max` bytes (more: the
 * enclosed answer is 413 too-large). An error in finding or running it is an enclosed answer as
 * well: `seal` gets the problem document. `seal` is called exactly once unless the client went away
 * before.
 * The `end` of the operation that enclosed is called after that of the enclosed one.
 */
enum sg_err request_enclose(struct request *r, const struct enclosed_request *inner,
                            const struct enclosing *how) SG_MUST_CHECK;
/* Whether it is one, for the guard: its principal has been set. */
bool request_is_enclosed(const struct request *r);

#endif
