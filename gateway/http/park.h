/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What wakes waiting requests besides their operation: the end of their time, a client that has
 * left (libmicrohttpd does not look at suspended connections), the drain. One thread, which sleeps
 * while nothing is due. Thread safe; its lock comes before that of a request.
 */
#ifndef SG_HTTP_PARK_H
#define SG_HTTP_PARK_H

#include "http/internal.h"

enum sg_err park_new(struct registry *registry, struct park **ret) SG_MUST_CHECK;
void park_free(struct park *p); /* no request may be entered; NULL is legal */

/* Enters a request that is about to sleep, with r->wait.timeout_ms and r->wait.watch. It may be
 * woken before this returns. */
void park_enter(struct park *p, struct request *r);

/* It goes on or ends; afterwards it is not woken from here. One that is not entered is legal. */
void park_leave(struct park *p, struct request *r);

/* Wakes all whose clients are watched, now and from now on. */
void park_drain(struct park *p);

#endif
