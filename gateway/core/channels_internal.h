/* SPDX-License-Identifier: Apache-2.0 */
/* What channels.c and channels_exchange.c share. */
#ifndef SG_CORE_CHANNELS_INTERNAL_H
#define SG_CORE_CHANNELS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/channels.h"

#define SG_CHANNELS_BUCKETS 16384 /* a power of two */
#define SG_CHANNELS_STRIPES 64    /* likewise */

/* A channel that is open. */
struct channels_live {
    struct channels_live *next; /* in its bucket, under the stripe's lock */
    _Atomic unsigned refs;      /* the table's, and each caller's */
    uint8_t id[SG_SESSION_ID_SIZE];
    int64_t expires_s;
    size_t slot;
    pthread_mutex_t lock; /* of what follows; a leaf but for the store's */
    bool closed;
    bool has_former;
    struct channel_epoch now, former;
    struct channel_record record;
    uint64_t pending; /* as record.taken: which of these this process is at work on */
};

struct channels_stripe {
    pthread_mutex_t lock; /* of every SG_CHANNELS_STRIPES-th bucket */
} __attribute__((aligned(64)));

struct channels {
    struct channels_options options;
    _Atomic size_t count;
    struct channels_stripe stripe[SG_CHANNELS_STRIPES];
    struct channels_live *bucket[SG_CHANNELS_BUCKETS];
};

/* With a reference; NULL: none. */
struct channels_live *channels_find(struct channels *c, const uint8_t id[SG_SESSION_ID_SIZE]);
void channels_unref(struct channels_live *live);
/* The secrets of both epochs, sealed for the store. */
enum sg_err channels_wrap(const struct channels *c, const struct channel_epoch *now,
                          const struct channel_epoch *former,
                          struct channel_record *record) SG_MUST_CHECK;

#endif
