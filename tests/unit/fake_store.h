/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: users and sessions in memory with the rules of the vtables, and hooks to come in
 * between. */
#ifndef SG_TESTS_FAKE_STORE_H
#define SG_TESTS_FAKE_STORE_H

#include "store/sessions.h"
#include "store/users.h"

struct fake_store;

struct fake_store *fake_store_new(void);
void fake_store_free(struct fake_store *s);
struct users_store fake_store_users(struct fake_store *s);
struct sessions_store fake_store_sessions(struct fake_store *s);

/* How often a user was read by id, a session touched. */
unsigned fake_store_reads(struct fake_store *s);
unsigned fake_store_touches(struct fake_store *s);
/* Called once, before the next sessions.create, with no lock held. */
void fake_store_before_session(struct fake_store *s, void (*hook)(void *), void *ctx);

#endif
