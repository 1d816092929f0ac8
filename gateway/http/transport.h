/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between a TLS session and its socket: reads ahead, so that the head and the rest of a
 * record cost one system call, and refuses renegotiation with an alert. Event loop's thread of the
 * connection.
 */
#ifndef SG_HTTP_TRANSPORT_H
#define SG_HTTP_TRANSPORT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

struct conn;

/* Makes the session of a fresh connection use it. */
void transport_attach(struct conn *c, gnutls_session_t session);

/* The handshake is complete: from now on a TLS 1.2 client must not begin another. */
void transport_handshaken(gnutls_session_t session);

/* Frees what was read ahead. */
void transport_detach(struct conn *c);

/* The next record waits for the one after it, so that they cost one system call, or for
 * transport_release. Event loop, as the next. */
void transport_hold(struct conn *c);

/* False when not all of it could be sent: the connection is broken then. */
bool transport_release(struct conn *c);

#endif
