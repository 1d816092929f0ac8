/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes passwords, a few at a time; it never keeps or logs a password. */
#include "core/password.h"

#include "base/rng.h"
#include "base/secret.h"

#include <argon2.h>
#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

struct password_hasher {
    struct phcstring today; /* costs of new hashes; salt and tag are of nobody's password */
    unsigned concurrent;
    pthread_mutex_t lock; /* of the two below */
    pthread_cond_t left;
    unsigned inside, waiting;
};

static bool same_costs(const struct phcstring *a, const struct phcstring *b)
{
    return a->memory_kib == b->memory_kib && a->passes == b->passes && a->lanes == b->lanes;
}

/* libsodium has argon2id for the vector units of the processor that it runs on, and gives the
 * memory back to the system each time, but it can do with one lane only. */
static enum sg_err tag_by_sodium(const struct phcstring *p, const char *text, size_t len,
                                 uint8_t ret[SG_PHC_TAG_SIZE])
{
    size_t bytes = (size_t)p->memory_kib * 1024;

    if (crypto_pwhash(ret, SG_PHC_TAG_SIZE, text, len, p->salt, p->passes, bytes,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return SG_ERR_NO_MEMORY; /* the costs are checked: nothing else can fail */
    return SG_OK;
}

/* libargon2 is slower, but has a thread for each lane. */
static enum sg_err tag_by_argon2(const struct phcstring *p, const char *text, size_t len,
                                 uint8_t ret[SG_PHC_TAG_SIZE])
{
    int code = argon2id_hash_raw(p->passes, p->memory_kib, p->lanes, text, len, p->salt,
                                 sizeof p->salt, ret, SG_PHC_TAG_SIZE);

    if (code == ARGON2_OK)
        return SG_OK;
    return code == ARGON2_MEMORY_ALLOCATION_ERROR ? SG_ERR_NO_MEMORY : SG_ERR_INTERNAL;
}

/* The bytes to hash, in memory that the caller wipes and frees. */
static enum sg_err prepare(const char *password, char **ret, size_t *ret_len)
{
    size_t len = strlen(password);
    char *copy;

    for (size_t i = 0; i < len; i++) {
        uint8_t *normal;

        if ((uint8_t)password[i] < 0x80)
            continue;
        normal = u8_normalize(UNINORM_NFC, (const uint8_t *)password, len, NULL, ret_len);
        if (normal == NULL)
            break; /* not UTF-8: as it is */
        *ret = (char *)normal;
        return SG_OK;
    }
    copy = malloc(len + 1);
    if (copy == NULL)
        return SG_ERR_NO_MEMORY;
    memcpy(copy, password, len + 1);
    *ret = copy;
    *ret_len = len;
    return SG_OK;
}

static void discard(char *prepared, size_t len)
{
    secret_wipe(prepared, len);
    free(prepared);
}

/* The tag of a password with the costs and the salt of `p`. */
static enum sg_err make_tag(const struct phcstring *p, const char *password,
                            uint8_t ret[SG_PHC_TAG_SIZE])
{
    char *text = NULL;
    size_t len = 0;
    enum sg_err err = prepare(password, &text, &len);

    if (err != SG_OK)
        return err;
    err = (p->lanes == 1 ? tag_by_sodium : tag_by_argon2)(p, text, len, ret);
    discard(text, len);
    return err;
}

enum sg_err password_hash(struct password_hasher *h, const char *password,
                          char ret[SG_PASSWORD_HASH_SIZE])
{
    struct phcstring p = h->today;
    enum sg_err err;

    rng_bytes(p.salt, sizeof p.salt);
    err = make_tag(&p, password, p.tag);
    if (err == SG_OK)
        phcstring_write(&p, ret);
    secret_wipe(&p, sizeof p);
    return err;
}

enum sg_err password_verify(struct password_hasher *h, const char *encoded, const char *password,
                            bool *ret_match, bool *ret_stale)
{
    bool possible = encoded != NULL;
    struct phcstring p = h->today;
    uint8_t tag[SG_PHC_TAG_SIZE];
    enum sg_err err = SG_OK;

    if (strnlen(password, SG_PASSWORD_BYTES_MAX + 1) > SG_PASSWORD_BYTES_MAX) {
        possible = false;
        password = "";
    }
    if (encoded != NULL)
        err = phcstring_read(encoded, &p);
    if (err == SG_OK)
        err = make_tag(&p, password, tag);
    if (err == SG_OK) {
        *ret_match = secret_equal(tag, p.tag, sizeof tag) && possible;
        *ret_stale = possible && !same_costs(&p, &h->today);
    }
    secret_wipe(tag, sizeof tag);
    secret_wipe(&p, sizeof p);
    return err;
}

enum sg_err password_enter(struct password_hasher *h)
{
    enum sg_err err = SG_OK;

    pthread_mutex_lock(&h->lock);
    if (h->inside >= h->concurrent && h->waiting >= SG_PASSWORD_WAITERS) {
        err = SG_ERR_OVERLOADED;
    } else {
        h->waiting++;
        while (h->inside >= h->concurrent)
            pthread_cond_wait(&h->left, &h->lock);
        h->waiting--;
        h->inside++;
    }
    pthread_mutex_unlock(&h->lock);
    return err;
}

void password_leave(struct password_hasher *h)
{
    pthread_mutex_lock(&h->lock);
    assert(h->inside > 0);
    h->inside--;
    pthread_cond_signal(&h->left);
    pthread_mutex_unlock(&h->lock);
}

/* Costs that this machine cannot bear end the start, not the first login. */
static bool can_hash(const struct password_hasher *h)
{
    uint8_t tag[SG_PHC_TAG_SIZE];

    return make_tag(&h->today, "", tag) == SG_OK;
}

struct password_hasher *password_new(const struct password_params *params)
{
    struct password_hasher *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    h->today = (struct phcstring){
        .memory_kib = params->memory_kib, .passes = params->passes, .lanes = params->parallel};
    rng_bytes(h->today.salt, sizeof h->today.salt);
    rng_bytes(h->today.tag, sizeof h->today.tag);
    h->concurrent = params->concurrent > 0 ? params->concurrent : 1;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->left, NULL);
    /* sodium_init chooses the implementation for this processor; any number of calls is fine. */
    if (phcstring_check(&h->today) != SG_OK || sodium_init() < 0 || !can_hash(h)) {
        password_free(h);
        return NULL;
    }
    return h;
}

void password_free(struct password_hasher *h)
{
    if (h == NULL)
        return;
    pthread_cond_destroy(&h->left);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
