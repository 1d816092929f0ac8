/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/chat share. Included by them only. */
#ifndef SG_CORE_CHAT_INTERNAL_H
#define SG_CORE_CHAT_INTERNAL_H

#include <pthread.h>

#include "core/chat.h"

#define SG_CHAT_EVENT_TYPES ((1u << SG_EVENT_TYPE_COUNT) - 1)
#define SG_CHAT_FILE_TYPES                                                                         \
    (1u << SG_EVENT_FILE_STORED | 1u << SG_EVENT_FILE_MOVED | 1u << SG_EVENT_FILE_DELETED)

struct chat_pruned {
    int64_t space_id;
    uint64_t seq;
};

/* Up to where spaces have been pruned, so that polls need not ask the store. */
struct chat_retention {
    pthread_mutex_t lock; /* guards the list */
    struct chat_pruned
        *list; /* sorted by space; spaces of which nothing was pruned are not in it */
    size_t count, room;
    /* Of the thread that prunes, without the lock: */
    int64_t next;    /* the space after which it goes on */
    bool unfinished; /* some space has more that is to go */
};
#define SG_CHAT_UNKNOWN UINT64_MAX

struct chat {
    struct events_store events;
    struct spaces *spaces;
    struct hub *hub;
    struct identity *identity;
    struct chat_config config;
    char epoch[SG_EPOCH_SIZE];
    struct chat_retention retention;
    atomic_bool prune_wanted;
};

enum sg_err chat_retention_init(struct chat *c) SG_MUST_CHECK;
void chat_retention_fini(struct chat *c);
/* Events of the space up to *ret have been pruned. Only reads. */
enum sg_err chat_retention_pruned(struct chat *c, int64_t space_id, uint64_t *ret) SG_MUST_CHECK;

/* What of `types` somebody with these scopes may see. */
unsigned chat_visible_types(unsigned types, const struct principal *who);

#endif
