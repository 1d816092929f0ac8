/* SPDX-License-Identifier: Apache-2.0 */
/* Identity, spaces, files, hub and chat on the default engines, wired as the gateway wires them. */
#ifndef SG_TESTS_CHAT_FIXTURE_H
#define SG_TESTS_CHAT_FIXTURE_H

#include <semaphore.h>

#include "core/chat.h"
#include "core/files.h"
#include "fake_identity.h"
#include "store/fsblobs.h"
#include "store/sqlite.h"

#define CHAT_ALL_TYPES ((1U << SG_EVENT_TYPE_COUNT) - 1)

struct chat_fixture {
    struct fake_identity *f;
    struct events_store events;
    struct spaces_store store;
    struct blobs_store blobs;
    struct fsblobs *fs;
    struct hub *hub;
    struct spaces *spaces;
    struct files *files;
    struct chat *chat;
    struct arena *arena;
    struct principal root, alice, bob, guest; /* admin, two members, a guest, all logged in */
};

/* Group: fake_identity_group_sqlite. Test: *state becomes a struct chat_fixture. */
int chat_fixture_set_up(void **state);
int chat_fixture_tear_down(void **state);
/* As the next start of the gateway: what is not in the store is gone. */
void chat_fixture_restart(struct chat_fixture *c);

/* Logs a user in. */
struct principal chat_fixture_login(struct chat_fixture *c, const char *name);

/* The whole way of a message, as an operation goes it, until its commit. */
enum sg_err chat_fixture_post(struct chat_fixture *c, const struct principal *who,
                              const char *space, const struct chat_message *message, uint64_t *seq,
                              bool *ret_replayed);
/* A text that must be taken; its seq. */
uint64_t chat_fixture_say(struct chat_fixture *c, const struct principal *who, const char *space,
                          const char *text);

/* Uploads; SG_OK or why not. */
enum sg_err chat_fixture_upload(struct chat_fixture *c, const struct principal *who,
                                const char *path, const char *content);
/* The content of a version (0: the current one), or "!code"; in the arena. */
const char *chat_fixture_content(struct chat_fixture *c, const struct principal *who,
                                 const char *path, uint64_t version);
struct path chat_fixture_path(struct chat_fixture *c, const char *path);

/* A listener whose wakes can be waited for. */
struct chat_ear {
    struct chat_listener listener; /* first */
    struct principal who;
    sem_t woken;
    struct chat_page page;
    enum chat_state state;
    struct chat_bounds bounds;
};
/* Listens; `after` NULL: from now on. */
enum sg_err chat_ear_open(struct chat_ear *e, struct chat_fixture *c, const struct principal *who,
                          const char *space, const char *after);
/* One look; forgets the page of the one before. */
enum sg_err chat_ear_next(struct chat_ear *e, bool wait);
/* Whether it is woken within some seconds, or stays asleep for some moments. */
bool chat_ear_woken(struct chat_ear *e);
bool chat_ear_asleep(struct chat_ear *e);
void chat_ear_close(struct chat_ear *e);

#endif
