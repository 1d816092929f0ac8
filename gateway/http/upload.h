/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a streamed body from the event loop, which copies pieces into a bounded queue, to its
 * operation on a pool thread. When the queue is full the connection is suspended, at half it goes
 * on: a slow disk slows the client down.
 */
#ifndef SG_HTTP_UPLOAD_H
#define SG_HTTP_UPLOAD_H

#include "http/internal.h"

/* Takes a piece; may suspend the connection. SG_OK, or the error by which the operation has ended.
 * Event loop. */
enum sg_err upload_take(struct request *r, const uint8_t *data, size_t len) SG_MUST_CHECK;

/* The body is complete. True when the upload has failed and the answer is due; else the connection
 * is suspended until the operation has seen all bytes and, if it blocks, has run (SG_PHASE_READY;
 * SG_PHASE_BODY when it is still to run), and the request belongs to the job. Event loop. */
bool upload_end(struct request *r);

/* The whole body at once, from memory, which it copies: as after upload_end with false. Event loop.
 */
enum sg_err upload_whole(struct request *r, const uint8_t *data, size_t len) SG_MUST_CHECK;

/* The connection is gone or the rest is of no interest. True when a job still has the request: it
 * will call request_over itself, and nobody else may touch the request any more. Event loop. */
bool upload_abandon(struct request *r);

/* In access.c: runs the operation, in a job. */
enum sg_err request_run(struct request *r);

/* In access.c: moves the deadline of a body on by what has come of it. */
void request_extend(struct request *r);

#endif
