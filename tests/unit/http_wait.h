/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that wait: a room with a counter instead of messages, and who waits in it. */
#ifndef SG_TESTS_HTTP_WAIT_H
#define SG_TESTS_HTTP_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "http/server.h"

extern atomic_int http_wait_begun;
extern atomic_int http_wait_ended;
extern atomic_int http_wait_now;      /* requests in the room */
extern atomic_int http_wait_deferred; /* runs of /defer-wait in the pool */

/*
 * GET /hello; /wait?ms= (watched), /job-wait?ms= (its run is a pool job), /at-once-wait?ms=,
 * POST /commit?us=, /job-commit?us= (not watched; another thread wakes it after so many
 * microseconds), GET /early, /job-early (woken before it sleeps), /again?n= (woken very often),
 * /drain-again (waits although it drains). They answer "news", "timeout", "drain" and so on. GET
 * /defer-wait ("deferred" after a run in the pool and another count), /defer-stream?end=&n=&us= (a
 * line after each run in the pool, which takes so long; the one after `n` fails), GET
 * /stream?end=&ms=, /job-stream (a line for each count up to `end`, ":" when `ms` are over, "bye"
 * at the drain), /flood (as fast as it goes), /broken (an error after a line), /big?end= (bytes);
 * POST /any (echo, at most 1000 bytes), GET /problem (an error with members).
 */
void http_wait_config(struct server_config *config);

/* One more count: wakes all in the room. */
void http_wait_publish(void);

/* Until so many requests are in the room; false after ten seconds. */
bool http_wait_until(int count);

#endif
