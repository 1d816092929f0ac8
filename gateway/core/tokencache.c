/* SPDX-License-Identifier: Apache-2.0 */
/* A set-associative table under striped locks; it never holds a token's text. */
#include "core/tokencache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS    8
#define SETS    (SG_TOKENCACHE_ENTRIES / WAYS) /* a power of two */
#define STRIPES 64

#define ALIGNMENT 64 /* bytes of a cache line */

struct slot {
    uint8_t sha256[SG_DIGEST_SIZE];
    uint64_t used; /* stripe's count of uses at the last one; 0: free */
    struct tokencache_entry entry;
};

struct stripe {
    pthread_mutex_t lock; /* of `uses` and of every STRIPES-th set */
    uint64_t uses;
} __attribute__((aligned(ALIGNMENT)));

struct tokencache {
    void *memory; /* what it lies in */
    struct stripe stripe[STRIPES];
    struct slot set[SETS][WAYS];
};

struct tokencache *tokencache_new(void)
{
    /* From calloc, so that memory is taken as tokens come. */
    void *memory = calloc(1, sizeof(struct tokencache) + ALIGNMENT);
    struct tokencache *c;

    if (memory == NULL)
        return NULL;
    c = (struct tokencache *)(((uintptr_t)memory + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    c->memory = memory;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_init(&c->stripe[i].lock, NULL);
    return c;
}

void tokencache_free(struct tokencache *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < STRIPES; i++)
        pthread_mutex_destroy(&c->stripe[i].lock);
    free(c->memory);
}

/* Digests are uniform, so their first bytes place them. */
static size_t set_of(const uint8_t sha256[SG_DIGEST_SIZE])
{
    return (sha256[0] | (size_t)sha256[1] << 8) % SETS;
}

static struct slot *find(struct slot *set, const uint8_t sha256[SG_DIGEST_SIZE])
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].used != 0 && memcmp(set[i].sha256, sha256, SG_DIGEST_SIZE) == 0)
            return &set[i];
    return NULL;
}

bool tokencache_get(struct tokencache *c, const uint8_t sha256[SG_DIGEST_SIZE], int64_t now_ns,
                    struct tokencache_entry *ret, bool *ret_touch)
{
    size_t set = set_of(sha256);
    struct stripe *stripe = &c->stripe[set % STRIPES];
    struct slot *slot;

    pthread_mutex_lock(&stripe->lock);
    slot = find(c->set[set], sha256);
    if (slot != NULL) {
        int64_t since = now_ns - slot->entry.touched_ns;

        slot->used = ++stripe->uses;
        *ret_touch = since < 0 || since >= SG_TOKENCACHE_TOUCH_S * INT64_C(1000000000);
        if (*ret_touch)
            slot->entry.touched_ns = now_ns;
        *ret = slot->entry;
    }
    pthread_mutex_unlock(&stripe->lock);
    return slot != NULL;
}

void tokencache_put(struct tokencache *c, const uint8_t sha256[SG_DIGEST_SIZE],
                    const struct tokencache_entry *entry)
{
    size_t set = set_of(sha256);
    struct stripe *stripe = &c->stripe[set % STRIPES];
    struct slot *slot;

    pthread_mutex_lock(&stripe->lock);
    slot = find(c->set[set], sha256);
    if (slot == NULL) {
        slot = &c->set[set][0];
        for (size_t i = 1; i < WAYS; i++)
            if (c->set[set][i].used < slot->used)
                slot = &c->set[set][i];
        memcpy(slot->sha256, sha256, SG_DIGEST_SIZE);
    }
    slot->entry = *entry;
    slot->used = ++stripe->uses;
    pthread_mutex_unlock(&stripe->lock);
}

void tokencache_drop(struct tokencache *c, const uint8_t sha256[SG_DIGEST_SIZE])
{
    size_t set = set_of(sha256);
    struct stripe *stripe = &c->stripe[set % STRIPES];
    struct slot *slot;

    pthread_mutex_lock(&stripe->lock);
    slot = find(c->set[set], sha256);
    if (slot != NULL)
        memset(slot, 0, sizeof *slot);
    pthread_mutex_unlock(&stripe->lock);
}
