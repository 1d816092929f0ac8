/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a request falls asleep and goes on. A wake may come at any time from any thread, also before
 * the request sleeps: it is kept until the request looks. Whoever resumes the connection has
 * cleared `parked` under the request's mutex, so that it happens once.
 */
#ifndef SG_HTTP_WAIT_H
#define SG_HTTP_WAIT_H

#include "http/internal.h"

/* Whether the operation has asked to wait and made no answer. Whoever has the request. */
bool wait_wanted(const struct request *r);

/* Suspends the connection until it is woken; false when it has been already. Event loop, after
 * wait_wanted. */
bool wait_suspend(struct request *r);

/* The same for a stream, which may have asked for a pool job instead; false also when it is to be
 * tried again. */
bool wait_suspend_stream(struct request *r);

/* The same from a pool job, whose connection is suspended: the request is not the job's any more.
 */
void wait_from_job(struct request *r);

/* It goes on; request_woken_by says why. Event loop. */
void wait_over(struct request *r);

/* Whether its client has left, and nobody waits for it to go on. Event loop, after wait_over. */
bool wait_gone(const struct request *r);

/* Wakes it. Any thread that knows that the request has not ended; takes its mutex. */
void wait_wake(struct request *r, enum request_wake why);

#endif
