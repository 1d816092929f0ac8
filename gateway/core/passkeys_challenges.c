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

#define NONCE_SIZE 16
#define AT_END     NONCE_SIZE       /* offsets: when it ends, */
#define AT_PURPOSE (AT_END + 8)     /* the purpose (8 bytes), */
#define AT_MAC     (AT_PURPOSE + 8) /* the MAC */

_Static_assert(AT_MAC + SG_SHA256_SIZE == SG_PASSKEY_CHALLENGE_SIZE, "parts make a challenge");

struct used {
    uint8_t nonce[NONCE_SIZE];
    int64_t user_id;
    int64_t ends_ns; /* it may be forgotten then */
};

struct passkeys_challenges {
    uint8_t key[32];
    pthread_mutex_t lock; /* guards the rest */
    size_t count;
    struct used used[SG_PASSKEY_USED_MAX];
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

/* Forgets what is over; how many are left of the user, and whether one has this nonce. */
static size_t sweep(struct passkeys_challenges *c, int64_t user_id, const uint8_t *nonce,
                    bool *ret_there)
{
    int64_t now_ns = clock_monotonic_ns();
    size_t kept = 0, mine = 0;

    *ret_there = false;
    for (size_t i = 0; i < c->count; i++) {
        const struct used *u = &c->used[i];

        if (u->ends_ns <= now_ns)
            continue;
        mine += u->user_id == user_id;
        *ret_there |= memcmp(u->nonce, nonce, NONCE_SIZE) == 0;
        c->used[kept++] = *u;
    }
    c->count = kept;
    return mine;
}

enum sg_err passkeys_challenges_use(struct passkeys_challenges *c, int64_t user_id,
                                    const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE])
{
    enum sg_err err = SG_OK;
    bool there;
    size_t mine;

    pthread_mutex_lock(&c->lock);
    mine = sweep(c, user_id, challenge, &there);
    if (there) {
        err = SG_ERR_BAD_FACTOR;
    } else if (mine >= SG_PASSKEY_USED_PER_USER || c->count == SG_PASSKEY_USED_MAX) {
        err = SG_ERR_THROTTLED;
    } else {
        struct used *u = &c->used[c->count++];

        memcpy(u->nonce, challenge, NONCE_SIZE);
        u->user_id = user_id;
        u->ends_ns = (int64_t)get64(challenge + AT_END);
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

void passkeys_challenges_unuse(struct passkeys_challenges *c,
                               const uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE])
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->count; i++)
        if (memcmp(c->used[i].nonce, challenge, NONCE_SIZE) == 0) {
            c->used[i] = c->used[--c->count];
            break;
        }
    pthread_mutex_unlock(&c->lock);
}
