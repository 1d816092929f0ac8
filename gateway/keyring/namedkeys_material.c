/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs of versions: made, taken from a token, proved before they are used. */
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "base/log.h"
#include "base/rng.h"
#include "certs/pki.h"
#include "keyring/keystore.h"
#include "keyring/namedkeys_internal.h"
#include "keyring/pkcs11.h"

enum sg_err material_new(gnutls_privkey_t key, struct material **ret)
{
    struct material *m = calloc(1, sizeof *m);

    if (m == NULL)
        return SG_ERR_NO_MEMORY;
    atomic_init(&m->refs, 1);
    (void)pthread_mutex_init(&m->lock, NULL);
    m->key = key;
    *ret = m;
    return SG_OK;
}

struct material *material_ref(struct material *m)
{
    atomic_fetch_add(&m->refs, 1);
    return m;
}

void material_unref(struct material *m)
{
    if (m == NULL || atomic_fetch_sub(&m->refs, 1) > 1)
        return;
    if (m->key != NULL)
        gnutls_privkey_deinit(m->key);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

enum sg_err material_keyid(const struct material *m, uint8_t ret[32])
{
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, m->spki, m->spki_len, ret) >= 0 ? SG_OK
                                                                               : SG_ERR_INTERNAL;
}

/* Whether a key is what its type says. */
static bool is_of_type(gnutls_privkey_t key, gnutls_pubkey_t public_key, enum sig_key_type type)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    unsigned bits = 0;
    int algorithm = gnutls_privkey_get_pk_algorithm(key, &bits);

    switch (type) {
    case SG_KEY_ED25519:
        return algorithm == GNUTLS_PK_EDDSA_ED25519;
    case SG_KEY_RSA_3072:
        return algorithm == GNUTLS_PK_RSA &&
               gnutls_pubkey_get_pk_algorithm(public_key, &bits) == GNUTLS_PK_RSA && bits == 3072;
    case SG_KEY_ECDSA_P256:
        return algorithm == GNUTLS_PK_ECDSA &&
               gnutls_pubkey_export_ecc_raw(public_key, &curve, NULL, NULL) >= 0 &&
               curve == GNUTLS_ECC_CURVE_SECP256R1;
    }
    return false;
}

/* A key that makes signatures which its public key does not verify is worse than none. */
static bool is_pair(gnutls_privkey_t key, gnutls_pubkey_t public_key, enum sig_key_type type)
{
    const bool eddsa = type == SG_KEY_ED25519;
    const gnutls_sign_algorithm_t algorithm = eddsa                     ? GNUTLS_SIGN_EDDSA_ED25519
                                              : type == SG_KEY_RSA_3072 ? GNUTLS_SIGN_RSA_SHA256
                                                                        : GNUTLS_SIGN_ECDSA_SHA256;
    uint8_t bytes[32];
    const gnutls_datum_t data = {.data = bytes, .size = sizeof bytes};
    gnutls_datum_t signature = {0};
    bool ok;

    rng_bytes(bytes, sizeof bytes);
    ok = gnutls_privkey_sign_data(key, eddsa ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256, 0, &data,
                                  &signature) >= 0 &&
         gnutls_pubkey_verify_data2(public_key, algorithm, 0, &data, &signature) >= 0;
    gnutls_free(signature.data);
    return ok;
}

static enum sg_err export_spki(gnutls_pubkey_t public_key, struct material *m)
{
    gnutls_datum_t der;
    enum sg_err err = SG_OK;

    if (gnutls_pubkey_export2(public_key, GNUTLS_X509_FMT_DER, &der) < 0)
        return SG_ERR_INTERNAL;
    if (der.size > sizeof m->spki) {
        err = SG_ERR_BAD_FIELD;
    } else {
        memcpy(m->spki, der.data, der.size);
        m->spki_len = der.size;
    }
    gnutls_free(der.data);
    return err;
}

static enum sg_err certify(const struct namedkeys_options *o, const char *name,
                           gnutls_pubkey_t public_key, struct material *m)
{
    SG_BUF_CLEANUP struct buf der;
    enum sg_err err;

    buf_init(&der, sizeof m->certificate);
    if (o->keys == NULL)
        return SG_OK;
    err = keystore_issue_signing(o->keys, public_key, name, &der);
    if (err == SG_OK) {
        memcpy(m->certificate, der.data, der.len);
        m->certificate_len = der.len;
    }
    return err;
}

static enum sg_err complete(const struct namedkeys_options *o, const char *name,
                            enum sig_key_type type, struct material *m)
{
    gnutls_pubkey_t public_key;
    enum sg_err err = SG_ERR_UNAVAILABLE; /* a token whose public key cannot be had */

    if (gnutls_pubkey_init(&public_key) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_import_privkey(public_key, m->key, 0, 0) >= 0)
        err = is_of_type(m->key, public_key, type) ? SG_OK : SG_ERR_BAD_FIELD;
    if (err == SG_OK && !is_pair(m->key, public_key, type))
        err = m->uri[0] != '\0' ? SG_ERR_UNAVAILABLE : SG_ERR_INTERNAL;
    if (err == SG_OK)
        err = export_spki(public_key, m);
    if (err == SG_OK)
        err = certify(o, name, public_key, m);
    gnutls_pubkey_deinit(public_key);
    return err;
}

static enum sg_err generate(enum sig_key_type type, gnutls_privkey_t *ret)
{
    switch (type) {
    case SG_KEY_ED25519:
        return pki_key_generate(SG_PKI_ED25519, ret);
    case SG_KEY_ECDSA_P256:
        return pki_key_generate(SG_PKI_ECDSA_P256, ret);
    case SG_KEY_RSA_3072:
        return pki_key_generate(SG_PKI_RSA_3072, ret);
    }
    return SG_ERR_BAD_FIELD;
}

enum sg_err material_make(const struct namedkeys_options *o, const char *name,
                          enum sig_key_type type, const char *uri, struct material **ret)
{
    const bool in_token = *uri != '\0';
    struct material *m;
    gnutls_privkey_t key;
    enum sg_err err;

    if (in_token &&
        (type == SG_KEY_ED25519 || strlen(uri) >= SG_KEY_URI_SIZE || !pkcs11_uri_is_valid(uri)))
        return SG_ERR_BAD_FIELD;
    err = in_token ? pkcs11_load(o->pkcs11, uri, &key) : generate(type, &key);
    if (err != SG_OK)
        return err;
    err = material_new(key, &m);
    if (err != SG_OK) {
        gnutls_privkey_deinit(key);
        return err;
    }
    memcpy(m->uri, uri, strlen(uri));
    err = complete(o, name, type, m);
    if (err != SG_OK) {
        log_write(SG_LOG_WARN, "keyring.key_unusable", SG_STR("key", name), SG_STR("uri", uri),
                  SG_STR("error", err_code(err)));
        material_unref(m);
        return err;
    }
    *ret = m;
    return SG_OK;
}

/* Under the material's lock: takes the key from its token, which must have the same one still. */
static enum sg_err load_from_token(struct material *m, struct pkcs11 *p11)
{
    struct material *now;
    gnutls_pubkey_t public_key;
    gnutls_privkey_t key;
    enum sg_err err = pkcs11_load(p11, m->uri, &key);

    if (err != SG_OK)
        return err;
    err = material_new(key, &now);
    if (err != SG_OK) {
        gnutls_privkey_deinit(key);
        return err;
    }
    if (gnutls_pubkey_init(&public_key) < 0) {
        material_unref(now);
        return SG_ERR_NO_MEMORY;
    }
    if (gnutls_pubkey_import_privkey(public_key, key, 0, 0) < 0 ||
        export_spki(public_key, now) != SG_OK || now->spki_len != m->spki_len ||
        memcmp(now->spki, m->spki, m->spki_len) != 0) {
        log_write(SG_LOG_ERROR, "keyring.pkcs11_key", SG_STR("uri", m->uri),
                  SG_STR("reason", "the token has another key there now"));
        err = SG_ERR_UNAVAILABLE;
    } else {
        m->key = key;
        now->key = NULL;
    }
    gnutls_pubkey_deinit(public_key);
    material_unref(now);
    return err;
}

enum sg_err material_key(struct material *m, struct pkcs11 *p11, gnutls_privkey_t *ret)
{
    enum sg_err err = SG_OK;

    if (m->uri[0] == '\0') {
        *ret = m->key;
        return SG_OK;
    }
    (void)pthread_mutex_lock(&m->lock);
    if (m->key == NULL)
        err = load_from_token(m, p11);
    if (err == SG_OK)
        *ret = m->key;
    (void)pthread_mutex_unlock(&m->lock);
    return err;
}
