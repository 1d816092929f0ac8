/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/files share. Included by them only. */
#ifndef SG_CORE_FILES_INTERNAL_H
#define SG_CORE_FILES_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>

#include "core/files.h"
#include "core/smallblobs.h"

struct files_collector {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t wake;
    pthread_t thread;
    bool started, stopping;
    bool wanted; /* a pass is needed before the hour is over */
};

struct files {
    struct files_store store;
    struct blobs_store blobs;
    struct events_store events;
    struct spaces *spaces;
    struct files_config config;
    struct files_collector collector;
    struct smallblobs *small;
};

/* "space/path" in the arena, in place of entry->path. */
enum sg_err files_full_path(const struct space_record *space, struct arena *arena,
                            struct entry_record *entry) SG_MUST_CHECK;

/* Removes a blob unless something refers to it; failures are left to the background collection. */
void files_collect_one(struct files *f, const uint8_t *sha256);
enum sg_err files_collect_init(struct files *f) SG_MUST_CHECK;
/* Ends the thread. */
void files_collect_fini(struct files *f);

#endif
