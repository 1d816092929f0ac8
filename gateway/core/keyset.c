/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps public keys and refreshes them off the request path; it never sees a private key. */
#include "core/keyset.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct key_list {
    size_t count;
    struct token_key key[SG_TOKEN_KEYS_MAX];
    gnutls_pubkey_t public[SG_TOKEN_KEYS_MAX];
};

struct keyset {
    struct keyring_client *keyring;
    pthread_mutex_t fetching; /* one fetch at a time; taken before the two below */
    pthread_rwlock_t keys_lock;
    struct key_list *keys; /* by keys_lock; never NULL */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t asked, fetched;
    bool wanted, stopping;
    bool ever_asked;
    int64_t asked_ns; /* monotonic: the last request that was let through */
    bool have;        /* a fetch succeeded */
    int64_t have_ns;  /* monotonic: when */
    uint64_t fetches; /* how many ended */
    enum sg_err last; /* how the last one ended */
    pthread_t thread;
};

static void set_free(struct key_list *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        gnutls_pubkey_deinit(set->public[i]);
    free(set);
}

static enum sg_err import(const struct token_key *key, gnutls_pubkey_t *ret)
{
    gnutls_datum_t n = {.data = (unsigned char *)(uintptr_t)key->n, .size = (unsigned)key->n_len};
    gnutls_datum_t e = {.data = (unsigned char *)(uintptr_t)key->e, .size = (unsigned)key->e_len};
    gnutls_pubkey_t public;

    if (key->n_len < 256 || key->n[0] == 0 || key->kid[0] == '\0')
        return SG_ERR_PROTOCOL;
    if (gnutls_pubkey_init(&public) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import_rsa_raw(public, &n, &e) < 0) {
        gnutls_pubkey_deinit(public);
        return SG_ERR_PROTOCOL;
    }
    *ret = public;
    return SG_OK;
}

/* A new set with the keyring's answer. */
static enum sg_err fetch_set(struct keyring_client *keyring, struct key_list **ret)
{
    struct key_list *set = calloc(1, sizeof *set);
    size_t count = 0;
    enum sg_err err;

    if (set == NULL)
        return SG_ERR_NO_MEMORY;
    err = keyring_client_token_keys(keyring, set->key, &count);
    if (err == SG_OK && count == 0)
        err = SG_ERR_UNAVAILABLE;
    while (err == SG_OK && set->count < count) {
        err = import(&set->key[set->count], &set->public[set->count]);
        if (err == SG_OK)
            set->count++;
    }
    if (err == SG_OK)
        *ret = set;
    else
        set_free(set);
    return err;
}

enum sg_err keyset_fetch(struct keyset *k)
{
    struct key_list *set = NULL;
    enum sg_err err;

    pthread_mutex_lock(&k->fetching);
    err = fetch_set(k->keyring, &set);
    if (err == SG_OK) {
        struct key_list *old;

        pthread_rwlock_wrlock(&k->keys_lock);
        old = k->keys;
        k->keys = set;
        pthread_rwlock_unlock(&k->keys_lock);
        set_free(old);
    }
    pthread_mutex_lock(&k->lock);
    k->wanted = false;
    k->fetches++;
    k->last = err;
    if (err == SG_OK) {
        k->have = true;
        k->have_ns = clock_monotonic_ns();
    }
    pthread_cond_broadcast(&k->fetched);
    pthread_mutex_unlock(&k->lock);
    pthread_mutex_unlock(&k->fetching);
    return err;
}

static void *fetcher(void *arg)
{
    struct keyset *k = arg;

    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        enum sg_err err;

        if (!k->wanted) {
            pthread_cond_wait(&k->asked, &k->lock);
            continue;
        }
        pthread_mutex_unlock(&k->lock);
        err = keyset_fetch(k);
        (void)err; /* kept in k->last for who waits */
        pthread_mutex_lock(&k->lock);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* Asks the thread for a fetch unless one was asked for just before; `wait` for its end, but not
 * long. */
static void ask(struct keyset *k, bool wait)
{
    int64_t now = clock_monotonic_ns();
    struct timespec until;
    uint64_t before;

    pthread_mutex_lock(&k->lock);
    if (k->wanted || (k->ever_asked && now - k->asked_ns < SG_KEYSET_PAUSE_S * SG_NS_PER_S)) {
        pthread_mutex_unlock(&k->lock);
        return;
    }
    k->ever_asked = true;
    k->asked_ns = now;
    k->wanted = true;
    before = k->fetches;
    pthread_cond_signal(&k->asked);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SG_KEYSET_WAIT_MS * SG_NS_PER_MS;
    if (until.tv_nsec >= SG_NS_PER_S) {
        until.tv_sec++;
        until.tv_nsec -= SG_NS_PER_S;
    }
    while (wait && k->fetches == before)
        if (pthread_cond_timedwait(&k->fetched, &k->lock, &until) != 0)
            break;
    pthread_mutex_unlock(&k->lock);
}

static bool is_stale(struct keyset *k)
{
    int64_t now = clock_monotonic_ns();
    bool stale;

    pthread_mutex_lock(&k->lock);
    stale = !k->have || now - k->have_ns >= SG_KEYSET_FRESH_S * SG_NS_PER_S;
    pthread_mutex_unlock(&k->lock);
    return stale;
}

/* With keys_lock held. */
static const struct token_key *find(const struct key_list *set, const char *kid, size_t *ret_index)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->key[i].kid, kid) == 0) {
            *ret_index = i;
            return &set->key[i];
        }
    return NULL;
}

/* SG_ERR_NOT_FOUND for an unknown key. */
static enum sg_err verify_once(struct keyset *k, const struct token_form *form)
{
    enum sg_err err = SG_ERR_NOT_FOUND;
    const struct token_key *key;
    size_t i = 0;

    pthread_rwlock_rdlock(&k->keys_lock);
    key = find(k->keys, form->kid, &i);
    if (key != NULL)
        err = tokenverify_signature(form, k->keys->public[i], key -> n_len);
    pthread_rwlock_unlock(&k->keys_lock);
    return err;
}

enum sg_err keyset_verify(struct keyset *k, const struct token_form *form)
{
    enum sg_err err = verify_once(k, form);

    if (err != SG_ERR_NOT_FOUND) {
        if (is_stale(k))
            ask(k, false);
        return err;
    }
    ask(k, true);
    err = verify_once(k, form);
    if (err != SG_ERR_NOT_FOUND)
        return err;
    /* Unknown for sure only when the keyring has just said so. */
    pthread_mutex_lock(&k->lock);
    err = k->have && k->last == SG_OK && !k->wanted ? SG_ERR_TOKEN_INVALID : SG_ERR_UNAVAILABLE;
    pthread_mutex_unlock(&k->lock);
    return err;
}

bool keyset_known(struct keyset *k, const char *kid)
{
    size_t i = 0;
    bool known;

    pthread_rwlock_rdlock(&k->keys_lock);
    known = find(k->keys, kid, &i) != NULL;
    pthread_rwlock_unlock(&k->keys_lock);
    return known;
}

enum sg_err keyset_list(struct keyset *k, struct token_key ret[SG_TOKEN_KEYS_MAX],
                        size_t *ret_count)
{
    enum sg_err err = SG_ERR_UNAVAILABLE;

    if (is_stale(k))
        ask(k, true);
    pthread_rwlock_rdlock(&k->keys_lock);
    if (k->keys->count > 0) {
        memcpy(ret, k->keys->key, k->keys->count * sizeof ret[0]);
        *ret_count = k->keys->count;
        err = SG_OK;
    }
    pthread_rwlock_unlock(&k->keys_lock);
    return err;
}

struct keyset *keyset_new(struct keyring_client *keyring)
{
    struct keyset *k = calloc(1, sizeof *k);
    pthread_condattr_t monotonic;

    if (k == NULL)
        return NULL;
    k->keys = calloc(1, sizeof *k->keys);
    if (k->keys == NULL) {
        free(k);
        return NULL;
    }
    k->keyring = keyring;
    pthread_mutex_init(&k->fetching, NULL);
    pthread_rwlock_init(&k->keys_lock, NULL);
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->asked, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&k->fetched, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&k->thread, NULL, fetcher, k) != 0) {
        set_free(k->keys);
        free(k);
        return NULL;
    }
    return k;
}

void keyset_free(struct keyset *k)
{
    if (k == NULL)
        return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_signal(&k->asked);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    pthread_cond_destroy(&k->fetched);
    pthread_cond_destroy(&k->asked);
    pthread_mutex_destroy(&k->lock);
    pthread_rwlock_destroy(&k->keys_lock);
    pthread_mutex_destroy(&k->fetching);
    set_free(k->keys);
    free(k);
}
