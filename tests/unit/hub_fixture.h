/* SPDX-License-Identifier: Apache-2.0 */
/* Events, views and listeners for tests of the hub. */
#ifndef SG_TEST_HUB_FIXTURE_H
#define SG_TEST_HUB_FIXTURE_H

#include <semaphore.h>

#include "core/hub.h"

#define HUB_ALL_EVENTS 0xFFFFu
#define HUB_ALL_NOTES  0x70000u

/* A listener whose wakes can be waited for. */
struct listener {
    struct hub_waiter w;
    sem_t woken;
    atomic_int wakes;
    struct event *events[16];
    struct hub_note notes[16];
    struct hub_news news;
};

struct hub *hub_fixture_new(uint64_t head, unsigned grace_ms);
/* A reference of the caller's. */
struct event *hub_fixture_event(uint64_t seq, int64_t space_id, enum event_type type,
                                uint64_t target, size_t len);
/* Publishes a message. */
void hub_fixture_publish(struct hub *h, uint64_t seq, int64_t space_id);
void hub_fixture_publish_as(struct hub *h, uint64_t seq, int64_t space_id, enum event_type type,
                            uint64_t target);
/* Ids must rise; ended by 0. */
struct hub_view *hub_fixture_view(int64_t first, ...);

/* Wants all events; of one space (view NULL) or of a view, whose reference stays the caller's. */
void listener_init(struct listener *l, int64_t user_id, const char *user, int64_t space_id,
                   struct hub_view *view);
/* Collects; forgets what was collected before. */
void listener_collect(struct listener *l, struct hub *h);
void listener_collect_bytes(struct listener *l, struct hub *h, size_t bytes);
/* Waits in the hub: must be possible. */
void listener_wait(struct listener *l, struct hub *h);
/* Whether it is woken within some seconds; it has not been woken up to now. */
bool listener_woken(struct listener *l);
bool listener_asleep(struct listener *l);
/* Leaves the hub and forgets what was collected. */
void listener_fini(struct listener *l, struct hub *h);

void hub_fixture_sleep_ms(unsigned ms);

#endif
