/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, keeps and ends channels; their secrets are in the clear in this process's memory only, and
 * only while they live. */
#include "core/channels_internal.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/secret.h"

#define WRAP_KIND      "channel"
#define WRAP_KEY_LABEL "secgate channel state v1"
#define WRAP_AAD       (sizeof WRAP_KIND + SG_SESSION_ID_SIZE + 8)
#define WRAP_PLAIN     (2 * SG_CHANNEL_KEY_SIZE + 1) /* both secrets, whether there is a former one */
#define WRAP_SIZE      (SG_CHANNEL_NONCE_SIZE + WRAP_PLAIN + SG_CHANNEL_TAG_SIZE)
_Static_assert(WRAP_SIZE <= SG_CHANNEL_WRAPPED_SIZE, "sealed secrets fit the record");

/* -- secrets at rest --------------------------------------------------------------------------- */
static void wrap_aad(const struct channel_record *r, uint8_t aad[WRAP_AAD])
{
    memcpy(aad, WRAP_KIND, sizeof WRAP_KIND);
    memcpy(aad + sizeof WRAP_KIND, r->session_id, SG_SESSION_ID_SIZE);
    encode_be64(r->epoch, aad + sizeof WRAP_KIND + SG_SESSION_ID_SIZE);
}

/* With a key of each session's own: nonces are random, and all sessions of all years together would
 * use the storage key more often than those may be made for one key (2^32, NIST SP 800-38D, 8.3).
 */
static enum sg_err storage_cipher(const struct channels *c, const uint8_t id[SG_SESSION_ID_SIZE],
                                  gnutls_aead_cipher_hd_t *ret)
{
    uint8_t own[SG_STORAGE_KEY_SIZE], info[sizeof WRAP_KEY_LABEL - 1 + SG_SESSION_ID_SIZE];
    gnutls_datum_t storage = {(uint8_t *)(uintptr_t)c->options.storage_key, SG_STORAGE_KEY_SIZE};
    gnutls_datum_t text = {info, sizeof info}, key = {own, sizeof own};
    int rc;

    memcpy(info, WRAP_KEY_LABEL, sizeof WRAP_KEY_LABEL - 1);
    memcpy(info + sizeof WRAP_KEY_LABEL - 1, id, SG_SESSION_ID_SIZE);
    rc = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &storage, &text, own, sizeof own);
    if (rc >= 0)
        rc = gnutls_aead_cipher_init(ret, GNUTLS_CIPHER_AES_256_GCM, &key);
    secret_wipe(own, sizeof own);
    return rc < 0 ? SG_ERR_NO_MEMORY : SG_OK;
}

enum sg_err channels_wrap(const struct channels *c, const struct channel_epoch *now,
                          const struct channel_epoch *former, struct channel_record *record)
{
    uint8_t plain[WRAP_PLAIN] = {0}, aad[WRAP_AAD];
    size_t len = WRAP_PLAIN + SG_CHANNEL_TAG_SIZE;
    gnutls_aead_cipher_hd_t cipher;
    enum sg_err err = storage_cipher(c, record->session_id, &cipher);
    int rc;

    if (err != SG_OK)
        return err;
    memcpy(plain, now->secret, SG_CHANNEL_KEY_SIZE);
    if (former != NULL) {
        memcpy(plain + SG_CHANNEL_KEY_SIZE, former->secret, SG_CHANNEL_KEY_SIZE);
        plain[WRAP_PLAIN - 1] = 1;
    }
    wrap_aad(record, aad);
    rng_bytes(record->wrapped, SG_CHANNEL_NONCE_SIZE);
    rc = gnutls_aead_cipher_encrypt(cipher, record->wrapped, SG_CHANNEL_NONCE_SIZE, aad, sizeof aad,
                                    SG_CHANNEL_TAG_SIZE, plain, sizeof plain,
                                    record->wrapped + SG_CHANNEL_NONCE_SIZE, &len);
    gnutls_aead_cipher_deinit(cipher);
    secret_wipe(plain, sizeof plain);
    if (rc < 0)
        return SG_ERR_INTERNAL;
    record->wrapped_len = WRAP_SIZE;
    return SG_OK;
}

static enum sg_err unwrap(const struct channels *c, const struct channel_record *record,
                          struct channels_live *live)
{
    uint8_t plain[WRAP_PLAIN + SG_CHANNEL_TAG_SIZE], aad[WRAP_AAD];
    size_t len = sizeof plain;
    gnutls_aead_cipher_hd_t cipher;
    enum sg_err err;
    int rc;

    if (record->wrapped_len != WRAP_SIZE)
        return SG_ERR_CORRUPT;
    err = storage_cipher(c, record->session_id, &cipher);
    if (err != SG_OK)
        return err;
    wrap_aad(record, aad);
    rc = gnutls_aead_cipher_decrypt(cipher, record->wrapped, SG_CHANNEL_NONCE_SIZE, aad, sizeof aad,
                                    SG_CHANNEL_TAG_SIZE, record->wrapped + SG_CHANNEL_NONCE_SIZE,
                                    WRAP_SIZE - SG_CHANNEL_NONCE_SIZE, plain, &len);
    gnutls_aead_cipher_deinit(cipher);
    err = rc < 0 || len != WRAP_PLAIN ? SG_ERR_CORRUPT : SG_OK;
    if (err == SG_OK)
        err = channel_resume(record->epoch, plain, &live->now);
    live->has_former = err == SG_OK && plain[WRAP_PLAIN - 1] == 1 && record->epoch > 0;
    if (live->has_former)
        err = channel_resume(record->epoch - 1, plain + SG_CHANNEL_KEY_SIZE, &live->former);
    secret_wipe(plain, sizeof plain);
    return err;
}

/* -- the table --------------------------------------------------------------------------------- */
/* Ids are random, so their first bytes place them. */
static size_t bucket_of(const uint8_t id[SG_SESSION_ID_SIZE])
{
    return (id[0] | (size_t)id[1] << 8) % SG_CHANNELS_BUCKETS;
}

static pthread_mutex_t *lock_of(struct channels *c, size_t bucket)
{
    return &c->stripe[bucket % SG_CHANNELS_STRIPES].lock;
}

static struct channels_live *live_new(const uint8_t id[SG_SESSION_ID_SIZE], int64_t expires_s)
{
    struct channels_live *live = calloc(1, sizeof *live);

    if (live == NULL)
        return NULL;
    memcpy(live->id, id, sizeof live->id);
    live->expires_s = expires_s;
    live->refs = 1;
    pthread_mutex_init(&live->lock, NULL);
    return live;
}

void channels_unref(struct channels_live *live)
{
    if (atomic_fetch_sub(&live->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&live->lock);
    secret_wipe(live, sizeof *live);
    free(live);
}

struct channels_live *channels_find(struct channels *c, const uint8_t id[SG_SESSION_ID_SIZE])
{
    size_t bucket = bucket_of(id);
    struct channels_live *live;

    pthread_mutex_lock(lock_of(c, bucket));
    for (live = c->bucket[bucket]; live != NULL; live = live->next)
        if (memcmp(live->id, id, sizeof live->id) == 0) {
            atomic_fetch_add(&live->refs, 1);
            break;
        }
    pthread_mutex_unlock(lock_of(c, bucket));
    return live;
}

/* The table's reference is the caller's. */
static void enter(struct channels *c, struct channels_live *live)
{
    size_t bucket = bucket_of(live->id);

    pthread_mutex_lock(lock_of(c, bucket));
    live->next = c->bucket[bucket];
    c->bucket[bucket] = live;
    pthread_mutex_unlock(lock_of(c, bucket));
    atomic_fetch_add(&c->count, 1);
    metrics_add(SG_METRIC_CHANNELS, 1);
}

static struct channels_live *take_out(struct channels *c, const uint8_t id[SG_SESSION_ID_SIZE])
{
    size_t bucket = bucket_of(id);
    struct channels_live **at, *live;

    pthread_mutex_lock(lock_of(c, bucket));
    at = &c->bucket[bucket];
    while (*at != NULL && memcmp((*at)->id, id, sizeof(*at)->id) != 0)
        at = &(*at)->next;
    live = *at;
    if (live != NULL)
        *at = live->next;
    pthread_mutex_unlock(lock_of(c, bucket));
    return live;
}

void channels_close(struct channels *c, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    struct channels_live *live = c != NULL ? take_out(c, session_id) : NULL;

    if (live == NULL)
        return;
    atomic_fetch_sub(&c->count, 1);
    metrics_add(SG_METRIC_CHANNELS, -1);
    pthread_mutex_lock(&live->lock);
    live->closed = true;
    c->options.store.vt->remove(c->options.store.self, live->slot);
    secret_wipe(&live->now, sizeof live->now);
    secret_wipe(&live->former, sizeof live->former);
    pthread_mutex_unlock(&live->lock);
    channels_unref(live);
}

/* Ids of a bucket, at most `max`; there are a few at most. */
static size_t list_bucket(struct channels *c, size_t bucket, uint8_t (*ret)[SG_SESSION_ID_SIZE],
                          int64_t *ret_expires_s, size_t max)
{
    size_t count = 0;

    pthread_mutex_lock(lock_of(c, bucket));
    for (const struct channels_live *l = c->bucket[bucket]; l != NULL && count < max; l = l->next) {
        ret_expires_s[count] = l->expires_s;
        memcpy(ret[count++], l->id, SG_SESSION_ID_SIZE);
    }
    pthread_mutex_unlock(lock_of(c, bucket));
    return count;
}

#define PRUNE_BATCH 64
void channels_prune(struct channels *c)
{
    const struct channels_options *o = &c->options;
    uint8_t id[PRUNE_BATCH][SG_SESSION_ID_SIZE];
    int64_t expires_s[PRUNE_BATCH], now_s = clock_now_s();

    for (size_t bucket = 0; bucket < SG_CHANNELS_BUCKETS; bucket++) {
        size_t count = list_bucket(c, bucket, id, expires_s, PRUNE_BATCH);

        for (size_t i = 0; i < count; i++)
            if (expires_s[i] <= now_s || (o->ended != NULL && o->ended(o->ctx, id[i])))
                channels_close(c, id[i]);
    }
}

/* -- beginning and end ------------------------------------------------------------------------- */
static enum sg_err take_up(void *ctx, size_t slot, const struct channel_record *record)
{
    struct channels *c = ctx;
    struct channels_live *live = live_new(record->session_id, record->expires_s);
    enum sg_err err;

    if (live == NULL)
        return SG_ERR_NO_MEMORY;
    live->slot = slot;
    live->record = *record;
    err = unwrap(c, record, live);
    if (err == SG_OK) {
        enter(c, live);
        return SG_OK;
    }
    channels_unref(live);
    if (err != SG_ERR_CORRUPT)
        return err;
    /* Sealed under another key: nobody can use it any more. */
    c->options.store.vt->remove(c->options.store.self, slot);
    return SG_OK;
}

enum sg_err channels_new(const struct channels_options *options, struct channels **ret)
{
    struct channels *c = NULL;
    enum sg_err err;

    if (posix_memalign((void **)&c, 64, sizeof *c) != 0)
        return SG_ERR_NO_MEMORY;
    memset(c, 0, sizeof *c);
    c->options = *options;
    for (size_t i = 0; i < SG_CHANNELS_STRIPES; i++)
        pthread_mutex_init(&c->stripe[i].lock, NULL);
    err = options->store.vt->load(options->store.self, take_up, c);
    if (err != SG_OK) {
        channels_free(c);
        return err;
    }
    *ret = c;
    return SG_OK;
}

void channels_free(struct channels *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < SG_CHANNELS_BUCKETS; i++)
        while (c->bucket[i] != NULL) {
            struct channels_live *live = c->bucket[i];

            c->bucket[i] = live->next;
            channels_unref(live);
        }
    for (size_t i = 0; i < SG_CHANNELS_STRIPES; i++)
        pthread_mutex_destroy(&c->stripe[i].lock);
    secret_wipe(&c->options, sizeof c->options);
    free(c);
}

unsigned channels_session_s(const struct channels *c)
{
    return c->options.session_s;
}

bool channels_bind_address(const struct channels *c, bool said, bool address)
{
    if (c->options.bind == SG_CHANNELS_BIND_ALWAYS)
        return true;
    return said ? address : c->options.bind == SG_CHANNELS_BIND_DEFAULT;
}

size_t channels_count(struct channels *c)
{
    return atomic_load(&c->count);
}

void channels_identity_key(const struct channels *c, uint8_t ret[SG_IDENTITY_KEY_SIZE])
{
    memcpy(ret, c->options.identity_key, SG_IDENTITY_KEY_SIZE);
}

size_t channels_data_bytes(const struct channels *c)
{
    return c->options.data_bytes;
}

/* -- opening ----------------------------------------------------------------------------------- */
static enum sg_err sign_terms(const struct channels *c, struct channel_offer *offer)
{
    const struct channel_terms *t = &offer->terms;
    struct keyring_channel m = {.created_s = t->created_s, .expires_s = t->expires_s};

    memcpy(m.session_id, t->session_id, sizeof m.session_id);
    memcpy(m.client_public, t->client_public, sizeof m.client_public);
    memcpy(m.server_public, t->server_public, sizeof m.server_public);
    memcpy(m.salt, t->salt, sizeof m.salt);
    memcpy(offer->identity_key, c->options.identity_key, sizeof offer->identity_key);
    return c->options.sign(c->options.ctx, &m, offer->signature);
}

/* The shared secret: agreed upon, or given. */
static enum sg_err make_secret(const struct channels *c, const uint8_t *client_public,
                               struct channel_offer *offer, uint8_t shared[SG_CHANNEL_KEY_SIZE])
{
    struct channel_terms *t = &offer->terms;
    uint8_t own[SG_CHANNEL_KEY_SIZE];
    enum sg_err err;

    offer->given = client_public == NULL;
    offer->suite = offer->given ? SG_CHANNEL_SUITE_GIVEN : SG_CHANNEL_SUITE_X25519;
    if (offer->given) {
        rng_bytes(offer->secret, sizeof offer->secret);
        memcpy(shared, offer->secret, SG_CHANNEL_KEY_SIZE);
        return SG_OK;
    }
    memcpy(t->client_public, client_public, sizeof t->client_public);
    channel_key_pair(own, t->server_public);
    err = channel_agree(own, client_public, shared);
    secret_wipe(own, sizeof own);
    return err == SG_OK ? sign_terms(c, offer) : err;
}

/* With its record in the store, entered in the table. */
static enum sg_err begin(struct channels *c, const struct channel_offer *offer,
                         const uint8_t shared[SG_CHANNEL_KEY_SIZE])
{
    const struct channel_terms *t = &offer->terms;
    struct channels_live *live = live_new(t->session_id, t->expires_s);
    enum sg_err err;

    if (live == NULL)
        return SG_ERR_NO_MEMORY;
    memcpy(live->record.session_id, t->session_id, sizeof live->record.session_id);
    live->record.expires_s = t->expires_s;
    err = channel_start(t, shared, &live->now);
    if (err == SG_OK)
        err = channels_wrap(c, &live->now, NULL, &live->record);
    if (err == SG_OK)
        err = c->options.store.vt->create(c->options.store.self, &live->record, &live->slot);
    if (err == SG_OK)
        enter(c, live);
    else
        channels_unref(live);
    return err;
}

enum sg_err channels_open(struct channels *c, const struct session_record *session,
                          const uint8_t *client_public, struct channel_offer *ret)
{
    struct channel_offer offer = {.epoch = 0,
                                  .responses_per_epoch = c->options.responses,
                                  .window = c->options.window,
                                  .bound_address = session->bound_address[0] != 0};
    int64_t now_s = clock_now_s(), until_s = session->expires_ns / SG_NS_PER_S;
    uint8_t shared[SG_CHANNEL_KEY_SIZE] = {0};
    enum sg_err err;

    memcpy(offer.terms.session_id, session->id, sizeof offer.terms.session_id);
    offer.terms.created_s = now_s;
    offer.terms.expires_s = now_s + c->options.session_s;
    if (offer.terms.expires_s > until_s)
        offer.terms.expires_s = until_s;
    rng_bytes(offer.terms.salt, sizeof offer.terms.salt);
    err = make_secret(c, client_public, &offer, shared);
    if (err == SG_OK)
        err = begin(c, &offer, shared);
    if (err == SG_OK)
        *ret = offer;
    secret_wipe(shared, sizeof shared);
    secret_wipe(&offer, sizeof offer);
    return err;
}
