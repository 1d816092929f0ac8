/* SPDX-License-Identifier: Apache-2.0 */
/* Events as they come, as Server-Sent Events (WHATWG HTML, section 9.2), until authority ends, the
 * client goes away or the gateway shuts down. */
#ifndef SG_API_EVENTSTREAM_H
#define SG_API_EVENTSTREAM_H

#include "api/eventpoll.h"
#include "base/buf.h"

struct eventstream {
    struct buf out; /* frames that have been made; empty while it waits */
    size_t sent;    /* of them */
    int64_t spoke_ns;
    bool open, over;
};

/* Answers with the stream of a poll that was read. With `at_once` *ret_done may stay false. */
enum sg_err eventstream_start(struct eventstream *s, struct eventpoll *p, bool at_once,
                              enum sg_err (*fill)(struct request *r, char *to, size_t max,
                                                  size_t *ret_len, bool *ret_end),
                              bool *ret_done) SG_MUST_CHECK;
/* For `run` of the operation once the stream is open: makes frames of what must be read from the
 * store. Blocks. */
enum sg_err eventstream_read(struct eventstream *s, struct eventpoll *p) SG_MUST_CHECK;
/* For the `fill` of the operation. */
enum sg_err eventstream_fill(struct eventstream *s, struct eventpoll *p, char *to, size_t max,
                             size_t *ret_len, bool *ret_end) SG_MUST_CHECK;
/* For `end`, before eventpoll_end. */
void eventstream_end(struct eventstream *s);

#endif
