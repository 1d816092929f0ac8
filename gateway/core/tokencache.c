/* SPDX-License-Identifier: Apache-2.0 */
/* A set-associative table under striped locks; it never holds a token's text. */
#include "core/tokencache.h"

#include <nettle/aes.h>
#include <nettle/gcm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/secret.h"

#define END     55 /* bytes that SHA-256 takes in one block */
#define WAYS    8
#define SETS    (SG_TOKENCACHE_ENTRIES / WAYS) /* a power of two */
#define STRIPES 64

#define ALIGNMENT 64 /* bytes of a cache line */

struct slot {
    struct tokencache_key key;
    uint64_t used; /* stripe's count of uses at the last one; 0: free */
    struct tokencache_entry entry;
};

struct stripe {
    pthread_mutex_t lock; /* of `uses` and of every STRIPES-th set */
    uint64_t uses;
} __attribute__((aligned(ALIGNMENT)));

struct tokencache {
    void *memory; /* what it lies in */
    struct aes256_ctx cipher;
    struct gcm_key hash;
    struct stripe stripe[STRIPES];
    struct slot set[SETS][WAYS];
};

struct tokencache *tokencache_new(void)
{
    /* From calloc, so that memory is taken as tokens come. */
    void *memory = calloc(1, sizeof(struct tokencache) + ALIGNMENT);
    uint8_t secret[AES256_KEY_SIZE];
    struct tokencache *c;

    if (memory == NULL)
        return NULL;
    c = (struct tokencache *)(((uintptr_t)memory + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    c->memory = memory;
    rng_bytes(secret, sizeof secret);
    aes256_set_encrypt_key(&c->cipher, secret);
    gcm_set_key(&c->hash, &c->cipher, (nettle_cipher_func *)aes256_encrypt);
    secret_wipe(secret, sizeof secret);
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
    secret_wipe(&c->cipher, sizeof c->cipher);
    secret_wipe(&c->hash, sizeof c->hash);
    free(c->memory);
}

void tokencache_key_of(const struct tokencache *c, const char *token, size_t len,
                       struct tokencache_key *ret)
{
    /* One for all: a nonce must be fresh where others see the value, and here nobody does. */
    static const uint8_t nonce[GCM_IV_SIZE];
    const char *end = len > END ? token + len - END : token;
    struct gcm_ctx mac;

    gcm_set_iv(&mac, &c->hash, sizeof nonce, nonce);
    gcm_update(&mac, &c->hash, len, (const uint8_t *)token);
    gcm_digest(&mac, &c->hash, &c->cipher, (nettle_cipher_func *)aes256_encrypt, sizeof ret->mac,
               ret->mac);
    sha256_digest(end, len > END ? END : len, ret->end_sha256);
}

/* They are uniform, so their first bytes place them. */
static size_t set_of(const struct tokencache_key *key)
{
    return (key->mac[0] | (size_t)key->mac[1] << 8) % SETS;
}

static struct slot *find(struct slot *set, const struct tokencache_key *key)
{
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].used != 0 && memcmp(&set[i].key, key, sizeof *key) == 0)
            return &set[i];
    return NULL;
}

bool tokencache_get(struct tokencache *c, const struct tokencache_key *key, int64_t now_ns,
                    struct tokencache_entry *ret, bool *ret_touch)
{
    size_t set = set_of(key);
    struct stripe *stripe = &c->stripe[set % STRIPES];
    struct slot *slot;

    pthread_mutex_lock(&stripe->lock);
    slot = find(c->set[set], key);
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

void tokencache_put(struct tokencache *c, const struct tokencache_key *key,
                    const struct tokencache_entry *entry)
{
    size_t set = set_of(key);
    struct stripe *stripe = &c->stripe[set % STRIPES];
    struct slot *slot;

    pthread_mutex_lock(&stripe->lock);
    slot = find(c->set[set], key);
    if (slot == NULL) {
        slot = &c->set[set][0];
        for (size_t i = 1; i < WAYS; i++)
            if (c->set[set][i].used < slot->used)
                slot = &c->set[set][i];
        slot->key = *key;
    }
    slot->entry = *entry;
    slot->used = ++stripe->uses;
    pthread_mutex_unlock(&stripe->lock);
}

void tokencache_drop(struct tokencache *c, const struct tokencache_key *key)
{
    size_t set = set_of(key);
    struct stripe *stripe = &c->stripe[set % STRIPES];
    struct slot *slot;

    pthread_mutex_lock(&stripe->lock);
    slot = find(c->set[set], key);
    if (slot != NULL)
        memset(slot, 0, sizeof *slot);
    pthread_mutex_unlock(&stripe->lock);
}
