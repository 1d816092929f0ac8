/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of an enclosed request for the state machine: what the request that encloses it had is
 * put aside while it runs (enclose.h is for operations).
 */
#ifndef SG_HTTP_ENCLOSURE_H
#define SG_HTTP_ENCLOSURE_H

#include "http/enclose.h"
#include "http/internal.h"

/* Whether the operation that ran has asked for it, and it is still to begin. */
bool enclose_wanted(const struct request *r);
/* Whether the request is the enclosed one now. */
bool enclose_entered(const struct request *r);

/* Makes the request the enclosed one: reads its head and goes as far as its `begin`. What follows
 * is as for any request: SG_OK and no answer, the body is due. Event loop. */
enum sg_err enclose_enter(struct request *r) SG_MUST_CHECK;
/* Hands its body over. With *ret_job it is streamed: the connection is suspended, and the request
 * belongs to a job until that has taken it (upload_end). Event loop. */
enum sg_err enclose_body(struct request *r, bool *ret_job) SG_MUST_CHECK;

/* Whether its answer is better collected and sealed on a pool thread. Event loop. */
bool enclose_takes_long(struct request *r);
/* The answer is there: collects and seals it, ends the enclosed operation. From now on the request
 * is the one that enclosed it, with its answer or error. Whoever has the request. */
void enclose_finish(struct request *r);

/* The client is gone: ends the enclosed operation without an answer. */
void enclose_abandon(struct request *r);

#endif
