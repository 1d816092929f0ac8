/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that listens for events and may wait for them: what polls of one space, of all spaces
 * and streams share. An operation keeps it in its state and hands its callbacks on.
 */
#ifndef SG_API_EVENTPOLL_H
#define SG_API_EVENTPOLL_H

#include "core/chat.h"
#include "http/request.h"

struct eventpoll {
    struct request *request;
    struct chat_listener listener;
    const char *space; /* NULL: all that the user may read */
    const char *after; /* NULL: from now on */
    unsigned types;
    bool notes; /* of which kind its cursors are */
    bool listens;
    size_t limit;
    int64_t deadline_ns; /* monotonic: when it no longer waits; 0: it does not wait */
};

/* Reads `after`, `limit`, `wait` and `types`. */
enum sg_err eventpoll_read(struct request *r, struct eventpoll *p, bool notes) SG_MUST_CHECK;
/* Begins to listen, if it does not yet. With `at_once` *ret_done may stay false: again, where
 * reading the store is allowed. */
enum sg_err eventpoll_listen(struct eventpoll *p, bool at_once, bool *ret_done) SG_MUST_CHECK;
/* Sets what the answer with an error of chat_next needs, and returns it. */
enum sg_err eventpoll_fail(struct eventpoll *p, enum sg_err err, const struct chat_bounds *bounds);
/* Milliseconds until its token expires, at least 1, at most `most`. */
unsigned eventpoll_time(const struct eventpoll *p, int64_t most);

/* A whole poll: for run_at_once, run and woken of an operation. */
enum sg_err eventpoll_run(struct eventpoll *p, bool at_once, bool *ret_done) SG_MUST_CHECK;
enum sg_err eventpoll_woken(struct eventpoll *p, enum request_wake why) SG_MUST_CHECK;
/* For `end`; a zeroed one is legal. */
void eventpoll_end(struct eventpoll *p);

#endif
