/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS handshakes that wait for their client. libmicrohttpd 0.9.75 tries such a handshake again and
 * again without a pause, so that one silent client costs a core. After some tries in vain the
 * connection is suspended here, and resumed when its descriptor has something to say.
 */
#ifndef SG_HTTP_STALL_H
#define SG_HTTP_STALL_H

#include "base/err.h"

struct conn;
struct stall;

/* Starts the thread that watches. */
enum sg_err stall_new(struct stall **ret) SG_MUST_CHECK;

/* Ends it; no connection may be suspended any more. NULL is legal. */
void stall_free(struct stall *s);

/* Suspends a connection from within its own loop's thread, until it is readable or shut down.
 * Without memory it does nothing. */
void stall_wait(struct stall *s, struct conn *c);

#endif
