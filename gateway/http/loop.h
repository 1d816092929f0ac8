/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop: a thread that runs a libmicrohttpd daemon of its own. New connections and whatever
 * resumes one reach it from any thread; all else of its connections happens on it.
 */
#ifndef SG_HTTP_LOOP_H
#define SG_HTTP_LOOP_H

#include "http/internal.h"

/* Makes the thread of a loop whose daemon has been started for external polling with epoll. */
enum sg_err loop_start(struct loop *loop) SG_MUST_CHECK;

/* Ends and joins the thread, if there is one. */
void loop_stop(struct loop *loop);

/* Lets a suspended connection go on. Any thread; as MHD_resume_connection, which alone would not be
 * noticed by a loop that waits. */
void loop_resume(struct loop *loop, struct MHD_Connection *connection);

/* Hands over a connection that is in the registry. If libmicrohttpd cannot take it, it is closed
 * and leaves the registry. Any thread. */
void loop_add(struct loop *loop, struct conn *c);

#endif
