/* SPDX-License-Identifier: Apache-2.0 */
/* What a proof of possession must say for a request, and which ones were seen. It forgets a proof
 * only when that has become too old to be accepted. */
#include "core/dpop.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/dpopjwt.h"
#include "core/sha256.h"

#define WAYS     16
#define SETS     (SG_DPOP_MEMORY / WAYS)
#define COUNTERS 4096

struct seen {
    uint8_t id[16];
    int64_t until_s; /* the last second in which the proof would be accepted; 0: free */
};

/* Proofs of the keys that share it. */
struct counter {
    int64_t window; /* in units of SG_DPOP_AGE_S */
    unsigned count;
};

/* Proofs of one kind: of those for tokens that are asked for, anybody can make some. */
struct memory {
    struct seen *seen; /* SETS * WAYS */
    struct counter counter[COUNTERS];
};

struct dpop {
    uint8_t secret[32];      /* places follow it, so nobody can aim */
    uint8_t nonce_key[32];   /* of the MAC of nonces */
    int64_t start_s;         /* since when proofs are remembered */
    pthread_mutex_t lock;    /* of all below */
    struct memory memory[2]; /* for tokens that are shown, asked for */
};

struct dpop *dpop_new(int64_t now_s)
{
    struct dpop *d = calloc(1, sizeof *d);

    if (d == NULL)
        return NULL;
    for (size_t i = 0; i < 2; i++)
        d->memory[i].seen = calloc((size_t)SETS * WAYS, sizeof *d->memory[i].seen);
    if (d->memory[0].seen == NULL || d->memory[1].seen == NULL) {
        free(d->memory[0].seen);
        free(d->memory[1].seen);
        free(d);
        return NULL;
    }
    pthread_mutex_init(&d->lock, NULL);
    rng_bytes(d->secret, sizeof d->secret);
    rng_bytes(d->nonce_key, sizeof d->nonce_key);
    d->start_s = now_s;
    return d;
}

void dpop_free(struct dpop *d)
{
    if (d == NULL)
        return;
    pthread_mutex_destroy(&d->lock);
    free(d->memory[0].seen);
    free(d->memory[1].seen);
    secret_wipe(d, sizeof *d);
    free(d);
}

static size_t index_of(const uint8_t digest[32], size_t size)
{
    return ((size_t)digest[24] << 24 | (size_t)digest[25] << 16 | (size_t)digest[26] << 8 |
            digest[27]) %
           size;
}

/* Locked. */
static enum sg_err count_key(const struct dpop *d, struct memory *m, const uint8_t key[32],
                             int64_t now_s)
{
    uint8_t digest[32];
    struct counter *c;

    sha256_hmac(d->secret, sizeof d->secret, key, 32, digest);
    c = &m->counter[index_of(digest, COUNTERS)];
    if (c->window != now_s / SG_DPOP_AGE_S) {
        c->window = now_s / SG_DPOP_AGE_S;
        c->count = 0;
    }
    if (c->count == SG_DPOP_RATE)
        return SG_ERR_THROTTLED;
    c->count++;
    return SG_OK;
}

/* Locked. */
static enum sg_err enter(struct memory *m, const uint8_t id[32], int64_t iat_s, int64_t now_s)
{
    struct seen *set = &m->seen[index_of(id, SETS) * WAYS], *room = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].until_s < now_s)
            room = &set[i];
        else if (memcmp(set[i].id, id, sizeof set[i].id) == 0)
            return SG_ERR_BAD_PROOF;
    }
    if (room == NULL)
        return SG_ERR_OVERLOADED;
    memcpy(room->id, id, sizeof room->id);
    room->until_s = iat_s + SG_DPOP_AGE_S;
    return SG_OK;
}

enum sg_err dpop_use(struct dpop *d, const struct dpop_proof *proof, int64_t now_s)
{
    struct memory *m = &d->memory[proof->asks ? 1 : 0];
    enum sg_err err;

    pthread_mutex_lock(&d->lock);
    err = count_key(d, m, proof->key_sha256, now_s);
    if (err == SG_OK)
        err = enter(m, proof->id, proof->iat_s, now_s);
    pthread_mutex_unlock(&d->lock);
    return err;
}

/* -- nonces ------------------------------------------------------------------------------------ */

#define NONCE_TIME 8 /* bytes; the MAC follows */
#define NONCE_MAC  16

_Static_assert(SG_BASE64_SIZE(NONCE_TIME + NONCE_MAC) == SG_DPOP_NONCE_SIZE, "a nonce fits");

static void make_nonce(const struct dpop *d, int64_t time_s, uint8_t ret[NONCE_TIME + NONCE_MAC])
{
    uint8_t mac[SG_SHA256_SIZE];

    encode_be64((uint64_t)time_s, ret);
    sha256_hmac(d->nonce_key, sizeof d->nonce_key, ret, NONCE_TIME, mac);
    memcpy(ret + NONCE_TIME, mac, NONCE_MAC);
}

void dpop_nonce(const struct dpop *d, int64_t now_s, char ret[SG_DPOP_NONCE_SIZE])
{
    uint8_t nonce[NONCE_TIME + NONCE_MAC];

    make_nonce(d, now_s, nonce);
    encode_base64url(nonce, sizeof nonce, ret);
}

/* How old a nonce is, in seconds; -1: it is none of ours, or too old. */
static int64_t nonce_age(const struct dpop *d, const char *text, int64_t now_s)
{
    uint8_t nonce[NONCE_TIME + NONCE_MAC], right[NONCE_TIME + NONCE_MAC];
    int64_t time_s;
    size_t len = 0;

    if (encode_unbase64url(text, strlen(text), nonce, sizeof nonce, &len) != SG_OK ||
        len != sizeof nonce)
        return -1;
    time_s = (int64_t)encode_unbe64(nonce);
    make_nonce(d, time_s, right);
    if (!secret_equal(nonce, right, sizeof right))
        return -1;
    return time_s <= now_s && now_s - time_s <= SG_DPOP_NONCE_S ? now_s - time_s : -1;
}

/* A proof without a nonce may have been used before the memory began if its `iat` would have been
 * taken then. */
static enum sg_err check_nonce(const struct dpop *d, const struct dpopjwt *p, int64_t now_s,
                               bool *ret_old)
{
    int64_t age_s = p->has_nonce ? nonce_age(d, p->nonce, now_s) : 0;

    *ret_old = age_s > SG_DPOP_NONCE_S / 2;
    if (age_s < 0 || (!p->has_nonce && p->iat_s <= d->start_s + SG_DPOP_AGE_S))
        return SG_ERR_PROOF_NONCE;
    return SG_OK;
}

/* -- what a proof must say --------------------------------------------------------------------- */

static void identify(const struct dpop *d, const struct dpopjwt *p, uint8_t ret_id[32])
{
    uint8_t text[32 + SG_DPOPJWT_JTI];
    size_t len = strlen(p->jti);

    memcpy(text, p->key_sha256, 32);
    memcpy(text + 32, p->jti, len);
    sha256_hmac(d->secret, sizeof d->secret, text, 32 + len, ret_id);
}

/* Scheme and host in any case (RFC 3986, section 6.2.2.1), all else byte by byte; query and
 * fragment of the claim do not count (RFC 9449, section 4.3). */
static bool same_uri(const char *claimed, const char *uri)
{
    size_t claimed_len = strcspn(claimed, "?#"), len = strcspn(uri, "?#");
    const char *host = strstr(uri, "://");
    size_t origin = host == NULL ? 0 : (size_t)(host - uri) + 3;

    if (host != NULL)
        origin += strcspn(uri + origin, "/?#");
    return claimed_len == len && strncasecmp(claimed, uri, origin) == 0 &&
           memcmp(claimed + origin, uri + origin, len - origin) == 0;
}

enum sg_err dpop_verify(struct dpop *d, const char *proof, size_t proof_len, const char *method,
                        const char *uri, const char *token, size_t token_len, int64_t now_s,
                        struct dpop_proof *ret)
{
    char expected[SG_BASE64_SIZE(32)];
    uint8_t digest[32];
    struct dpopjwt p;
    enum sg_err err = dpopjwt_read(proof, proof_len, &p);

    if (err != SG_OK)
        return err;
    if (strcmp(p.htm, method) != 0 || !same_uri(p.htu, uri))
        return SG_ERR_BAD_PROOF;
    if (p.iat_s < now_s - SG_DPOP_AGE_S || p.iat_s > now_s + SG_DPOP_AGE_S)
        return SG_ERR_BAD_PROOF;
    if (token != NULL) {
        sha256_digest(token, token_len, digest);
        encode_base64url(digest, sizeof digest, expected);
        if (!p.has_ath || strcmp(p.ath, expected) != 0)
            return SG_ERR_BAD_PROOF;
    }
    err = check_nonce(d, &p, now_s, &ret->old_nonce);
    if (err != SG_OK)
        return err;
    ret->iat_s = p.iat_s;
    ret->asks = token == NULL;
    memcpy(ret->key_sha256, p.key_sha256, 32);
    identify(d, &p, ret->id);
    return SG_OK;
}
