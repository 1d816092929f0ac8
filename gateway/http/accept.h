/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts connections on the listening sockets in a thread of its own, holds to the limits and
 * hands them to the event loops. libmicrohttpd is given no listening socket.
 */
#ifndef SG_HTTP_ACCEPT_H
#define SG_HTTP_ACCEPT_H

#include "base/err.h"

struct accepter;
struct server;

enum sg_err accepter_new(struct server *server, struct accepter **ret) SG_MUST_CHECK;

/* Ends and joins the thread; the listening sockets stay open. NULL is legal. */
void accepter_free(struct accepter *a);

#endif
