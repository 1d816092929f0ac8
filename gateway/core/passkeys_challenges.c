/* SPDX-License-Identifier: Apache-2.0 */
/* Makes challenges, knows them again, and remembers which were used. */
#include "core/passkeys_challenges.h"

#include "base/clock.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/sha256.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS       16
#define SETS       (SG_PASSKEY_USED_MAX / WAYS)
#define NONCE_SIZE 16
#define AT_END     NONCE_SIZE       /* offsets: when it ends, */
#define AT_PURPOSE (AT_END + 8)     /* the purpose (8 bytes), */
#define AT_MAC     (AT_PURPOSE + 8) /* the MAC */

_Static_assert(AT_MAC + SG_SHA256_SIZE == SG_PASSKEY_CHALLENGE_SIZE, "parts make a challenge");

struct used {
    uint8_t nonce[NONCE_SIZE];
    int64_t ends_ns; /* it may be forgotten then; 0: free */
};

/* The used ones whose nonces, which are random and ours, begin alike. */
struct used_set {
    int64_t floor_ns; /* the latest end of those that gave way */
    struct used used[WAYS];
};

struct passkeys_challenges {
    uint8_t key[32];
    pthread_mutex_t lock; /* guards the rest */
    struct used_set set[SETS];
};

struct passkeys_challenges *passkeys_challenges_new(void)
{
    struct passkeys_challenges *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    rng_bytes(c->key, sizeof c->key);
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void passkeys_challenges_free(struct passkeys_challenges *c)
{
    if (c == NULL)
        return;
    pthread_mutex_destroy(&c->lock);
    secret_wipe(c, sizeof *c);
    free(c);
}

static void put64(uint64_t value, uint8_t *ret)
{
    for (size_t i = 0; i < 8; i++)
        ret[i] = (uint8_t)(value >> (56 - 8 * i));
}

static uint64_t get64(const uint8_t *data)
{
    uint64_t value = 0;

    for (size_t i = 0; i < 8; i++)
        value = value << 8 | data[i];
    return value;
}

static void mac(const struct passkeys_challenges *c, int64_t user_id, const uint8_t *challenge,
                uint8_t ret[SG_SHA256_SIZE])
{
    uint8_t text[AT_MAC + 8];

    memcpy(text, challenge, AT_MAC);
    put64((uint64_t)user_id, text + AT_MAC);
    sha256_hmac(c->key, sizeof c->key, text, sizeof text, ret);
}

void passkeys_challenges_make(struct passkeys_challenges *c, enum challenge_purpose purpose,
                              int64_t user_id, uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE])
{
    int64_t ends_ns = clock_monotonic_ns() + SG_PASSKEY_CHALLENGE_S * SG_NS_PER_S;

    rng_bytes(ret, NONCE_SIZE);
    put64((uint64_t)ends_ns, ret + AT_END);
    put64((uint64_t)purpose, ret + AT_PURPOSE);
    mac(c, user_id, ret, ret + AT_MAC);
}

enum sg_err passkeys_challenges_purpose(const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE],
                                        enum challenge_purpose *ret)
{
    uint64_t purpose = get64(challenge + AT_PURPOSE);

    if (purpose < SG_CHALLENGE_CREATE || purpose > SG_CHALLENGE_GET_AS)
        return SG_ERR_BAD_FACTOR;
    *ret = (enum challenge_purpose)purpose;
    return SG_OK;
}

bool passkeys_challenges_valid(const struct passkeys_challenges *c, int64_t user_id,
                               const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE])
{
    uint8_t right[SG_SHA256_SIZE];

    mac(c, user_id, challenge, right);
    return secret_equal(right, challenge + AT_MAC, sizeof right) &&
           (int64_t)get64(challenge + AT_END) > clock_monotonic_ns();
}

static struct used_set *set_of(struct passkeys_challenges *c, const uint8_t *nonce)
{
    return &c->set[((size_t)nonce[0] << 8 | nonce[1]) % SETS];
}

/* Where it can be remembered: what is over gives way first. NULL: it was used before. */
static struct used *find_room(struct used_set *set, const uint8_t *nonce)
{
    struct used *room = &set->used[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set->used[i].ends_ns != 0 && memcmp(set->used[i].nonce, nonce, NONCE_SIZE) == 0)
            return NULL;
        if (set->used[i].ends_ns < room->ends_ns)
            room = &set->used[i];
    }
    return room;
}

enum sg_err passkeys_challenges_use(struct passkeys_challenges *c,
                                    const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE])
{
    int64_t ends_ns = (int64_t)get64(challenge + AT_END);
    struct used_set *set = set_of(c, challenge);
    enum sg_err err = SG_ERR_BAD_FACTOR;
    struct used *room;

    pthread_mutex_lock(&c->lock);
    room = find_room(set, challenge);
    if (room != NULL && ends_ns > set->floor_ns && ends_ns > room->ends_ns) {
        set->floor_ns = room->ends_ns > set->floor_ns ? room->ends_ns : set->floor_ns;
        memcpy(room->nonce, challenge, NONCE_SIZE);
        room->ends_ns = ends_ns;
        err = SG_OK;
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

void passkeys_challenges_unuse(struct passkeys_challenges *c,
                               const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE])
{
    struct used_set *set = set_of(c, challenge);

    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < WAYS; i++)
        if (memcmp(set->used[i].nonce, challenge, NONCE_SIZE) == 0)
            set->used[i].ends_ns = 0;
    pthread_mutex_unlock(&c->lock);
}
