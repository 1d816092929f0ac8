/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client of a connection, as its TLS session knows it: which certificate it showed, and whether
 * one of the CAs that we trust for clients vouches for it.
 */
#ifndef SG_HTTP_PEER_H
#define SG_HTTP_PEER_H

#include "http/internal.h"

/* Looks at the certificate of the connection, if that was not done since the trust last changed:
 * once for each connection, and again after server_set_tls. Event loop, when a request begins. */
void peer_look(struct server *s, struct conn *c);

/* NULL is legal. */
void peer_free(struct peer *p);

/* What was found; none without memory. Whoever has a request of the connection. */
void peer_certificate(const struct conn *c, struct request_certificate *ret);

#endif
