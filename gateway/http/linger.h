/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lingering close: after an answer that came before the whole request was read, what the client
 * still sends is dropped for a while, so that a reset does not take the answer away from it. Thread
 * safe.
 */
#ifndef SG_HTTP_LINGER_H
#define SG_HTTP_LINGER_H

#include "base/err.h"

struct lingerer;

enum sg_err linger_new(struct lingerer **ret) SG_MUST_CHECK;

/* Takes a duplicate of the socket `fd`, whose owner closes his own; does nothing when too many
 * linger already. */
void linger_add(struct lingerer *l, int fd);

/* Ends the thread, closes all; NULL is legal. */
void linger_free(struct lingerer *l);

#endif
