/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log to test with: two users, three spaces, posts that wait, and a check of a space's chain that
 * shares nothing with the code that made it (JSON read by json-c, canonical form and digests made
 * anew).
 */
#ifndef SG_TESTS_EVENTS_FIXTURE_H
#define SG_TESTS_EVENTS_FIXTURE_H

#include "contract.h"

#define EVENTS_ALL_TYPES ((1U << SG_EVENT_TYPE_COUNT) - 1)
#define EVENTS(f, call, ...)                                                                       \
    (f)->store.events.vt->call((f)->store.events.self __VA_OPT__(, ) __VA_ARGS__)

struct events_fixture {
    struct contract_store store;
    struct user_record alice, bob;
    int64_t space[3]; /* common, ~alice, ~bob; rising */
    struct arena *arena;
};
void events_fixture_init(struct events_fixture *f, const struct contract_engine *engine);
void events_fixture_fini(struct events_fixture *f);

/* A post of alice into the first space that answers to nobody; the rest is the caller's. */
struct event_post events_post_make(const struct events_fixture *f, const char *text);
/* Posts and waits; the result. Usable in threads. */
enum sg_err events_post_wait(const struct events_fixture *f, struct event_post *post);
/* As those two; fails the test on an error; seq of the message. */
uint64_t events_say(const struct events_fixture *f, int64_t space_id, const char *text);

/* One event; NULL when there is none. */
struct event *events_get(const struct events_fixture *f, int64_t space_id, uint64_t seq);
/* A member of its JSON as text; NULL: it has none. Static storage, overwritten by the next call. */
const char *events_member(const struct event *e, const char *name);

/* Reads a space from where it was pruned to its end and recomputes chain values and digests of
 * texts; the number of events. False, with a message, where it does not hold. */
bool events_chain_holds(const struct events_fixture *f, int64_t space_id, size_t *ret_count);

#endif
