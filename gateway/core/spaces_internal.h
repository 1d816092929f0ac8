/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/spaces share. Included by them only. */
#ifndef SG_CORE_SPACES_INTERNAL_H
#define SG_CORE_SPACES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/spaces.h"

#define SG_SPACES_KNOWN 1024 /* looked up spaces that are remembered */
#define SG_SPACES_VIEWS 256  /* views likewise */
#define SG_SPACES_MARKS 4096 /* generations of changes, by user and by space */

/* What was true in one generation only. */
struct known_space {
    uint64_t generation; /* 0: empty */
    int64_t user_id;
    char asked[SG_SPACE_NAME_SIZE];
    struct space_record record;
};

struct known_view {
    uint64_t generation; /* 0: empty */
    int64_t user_id;
    struct hub_view *view; /* a reference */
};

struct spaces {
    struct spaces_store store;
    struct identity *identity;
    struct hub *hub; /* NULL: none */
    _Atomic uint64_t generation;
    /* The latest generation that a user, a space, or anybody came to by a change; those of the same
     * place in the table share it. */
    _Atomic uint64_t user_marks[SG_SPACES_MARKS], space_marks[SG_SPACES_MARKS], mark_of_all;
    pthread_mutex_t lock; /* guards the two tables; nothing is called under it */
    struct known_space known[SG_SPACES_KNOWN];
    struct known_view views[SG_SPACES_VIEWS];
};

enum space_role spaces_role_in(const struct principal *who, const struct space_record *space);
/* After the commit of what may give or take a role, before the answer: first the generation, then
 * those who wait. `user_id`, `space_id`: 0: none. */
void spaces_changed(struct spaces *s, int64_t user_id, int64_t space_id);

#endif
