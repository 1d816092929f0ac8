/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies what clients show; it refuses nobody, and knows of no revocation: that is for whoever
 * asks. */
#include "http/peer.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CHAIN_MAX 8 /* certificates that a client may send */

/* No SHA-1, no RSA below 2048 bits. */
#define STRENGTH GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM)
#define TIME_STATUS                                                                                \
    ((unsigned)GNUTLS_CERT_INVALID | (unsigned)GNUTLS_CERT_EXPIRED |                               \
     (unsigned)GNUTLS_CERT_NOT_ACTIVATED)

struct peer {
    struct request_certificate is;
    struct bytes above[2 * CHAIN_MAX]; /* owned */
    uint8_t der[];
};

struct chain {
    gnutls_x509_crt_t crt[CHAIN_MAX];
    unsigned count;
};

static void chain_fini(struct chain *chain)
{
    for (unsigned i = 0; i < chain->count; i++)
        gnutls_x509_crt_deinit(chain->crt[i]);
}

static bool chain_read(const gnutls_datum_t *peers, unsigned count, struct chain *ret)
{
    ret->count = 0;
    if (count > CHAIN_MAX)
        return false;
    while (ret->count < count) {
        gnutls_x509_crt_t *crt = &ret->crt[ret->count];

        if (gnutls_x509_crt_init(crt) != 0)
            return false;
        ret->count++;
        if (gnutls_x509_crt_import(*crt, &peers[ret->count - 1], GNUTLS_X509_FMT_DER) != 0)
            return false;
    }
    return true;
}

/* The verifier's own status, all bits set when it could not tell. */
static unsigned status_of(gnutls_x509_trust_list_t trusted, struct chain *chain, unsigned flags)
{
    unsigned char oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = oid};
    unsigned status = ~0u;

    if (gnutls_x509_trust_list_verify_crt2(trusted, chain->crt, chain->count, &purpose, 1,
                                           STRENGTH | flags, &status, NULL) != 0)
        return ~0u;
    return status;
}

/* One that has expired is still known to be whose it was; what its CA did meanwhile is not. */
static bool vouched_for(gnutls_x509_trust_list_t trusted, struct chain *chain, bool *ret_in_time)
{
    unsigned status = status_of(trusted, chain, 0);

    *ret_in_time = status == 0;
    if (status != 0 && (status & ~TIME_STATUS) == 0)
        status = status_of(trusted, chain, GNUTLS_VERIFY_DISABLE_TIME_CHECKS);
    return status == 0;
}

static void narrow(struct request_certificate *is, gnutls_x509_crt_t crt)
{
    int64_t from = (int64_t)gnutls_x509_crt_get_activation_time(crt);
    int64_t until = (int64_t)gnutls_x509_crt_get_expiration_time(crt);

    if (from > is->not_before_s)
        is->not_before_s = from;
    if (until < is->expires_s)
        is->expires_s = until;
}

static bool counts_at(gnutls_x509_crt_t crt, int64_t now_s)
{
    return (int64_t)gnutls_x509_crt_get_activation_time(crt) <= now_s &&
           (int64_t)gnutls_x509_crt_get_expiration_time(crt) > now_s;
}

static bool issuer_was_sent(const struct chain *chain, unsigned of)
{
    bool sent = false;

    for (unsigned i = 1; i < chain->count && !sent; i++)
        sent = i != of && gnutls_x509_crt_check_issuer(chain->crt[of], chain->crt[i]) != 0;
    return sent;
}

/* When it counts: while all that the client sent does, and the trusted CAs that issued what no
 * other that was sent has issued. */
static void read_times(struct request_certificate *is, gnutls_x509_trust_list_t trusted,
                       const struct chain *chain, bool in_time)
{
    int64_t now_s = clock_now_s();
    gnutls_x509_crt_t issuer;

    is->not_before_s = INT64_MIN;
    is->expires_s = INT64_MAX;
    for (unsigned i = 0; i < chain->count; i++) {
        narrow(is, chain->crt[i]);
        if (issuer_was_sent(chain, i) ||
            gnutls_x509_trust_list_get_issuer(trusted, chain->crt[i], &issuer,
                                              GNUTLS_TL_GET_COPY) != 0)
            continue;
        /* One that is out of time is another of the same name and key, if all are in time. */
        if (!in_time || counts_at(issuer, now_s))
            narrow(is, issuer);
        gnutls_x509_crt_deinit(issuer);
    }
    if (!in_time && is->not_before_s <= now_s && is->expires_s > now_s)
        is->expires_s = now_s; /* something else above it is out of time */
}

/* *ret_added: it was not there yet. */
static bool add_above(struct peer *p, gnutls_x509_crt_t crt, bool *ret_added)
{
    gnutls_datum_t der;
    bool room = p->is.above_count < 2 * CHAIN_MAX;

    *ret_added = true;
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) != 0)
        return false;
    for (size_t i = 0; i < p->is.above_count && *ret_added; i++)
        *ret_added =
            der.size != p->above[i].len || memcmp(der.data, p->above[i].data, der.size) != 0;
    if (room && *ret_added)
        p->above[p->is.above_count++] = (struct bytes){der.data, der.size};
    else
        gnutls_free(der.data);
    return room || !*ret_added;
}

/* Those that are trusted above one, up to the CA that issued itself. */
static bool climb(struct peer *p, gnutls_x509_trust_list_t trusted, gnutls_x509_crt_t crt)
{
    gnutls_x509_crt_t at = crt, issuer;
    bool done = true, added = true;

    while (done && added &&
           gnutls_x509_trust_list_get_issuer(trusted, at, &issuer, GNUTLS_TL_GET_COPY) == 0) {
        if (at != crt)
            gnutls_x509_crt_deinit(at);
        at = issuer;
        done = add_above(p, issuer, &added);
    }
    if (at != crt)
        gnutls_x509_crt_deinit(at);
    return done;
}

/* What was sent, and what is trusted above any of it: the verifier leaves out what does not belong
 * to the chain, so that the last that was sent may have nothing to do with it. */
static bool collect_above(struct peer *p, gnutls_x509_trust_list_t trusted,
                          const struct chain *chain)
{
    bool done = true, added;

    p->is.above = p->above;
    for (unsigned i = 1; i < chain->count && done; i++)
        done = add_above(p, chain->crt[i], &added);
    for (unsigned i = 0; i < chain->count && done; i++)
        done = climb(p, trusted, chain->crt[i]);
    return done;
}

static bool hash_chain(struct peer *p)
{
    gnutls_hash_hd_t hash;
    bool done;

    if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0)
        return false;
    done = gnutls_hash(hash, p->is.der, p->is.len) == 0;
    for (size_t i = 0; i < p->is.above_count && done; i++)
        done = gnutls_hash(hash, p->above[i].data, p->above[i].len) == 0;
    gnutls_hash_deinit(hash, p->is.chain_sha256);
    return done;
}

static void verify(struct peer *p, const struct tls_bundle *bundle, struct chain *chain)
{
    struct request_certificate *is = &p->is;

    /* A CA's own certificate is nobody's who would log in. */
    if (gnutls_x509_crt_get_ca_status(chain->crt[0], NULL) > 0)
        return;
    for (size_t i = 0; i < tls_bundle_trusts(bundle) && !is->verified; i++) {
        gnutls_x509_trust_list_t trusted = tls_bundle_trusted(bundle, i);
        bool in_time;

        if (!vouched_for(trusted, chain, &in_time))
            continue;
        is->verified = true;
        is->ca = (unsigned)i;
        memcpy(is->ca_sha256, tls_bundle_trusted_sha256(bundle, i), sizeof is->ca_sha256);
        read_times(is, trusted, chain, in_time);
        /* The gateway's own CA has nobody below it but clients. Of others it must be known whether
         * those in between are revoked. */
        if (i > 0 && (!collect_above(p, trusted, chain) || !hash_chain(p))) {
            is->verified = false;
            return;
        }
    }
}

void peer_free(struct peer *p)
{
    for (size_t i = 0; p != NULL && i < p->is.above_count; i++) {
        void *der;

        memcpy(&der, &p->above[i].data, sizeof der);
        gnutls_free(der);
    }
    free(p);
}

static struct peer *peer_new(const gnutls_datum_t *peers, unsigned count,
                             const struct tls_bundle *bundle)
{
    struct peer *p = calloc(1, sizeof *p + peers[0].size);
    struct chain chain;

    if (p == NULL)
        return NULL;
    memcpy(p->der, peers[0].data, peers[0].size);
    p->is.der = p->der;
    p->is.len = peers[0].size;
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, peers[0].data, peers[0].size, p->is.sha256) != 0) {
        free(p);
        return NULL;
    }
    if (chain_read(peers, count, &chain))
        verify(p, bundle, &chain);
    chain_fini(&chain);
    return p;
}

void peer_look(struct server *s, struct conn *c)
{
    unsigned generation = atomic_load_explicit(&s->trust_generation, memory_order_acquire);
    const gnutls_datum_t *peers;
    struct tls_bundle *bundle;
    unsigned count = 0;

    if (c->peer_generation == generation)
        return;
    peers = gnutls_certificate_get_peers(c->session, &count);
    peer_free(c->peer);
    c->peer = NULL;
    if (peers != NULL && count > 0) {
        pthread_mutex_lock(&s->tls_lock);
        generation = atomic_load(&s->trust_generation);
        bundle = tls_bundle_ref(s->bundle);
        pthread_mutex_unlock(&s->tls_lock);
        c->peer = peer_new(peers, count, bundle);
        tls_bundle_unref(bundle);
        if (c->peer == NULL)
            return; /* tried again with the next request */
    }
    c->peer_generation = generation;
}

void peer_certificate(const struct conn *c, struct request_certificate *ret)
{
    if (c->peer != NULL)
        *ret = c->peer->is;
    else
        *ret = (struct request_certificate){0};
}
