/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the gateway, and signing with them; no private key leaves this process from here. */
#include "keyring/keystore.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "certs/pki.h"
#include "keyring/clientcert.h"
#include "keyring/crl.h"
#include "keyring/jwtmint.h"
#include "keyring/keyfile.h"
#include "keyring/revoked.h"
#include "keyring/servercert.h"
#include "keyring/tlssign.h"
#include "keyring/tokenkeys.h"

struct tls_key {
    gnutls_privkey_t key; /* NULL: none */
    uint8_t spki_sha256[SG_PKI_SHA256_SIZE];
};

enum { CURRENT, PREVIOUS, TLS_KEYS };

struct keystore {
    pthread_rwlock_t lock;
    struct keystore_options options;
    char *dir;               /* DATA/keyring */
    char *tls_key_path;      /* the operator's, or in dir */
    char *crl_uri;           /* in certificates; NULL: none */
    gnutls_privkey_t ca_key; /* as ca_cert never changed after the start */
    gnutls_x509_crt_t ca_cert;
    struct tls_key tls[TLS_KEYS]; /* under lock; written by the control thread only */
    struct tokenkeys tokens;      /* under lock; written by the control thread only */
    pthread_mutex_t revoking;
    struct revoked revoked; /* under revoking, as DATA/tls/ca.crl */
    bool published;         /* under revoking: what is revoked is in that file */
};

static enum sg_err load_or_make(const struct kek *kek, const char *path, const char *name,
                                gnutls_privkey_t *ret)
{
    gnutls_privkey_t key;
    enum sg_err err = keyfile_load(kek, path, name, ret);

    if (err != SG_ERR_NOT_FOUND)
        return err;
    err = pki_key_generate(SG_PKI_ECDSA_P256, &key);
    if (err != SG_OK)
        return err;
    err = keyfile_save(kek, path, name, key);
    if (err != SG_OK) {
        gnutls_privkey_deinit(key);
        return err;
    }
    log_write(SG_LOG_INFO, "keyring.key_made", SG_STR("path", path));
    *ret = key;
    return SG_OK;
}

/* The CA certificate of the key: from the keyring's own copy, or made. */
static enum sg_err load_or_make_ca_cert(struct keystore *k)
{
    uint8_t of_key[SG_PKI_SHA256_SIZE];
    uint8_t of_cert[SG_PKI_SHA256_SIZE] = {0};
    char host[256] = "localhost";
    char *path = file_join(k->dir, "ca.pem");
    struct pki_chain chain = {.count = 0};
    enum sg_err err = path != NULL ? pki_chain_load(path, &chain) : SG_ERR_NO_MEMORY;

    if (err == SG_OK) {
        k->ca_cert = chain.cert[0];
        for (size_t i = 1; i < chain.count; i++)
            gnutls_x509_crt_deinit(chain.cert[i]);
    } else if (err == SG_ERR_NOT_FOUND) {
        (void)gethostname(host, sizeof host - 1);
        err = pki_make_ca(k->ca_key, host, clock_now_s(), &k->ca_cert);
        if (err == SG_OK)
            err = pki_chain_save(path, &k->ca_cert, 1, 0600);
    }
    if (err == SG_OK)
        err = pki_key_spki_sha256(k->ca_key, of_key);
    if (err == SG_OK)
        err = pki_cert_spki_sha256(k->ca_cert, of_cert);
    if (err == SG_OK && memcmp(of_key, of_cert, sizeof of_key) != 0)
        err = SG_ERR_CORRUPT;
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.ca_unusable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
    free(path);
    return err;
}

static enum sg_err load_ca(struct keystore *k)
{
    char *path = file_join(k->dir, "ca.key");
    enum sg_err err =
        path != NULL ? load_or_make(k->options.kek, path, "ca", &k->ca_key) : SG_ERR_NO_MEMORY;

    free(path);
    if (err == SG_OK)
        err = load_or_make_ca_cert(k);
    if (err == SG_OK)
        err = servercert_publish_ca(k->options.data, k->ca_cert);
    return err;
}

static enum sg_err load_tls(const struct keystore *k, struct tls_key *ret)
{
    struct tls_key t = {.key = NULL};
    enum sg_err err;

    if (k->options.tls_key != NULL)
        err = keyfile_load_operator(k->tls_key_path, &t.key);
    else
        err = load_or_make(k->options.kek, k->tls_key_path, "tls", &t.key);
    if (err == SG_OK)
        err = tlssign_check_key(t.key);
    if (err == SG_OK)
        err = pki_key_spki_sha256(t.key, t.spki_sha256);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.tls_key_unusable", SG_STR("path", k->tls_key_path),
                  SG_STR("error", err_code(err)));
        if (t.key != NULL)
            gnutls_privkey_deinit(t.key);
        return err;
    }
    *ret = t;
    return SG_OK;
}

/* A write that was interrupted may have left a private key under a temporary name. */
static enum sg_err remove_leftovers(const struct keystore *k)
{
    static const char *const files[] = {"server.pem", "ca.pem", "ca.crl"};
    char *tls = file_join(k->options.data, "tls");
    enum sg_err err = file_remove_temporaries(k->dir, NULL);

    if (err == SG_OK)
        err = file_remove_temporaries(k->options.data, "ca.pem");
    if (err == SG_OK && tls == NULL)
        err = SG_ERR_NO_MEMORY;
    for (size_t i = 0; err == SG_OK && i < sizeof files / sizeof files[0]; i++)
        err = file_remove_temporaries(tls, files[i]);
    free(tls);
    return err == SG_ERR_NOT_FOUND ? SG_OK : err; /* no certificate was made yet */
}

enum sg_err keystore_open(const struct keystore_options *options, struct keystore **ret)
{
    struct keystore *k = calloc(1, sizeof *k);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (k == NULL)
        return SG_ERR_NO_MEMORY;
    thread_rwlock_init(&k->lock);
    (void)pthread_mutex_init(&k->revoking, NULL);
    k->options = *options;
    k->dir = file_join(options->data, "keyring");
    if (k->dir == NULL)
        goto fail;
    k->tls_key_path =
        options->tls_key != NULL ? strdup(options->tls_key) : file_join(k->dir, "tls.key");
    if (k->tls_key_path == NULL)
        goto fail;
    err = crl_uri(options->issuer, &k->crl_uri);
    if (err == SG_OK)
        err = keyfile_check_dir(k->dir);
    if (err == SG_OK)
        err = remove_leftovers(k);
    if (err == SG_OK)
        err = load_ca(k);
    if (err == SG_OK)
        err = load_tls(k, &k->tls[CURRENT]);
    if (err == SG_OK)
        err = revoked_open(k->options.kek, k->dir, &k->revoked);
    if (err == SG_OK)
        err = tokenkeys_load(k->options.kek, k->dir, clock_now_s(), &k->tokens);
    if (err != SG_OK)
        goto fail;
    *ret = k;
    return SG_OK;
fail:
    keystore_free(k);
    return err;
}

void keystore_free(struct keystore *k)
{
    if (k == NULL)
        return;
    tokenkeys_fini(&k->tokens);
    revoked_fini(&k->revoked);
    for (size_t i = 0; i < TLS_KEYS; i++)
        if (k->tls[i].key != NULL)
            gnutls_privkey_deinit(k->tls[i].key);
    if (k->ca_cert != NULL)
        gnutls_x509_crt_deinit(k->ca_cert);
    if (k->ca_key != NULL)
        gnutls_privkey_deinit(k->ca_key);
    free(k->crl_uri);
    free(k->tls_key_path);
    free(k->dir);
    (void)pthread_mutex_destroy(&k->revoking);
    (void)pthread_rwlock_destroy(&k->lock);
    free(k);
}

/* Under revoking. */
static enum sg_err ensure_crl(struct keystore *k)
{
    const struct pki_issuer issuer = {.cert = k->ca_cert, .key = k->ca_key};
    enum sg_err err =
        crl_ensure(k->options.data, &issuer, k->revoked.list, k->revoked.count, clock_now_ns());

    k->published = err == SG_OK;
    return err;
}

enum sg_err keystore_revoke(struct keystore *k, const struct keyring_revocation *m)
{
    bool added = false;
    enum sg_err err;

    (void)pthread_mutex_lock(&k->revoking);
    err = revoked_add(&k->revoked, m, clock_now_s(), &added);
    if (err == SG_OK && (added || !k->published))
        err = ensure_crl(k);
    (void)pthread_mutex_unlock(&k->revoking);
    return err;
}

enum sg_err keystore_issue_client(struct keystore *k, const struct keyring_client_cert *m,
                                  struct buf *out)
{
    const struct pki_issuer issuer = {.cert = k->ca_cert, .key = k->ca_key};
    enum sg_err err = clientcert_issue(&issuer, k->crl_uri, m, clock_now_s(), out);

    /* Said here too, where a taken-over worker cannot keep it from being said. */
    if (err == SG_OK)
        log_write(SG_LOG_INFO, "keyring.client_certificate", SG_STR("user", m->user),
                  SG_INT("lifetime_s", m->lifetime_s));
    return err;
}

enum sg_err keystore_ensure_cert(struct keystore *k, const struct keyring_names *names,
                                 bool *ret_changed)
{
    struct servercert_request request = {
        .data = k->options.data,
        .issuer = {.cert = k->ca_cert, .key = k->ca_key},
        .key = k->tls[CURRENT].key,
        .names = names,
        .crl_uri = k->crl_uri,
        .now_s = clock_now_s(),
    };
    enum sg_err err = servercert_publish_ca(k->options.data, k->ca_cert);

    /* The one that is there serves for days yet, and the next call tries again: no reason, on a
     * full disk, to have no certificate. */
    (void)pthread_mutex_lock(&k->revoking);
    if (err == SG_OK && ensure_crl(k) != SG_OK)
        log_write(SG_LOG_WARN, "keyring.revocation_list_not_renewed");
    (void)pthread_mutex_unlock(&k->revoking);

    if (err == SG_OK && k->options.tls_key != NULL)
        *ret_changed = false; /* the certificate is the operator's too */
    else if (err == SG_OK)
        err = servercert_ensure(&request, ret_changed);
    return err;
}

enum sg_err keystore_reload(struct keystore *k)
{
    struct tls_key fresh;
    gnutls_privkey_t unused;
    enum sg_err err = load_tls(k, &fresh);

    if (err != SG_OK)
        return err;
    if (memcmp(fresh.spki_sha256, k->tls[CURRENT].spki_sha256, sizeof fresh.spki_sha256) == 0) {
        gnutls_privkey_deinit(fresh.key);
        return SG_OK;
    }
    (void)pthread_rwlock_wrlock(&k->lock);
    unused = k->tls[PREVIOUS].key;
    k->tls[PREVIOUS] = k->tls[CURRENT];
    k->tls[CURRENT] = fresh;
    (void)pthread_rwlock_unlock(&k->lock);
    if (unused != NULL)
        gnutls_privkey_deinit(unused);
    log_write(SG_LOG_INFO, "keyring.tls_key_changed", SG_STR("path", k->tls_key_path));
    return SG_OK;
}

enum sg_err keystore_rotate_tokens(struct keystore *k, bool *ret_changed)
{
    int64_t now_s = clock_now_s();
    struct tokenkeys fresh;
    struct tokenkeys old;
    enum sg_err err = SG_OK;

    if (!tokenkeys_is_due(&k->tokens, now_s)) {
        *ret_changed = false;
        return SG_OK;
    }
    if (now_s - k->tokens.entry[0].created_s >= SG_TOKEN_KEY_ROTATE_S)
        err = tokenkeys_make(k->options.kek, k->dir, now_s);
    if (err == SG_OK)
        err = tokenkeys_load(k->options.kek, k->dir, now_s, &fresh);
    if (err != SG_OK)
        return err;
    (void)pthread_rwlock_wrlock(&k->lock);
    old = k->tokens;
    k->tokens = fresh;
    (void)pthread_rwlock_unlock(&k->lock);
    tokenkeys_fini(&old);
    *ret_changed = true;
    return SG_OK;
}

enum sg_err keystore_issue_signing(struct keystore *k, gnutls_pubkey_t public_key, const char *name,
                                   struct buf *out)
{
    const struct pki_issuer issuer = {.cert = k->ca_cert, .key = k->ca_key};
    const struct pki_request request = {
        .purpose = SG_PKI_SIGNING,
        .public_key = public_key,
        .names = &name,
        .name_count = 1,
        .crl_uri = k->crl_uri,
        .now_s = clock_now_s(),
    };
    gnutls_x509_crt_t cert;
    gnutls_datum_t der;
    enum sg_err err = pki_issue(&issuer, &request, &cert);

    if (err != SG_OK)
        return err;
    err = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der) >= 0 ? SG_OK : SG_ERR_INTERNAL;
    gnutls_x509_crt_deinit(cert);
    if (err != SG_OK)
        return err;
    buf_append(out, der.data, der.size);
    gnutls_free(der.data);
    return buf_status(out);
}

/* Under the lock: the key with that SPKI, NULL when there is none. */
static gnutls_privkey_t find_tls(const struct keystore *k, const uint8_t spki_sha256[32])
{
    for (size_t i = 0; i < TLS_KEYS; i++)
        if (k->tls[i].key != NULL &&
            memcmp(k->tls[i].spki_sha256, spki_sha256, SG_PKI_SHA256_SIZE) == 0)
            return k->tls[i].key;
    return NULL;
}

enum sg_err keystore_find_tls(struct keystore *k, const uint8_t spki_sha256[32],
                              uint32_t *ret_algorithm, uint32_t *ret_bits)
{
    enum sg_err err = SG_ERR_NOT_FOUND;
    gnutls_privkey_t key;
    unsigned bits = 0;

    (void)pthread_rwlock_rdlock(&k->lock);
    key = find_tls(k, spki_sha256);
    if (key != NULL) {
        *ret_algorithm = (uint32_t)gnutls_privkey_get_pk_algorithm(key, &bits);
        *ret_bits = bits;
        err = SG_OK;
    }
    (void)pthread_rwlock_unlock(&k->lock);
    return err;
}

enum sg_err keystore_sign_tls(struct keystore *k, const struct keyring_sign_tls *m, struct buf *out)
{
    enum sg_err err = SG_ERR_NOT_FOUND;
    gnutls_privkey_t key;

    (void)pthread_rwlock_rdlock(&k->lock);
    key = find_tls(k, m->spki_sha256);
    if (key != NULL)
        err = tlssign_make(key, m->sign_algorithm, m->digest, m->digest_len, out);
    (void)pthread_rwlock_unlock(&k->lock);
    return err;
}

enum sg_err keystore_mint(struct keystore *k, const struct keyring_claims *claims, struct buf *out)
{
    enum sg_err err;

    (void)pthread_rwlock_rdlock(&k->lock);
    err = jwtmint_make(&k->tokens.entry[0], k->options.issuer, claims, clock_now_s(), out);
    (void)pthread_rwlock_unlock(&k->lock);
    return err;
}

size_t keystore_token_keys(struct keystore *k, struct token_key ret[SG_TOKEN_KEYS_MAX])
{
    size_t count;

    (void)pthread_rwlock_rdlock(&k->lock);
    count = k->tokens.count;
    for (size_t i = 0; i < count; i++)
        ret[i] = k->tokens.entry[i].public_key;
    (void)pthread_rwlock_unlock(&k->lock);
    return count;
}
