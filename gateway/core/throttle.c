/* SPDX-License-Identifier: Apache-2.0 */
/* Counts failures and says how long to wait; it never checks a password and keeps no name or
 * address in clear. */
#include "core/throttle.h"

#include "base/clock.h"
#include "base/place.h"
#include "base/rng.h"
#include "core/sha256.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SETS   1024 /* a power of two */
#define WAYS   8
#define MINUTE (60 * SG_NS_PER_S)

enum kind {
    KIND_PAIR,
    KIND_ADDRESS,
    KIND_NAME,
    KIND_CODE,
    KIND_FACTOR,        /* at addresses where the user has been */
    KIND_FACTOR_ABROAD, /* elsewhere */
    KIND_COUNT
};

/* A pair counts failures; the others are leaky buckets (generic cell rate algorithm): `until_ns` is
 * when the bucket will be empty. */
struct entry {
    uint8_t key[16];
    int64_t last_ns; /* last failure */
    int64_t until_ns;
    unsigned failures; /* 0: free */
};

struct throttle {
    pthread_mutex_t lock; /* of everything below */
    uint8_t secret[32];
    struct entry table[KIND_COUNT][SETS][WAYS];
};

/* How long it takes to empty a full bucket, and by how much one try fills it. */
static int64_t period_of(enum kind kind)
{
    return kind == KIND_FACTOR || kind == KIND_FACTOR_ABROAD ? 60 * MINUTE : MINUTE;
}

static int64_t share_of(enum kind kind)
{
    switch (kind) {
    case KIND_ADDRESS:
        return MINUTE / SG_THROTTLE_ADDRESS;
    case KIND_NAME:
        return MINUTE / SG_THROTTLE_NAME;
    case KIND_CODE:
        return MINUTE / SG_THROTTLE_CODE;
    case KIND_FACTOR:
    case KIND_FACTOR_ABROAD:
        return 60 * MINUTE / SG_THROTTLE_FACTOR;
    case KIND_PAIR:
    case KIND_COUNT:
        break;
    }
    abort();
}

struct throttle *throttle_new(void)
{
    struct throttle *t = calloc(1, sizeof *t);

    if (t == NULL)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    rng_bytes(t->secret, sizeof t->secret);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (t == NULL)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* The keyed digest of what is counted; names may be of any length, so they are hashed first. */
static void key_of(const struct throttle *t, enum kind kind, const char *name, const char *address,
                   uint8_t ret[SG_SHA256_SIZE])
{
    uint8_t input[1 + SG_SHA256_SIZE + SG_PLACE_SIZE] = {(uint8_t)kind};
    char place[SG_PLACE_SIZE] = "";

    if (name != NULL)
        sha256_digest(name, strlen(name), input + 1);
    if (address != NULL)
        place_text(address, place);
    memcpy(input + 1 + SG_SHA256_SIZE, place, strlen(place));
    sha256_hmac(t->secret, sizeof t->secret, input, sizeof input, ret);
}

/* 0 for an entry that no longer matters, else more for what restricts more. */
static int64_t weight(enum kind kind, const struct entry *e, int64_t now)
{
    if (e->failures == 0)
        return 0;
    if (kind == KIND_PAIR)
        return now - e->last_ns >= SG_THROTTLE_FORGET * SG_NS_PER_S ? 0 : e->failures;
    return e->until_ns > now ? e->until_ns - now : 0;
}

static struct entry *find(struct throttle *t, enum kind kind, const uint8_t key[SG_SHA256_SIZE],
                          int64_t now)
{
    struct entry *set = t->table[kind][(key[16] | key[17] << 8) & (SETS - 1)];

    for (size_t i = 0; i < WAYS; i++)
        if (set[i].failures > 0 && memcmp(set[i].key, key, sizeof set[i].key) == 0)
            return weight(kind, &set[i], now) > 0 ? &set[i] : NULL;
    return NULL;
}

/* As find; else takes the place of the entry of its set that restricts least. */
static struct entry *find_or_make(struct throttle *t, enum kind kind,
                                  const uint8_t key[SG_SHA256_SIZE], int64_t now)
{
    struct entry *set = t->table[kind][(key[16] | key[17] << 8) & (SETS - 1)];
    struct entry *least = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        int64_t w = weight(kind, &set[i], now);
        int64_t least_w = weight(kind, least, now);

        if (set[i].failures > 0 && memcmp(set[i].key, key, sizeof set[i].key) == 0) {
            least = &set[i];
            break;
        }
        if (w < least_w || (w == least_w && set[i].last_ns < least->last_ns))
            least = &set[i];
    }
    if (least->failures == 0 || memcmp(least->key, key, sizeof least->key) != 0 ||
        weight(kind, least, now) == 0) {
        memset(least, 0, sizeof *least);
        memcpy(least->key, key, sizeof least->key);
    }
    return least;
}

/* Nanoseconds to wait before the next try. */
static int64_t wait_of(struct throttle *t, enum kind kind, const char *name, const char *address,
                       int64_t now)
{
    uint8_t key[SG_SHA256_SIZE];
    const struct entry *e;
    int64_t delay;

    key_of(t, kind, name, address, key);
    e = find(t, kind, key, now);
    if (e == NULL)
        return 0;
    if (kind == KIND_PAIR) {
        unsigned over = e->failures - SG_THROTTLE_FREE;

        if (e->failures < SG_THROTTLE_FREE)
            return 0;
        delay = over < 6 ? INT64_C(1) << over : SG_THROTTLE_DELAY_MAX;
        return e->last_ns + delay * SG_NS_PER_S - now;
    }
    return e->until_ns - now - (period_of(kind) - share_of(kind));
}

static void count(struct throttle *t, enum kind kind, const char *name, const char *address,
                  int64_t now)
{
    uint8_t key[SG_SHA256_SIZE];
    struct entry *e;

    key_of(t, kind, name, address, key);
    e = find_or_make(t, kind, key, now);
    e->last_ns = now;
    if (e->failures < 1000000)
        e->failures++;
    if (kind != KIND_PAIR)
        e->until_ns = (e->until_ns > now ? e->until_ns : now) + share_of(kind);
}

static enum sg_err verdict(int64_t wait_ns, unsigned *ret_retry_after_s)
{
    if (wait_ns <= 0)
        return SG_OK;
    *ret_retry_after_s = (unsigned)((wait_ns + SG_NS_PER_S - 1) / SG_NS_PER_S);
    return SG_ERR_THROTTLED;
}

enum sg_err throttle_login(struct throttle *t, const char *name, const char *address, bool known,
                           unsigned *ret_retry_after_s)
{
    int64_t now = clock_monotonic_ns();
    int64_t longest, other;

    pthread_mutex_lock(&t->lock);
    longest = wait_of(t, KIND_PAIR, name, address, now);
    other = wait_of(t, KIND_ADDRESS, NULL, address, now);
    if (other > longest)
        longest = other;
    if (!known) {
        other = wait_of(t, KIND_NAME, name, NULL, now);
        if (other > longest)
            longest = other;
    }
    pthread_mutex_unlock(&t->lock);
    return verdict(longest, ret_retry_after_s);
}

void throttle_login_failed(struct throttle *t, const char *name, const char *address, bool known)
{
    int64_t now = clock_monotonic_ns();

    pthread_mutex_lock(&t->lock);
    count(t, KIND_PAIR, name, address, now);
    count(t, KIND_ADDRESS, NULL, address, now);
    if (!known)
        count(t, KIND_NAME, name, NULL, now);
    pthread_mutex_unlock(&t->lock);
}

static void forget(struct throttle *t, enum kind kind, const char *name, const char *address)
{
    uint8_t key[SG_SHA256_SIZE];
    struct entry *e;

    pthread_mutex_lock(&t->lock);
    key_of(t, kind, name, address, key);
    e = find(t, kind, key, clock_monotonic_ns());
    if (e != NULL)
        memset(e, 0, sizeof *e);
    pthread_mutex_unlock(&t->lock);
}

void throttle_login_succeeded(struct throttle *t, const char *name, const char *address)
{
    forget(t, KIND_PAIR, name, address);
}

enum sg_err throttle_factor(struct throttle *t, const char *name, bool known,
                            unsigned *ret_retry_after_s)
{
    enum kind kind = known ? KIND_FACTOR : KIND_FACTOR_ABROAD;
    int64_t now = clock_monotonic_ns();
    int64_t wait_ns;

    pthread_mutex_lock(&t->lock);
    wait_ns = wait_of(t, kind, name, NULL, now);
    if (wait_ns <= 0)
        count(t, kind, name, NULL, now);
    pthread_mutex_unlock(&t->lock);
    return verdict(wait_ns, ret_retry_after_s);
}

void throttle_factor_succeeded(struct throttle *t, const char *name, bool known)
{
    forget(t, known ? KIND_FACTOR : KIND_FACTOR_ABROAD, name, NULL);
}

enum sg_err throttle_code(struct throttle *t, const char *address, unsigned *ret_retry_after_s)
{
    int64_t now = clock_monotonic_ns();
    int64_t wait_ns;

    pthread_mutex_lock(&t->lock);
    wait_ns = wait_of(t, KIND_CODE, NULL, address, now);
    pthread_mutex_unlock(&t->lock);
    return verdict(wait_ns, ret_retry_after_s);
}

void throttle_code_failed(struct throttle *t, const char *address)
{
    pthread_mutex_lock(&t->lock);
    count(t, KIND_CODE, NULL, address, clock_monotonic_ns());
    pthread_mutex_unlock(&t->lock);
}
