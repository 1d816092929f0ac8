/* SPDX-License-Identifier: Apache-2.0 */
/* Ends all connections of a server in good order. */
#ifndef SG_HTTP_DRAIN_H
#define SG_HTTP_DRAIN_H

#include "http/internal.h"

/* Stops accepting, lets requests finish up to limits.drain_seconds, ends the rest. When it returns
 * no connection is left and none is suspended. Returns how many were cut off. */
unsigned drain_connections(struct server *s);

#endif
