/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes passwords, a few at a time; it never keeps, logs or compares a password itself. */
#include "core/password.h"

#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"

#include <argon2.h>
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uninorm.h>

#define SALT_SIZE 16
#define TAG_SIZE  32

struct password_hasher {
    struct password_params params;
    char prefix[64]; /* how every hash with today's parameters begins */
    char dummy[SG_PASSWORD_HASH_SIZE];
    pthread_mutex_t lock; /* of the two below */
    pthread_cond_t left;
    unsigned inside, waiting;
};

static enum sg_err from_argon2(int code)
{
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

enum sg_err password_hash(struct password_hasher *h, const char *password,
                          char ret[SG_PASSWORD_HASH_SIZE])
{
    uint8_t salt[SALT_SIZE];
    char *text = NULL;
    size_t len = 0;
    enum sg_err err = prepare(password, &text, &len);

    if (err != SG_OK)
        return err;
    rng_bytes(salt, sizeof salt);
    err = from_argon2(argon2id_hash_encoded(h->params.passes, h->params.memory_kib,
                                            h->params.parallel, text, len, salt, sizeof salt,
                                            TAG_SIZE, ret, SG_PASSWORD_HASH_SIZE));
    discard(text, len);
    return err;
}

enum sg_err password_verify(struct password_hasher *h, const char *encoded, const char *password,
                            bool *ret_match, bool *ret_stale)
{
    bool possible = encoded != NULL;
    char *text = NULL;
    size_t len = 0;
    enum sg_err err;
    int code;

    if (strnlen(password, SG_PASSWORD_BYTES_MAX + 1) > SG_PASSWORD_BYTES_MAX) {
        possible = false;
        password = "";
    }
    err = prepare(password, &text, &len);
    if (err != SG_OK)
        return err;
    code = argon2id_verify(encoded != NULL ? encoded : h->dummy, text, len);
    discard(text, len);
    if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
        return SG_ERR_NO_MEMORY;
    if (code != ARGON2_OK && code != ARGON2_VERIFY_MISMATCH)
        return SG_ERR_CORRUPT;
    *ret_match = possible && code == ARGON2_OK;
    *ret_stale = possible && strncmp(encoded, h->prefix, strlen(h->prefix)) != 0;
    return SG_OK;
}

enum sg_err password_enter(struct password_hasher *h)
{
    enum sg_err err = SG_OK;

    pthread_mutex_lock(&h->lock);
    if (h->inside >= h->params.concurrent && h->waiting >= SG_PASSWORD_WAITERS) {
        err = SG_ERR_OVERLOADED;
    } else {
        h->waiting++;
        while (h->inside >= h->params.concurrent)
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

struct password_hasher *password_new(const struct password_params *params)
{
    struct password_hasher *h = calloc(1, sizeof *h);
    uint8_t random[16];
    char secret[SG_HEX_SIZE(sizeof random)];

    if (h == NULL)
        return NULL;
    h->params = *params;
    if (h->params.concurrent == 0)
        h->params.concurrent = 1;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->left, NULL);
    (void)snprintf(h->prefix, sizeof h->prefix, "$argon2id$v=%d$m=%u,t=%u,p=%u$",
                   ARGON2_VERSION_NUMBER, params->memory_kib, params->passes, params->parallel);
    rng_bytes(random, sizeof random);
    encode_hex(random, sizeof random, secret);
    if (password_hash(h, secret, h->dummy) != SG_OK) {
        password_free(h);
        h = NULL;
    }
    secret_wipe(random, sizeof random);
    secret_wipe(secret, sizeof secret);
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
