/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate bundles whose key is elsewhere; no private key is ever read here. */
#include "http/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "http/tls_session.h"

#define CHAIN_MAX     10
#define SIGNATURE_MAX 1024 /* RSA-8192 */
#define TRUSTS_MAX    64
#define PEM_MAX       (1024 * 1024) /* bytes of one set of CAs */

struct tls_bundle {
    atomic_int refs;
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t leaf; /* DER */
    struct tls_signer signer;
    uint8_t spki_sha256[32];
    gnutls_pk_algorithm_t algorithm;
    uint32_t bits;
    size_t trusts;
    gnutls_x509_trust_list_t trusted[TRUSTS_MAX];
    uint8_t trusted_sha256[TRUSTS_MAX][32]; /* of their texts */
};

gnutls_certificate_credentials_t tls_bundle_credentials(const struct tls_bundle *b)
{
    return b->credentials;
}

gnutls_datum_t tls_bundle_leaf(const struct tls_bundle *b)
{
    return b->leaf;
}

size_t tls_bundle_trusts(const struct tls_bundle *b)
{
    return b->trusts;
}

gnutls_x509_trust_list_t tls_bundle_trusted(const struct tls_bundle *b, size_t i)
{
    return b->trusted[i];
}

const uint8_t *tls_bundle_trusted_sha256(const struct tls_bundle *b, size_t i)
{
    return b->trusted_sha256[i];
}

/* Only what the priority string allows is offered; plain RSA (PKCS#1) would be a signature over raw
 * bytes, which a key holder should not be asked for. */
static int have_sign(const struct tls_bundle *b, gnutls_sign_algorithm_t sign)
{
    switch ((int)sign) {
    case GNUTLS_SIGN_ECDSA_SHA256:
    case GNUTLS_SIGN_ECDSA_SECP256R1_SHA256:
        return b->algorithm == GNUTLS_PK_ECDSA && b->bits == 256;
    case GNUTLS_SIGN_ECDSA_SHA384:
    case GNUTLS_SIGN_ECDSA_SECP384R1_SHA384:
        return b->algorithm == GNUTLS_PK_ECDSA && b->bits == 384;
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA256:
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA384:
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA512:
        return b->algorithm == GNUTLS_PK_RSA;
    case GNUTLS_SIGN_RSA_PSS_SHA256:
    case GNUTLS_SIGN_RSA_PSS_SHA384:
    case GNUTLS_SIGN_RSA_PSS_SHA512:
        return b->algorithm == GNUTLS_PK_RSA_PSS;
    default:
        return 0;
    }
}

static int key_info(gnutls_privkey_t key, unsigned flags, void *userdata)
{
    const struct tls_bundle *b = userdata;

    (void)key;
    if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO) != 0)
        return (int)b->algorithm;
    if ((flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS) != 0)
        return (int)b->bits;
    if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) != 0)
        return have_sign(b, (gnutls_sign_algorithm_t)GNUTLS_FLAGS_TO_SIGN_ALGO(flags));
    return -1;
}

static int key_sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm, void *userdata,
                         unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *signature)
{
    const struct tls_bundle *b = userdata;
    uint8_t out[SIGNATURE_MAX];
    size_t len = 0;

    (void)key;
    (void)flags;
    if (!have_sign(b, algorithm) ||
        b->signer.sign(b->signer.ctx, b->spki_sha256, (uint32_t)algorithm, hash->data, hash->size,
                       out, sizeof out, &len) != SG_OK ||
        len > sizeof out)
        return GNUTLS_E_PK_SIGN_FAILED;
    signature->data = gnutls_malloc(len);
    if (signature->data == NULL)
        return GNUTLS_E_MEMORY_ERROR;
    memcpy(signature->data, out, len);
    signature->size = (unsigned)len;
    return 0;
}

/* Keeps a copy of the leaf, the digest of its public key, and asks the key holder for the key. */
static enum sg_err read_leaf(struct tls_bundle *b, gnutls_pcert_st *leaf)
{
    gnutls_x509_crt_t crt;
    size_t len = sizeof b->spki_sha256;
    uint32_t algorithm = 0;
    int rc;
    enum sg_err err;

    b->leaf.data = malloc(leaf->cert.size);
    if (b->leaf.data == NULL)
        return SG_ERR_NO_MEMORY;
    memcpy(b->leaf.data, leaf->cert.data, leaf->cert.size);
    b->leaf.size = leaf->cert.size;
    if (gnutls_pcert_export_x509(leaf, &crt) != 0)
        return SG_ERR_BAD_FIELD;
    rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, b->spki_sha256, &len);
    gnutls_x509_crt_deinit(crt);
    if (rc != 0 || len != sizeof b->spki_sha256)
        return SG_ERR_BAD_FIELD;
    err = b->signer.has_key(b->signer.ctx, b->spki_sha256, &algorithm, &b->bits);
    if (err != SG_OK)
        return err;
    b->algorithm = (gnutls_pk_algorithm_t)algorithm;
    if (b->algorithm != GNUTLS_PK_ECDSA && b->algorithm != GNUTLS_PK_RSA &&
        b->algorithm != GNUTLS_PK_RSA_PSS)
        return SG_ERR_BAD_FIELD; /* Ed25519 signs no digests */
    return SG_OK;
}

static enum sg_err make_credentials(struct tls_bundle *b, gnutls_pcert_st *chain, unsigned count)
{
    gnutls_privkey_t key;
    int rc;

    if (gnutls_certificate_allocate_credentials(&b->credentials) != 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_privkey_init(&key) != 0)
        return SG_ERR_NO_MEMORY;
    rc = gnutls_privkey_import_ext4(key, b, NULL, key_sign_hash, NULL, NULL, key_info, 0);
    if (rc != 0) {
        gnutls_privkey_deinit(key);
        return SG_ERR_INTERNAL;
    }
    /* Takes key and certificates; it signs once to see that they belong together. */
    rc = gnutls_certificate_set_key(b->credentials, NULL, 0, chain, (int)count, key);
    if (rc < 0) {
        gnutls_privkey_deinit(key);
        for (unsigned i = 0; i < count; i++)
            gnutls_pcert_deinit(&chain[i]);
        return rc == GNUTLS_E_MEMORY_ERROR ? SG_ERR_NO_MEMORY : SG_ERR_BAD_FIELD;
    }
    return SG_OK;
}

enum sg_err tls_bundle_load(const char *chain_pem, size_t len, const struct tls_signer *signer,
                            struct tls_bundle **ret)
{
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    gnutls_datum_t pem = {.size = (unsigned)len};
    enum sg_err err;
    struct tls_bundle *b = calloc(1, sizeof *b);

    if (b == NULL)
        return SG_ERR_NO_MEMORY;
    atomic_init(&b->refs, 1);
    b->signer = *signer;
    pem.data = malloc(len + 1);
    if (pem.data == NULL) {
        free(b);
        return SG_ERR_NO_MEMORY;
    }
    memcpy(pem.data, chain_pem, len);
    pem.data[len] = '\0';
    if (gnutls_pcert_list_import_x509_raw(chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0) != 0 ||
        count == 0) {
        free(pem.data);
        free(b);
        return SG_ERR_BAD_FIELD;
    }
    free(pem.data);
    err = read_leaf(b, &chain[0]);
    if (err == SG_OK) {
        err = make_credentials(b, chain, count);
    } else {
        for (unsigned i = 0; i < count; i++)
            gnutls_pcert_deinit(&chain[i]);
    }
    if (err != SG_OK) {
        tls_bundle_unref(b);
        return err;
    }
    *ret = b;
    return SG_OK;
}

/* Whoever is no CA's vouches for nobody but itself. */
static bool are_cas(const gnutls_x509_crt_t *crts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (gnutls_x509_crt_get_ca_status(crts[i], NULL) <= 0)
            return false;
    return count > 0;
}

/* The list takes the certificates. */
static enum sg_err trust_new(gnutls_x509_crt_t *crts, unsigned count, gnutls_x509_trust_list_t *ret)
{
    gnutls_x509_trust_list_t list;

    if (gnutls_x509_trust_list_init(&list, count) != 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_x509_trust_list_add_cas(list, crts, count, 0) < (int)count) {
        gnutls_x509_trust_list_deinit(list, 0);
        return SG_ERR_NO_MEMORY;
    }
    *ret = list;
    return SG_OK;
}

enum sg_err tls_bundle_trust(struct tls_bundle *b, const char *pem, size_t len)
{
    SG_BUF_CLEANUP struct buf copy;
    gnutls_x509_crt_t *crts = NULL;
    gnutls_datum_t text;
    unsigned count = 0;
    enum sg_err err = SG_ERR_BAD_FIELD;

    buf_init(&copy, PEM_MAX);
    if (b->trusts == TRUSTS_MAX)
        return SG_ERR_TOO_LARGE;
    buf_append(&copy, pem, len);
    if (buf_status(&copy) != SG_OK)
        return buf_status(&copy);
    text = (gnutls_datum_t){copy.data, (unsigned)copy.len};
    if (gnutls_x509_crt_list_import2(&crts, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 0)
        return SG_ERR_BAD_FIELD;
    /* The credentials' own copies are what clients are told the names of. */
    if (are_cas(crts, count) &&
        gnutls_hash_fast(GNUTLS_DIG_SHA256, pem, len, b->trusted_sha256[b->trusts]) == 0 &&
        gnutls_certificate_set_x509_trust(b->credentials, crts, (int)count) >= 0)
        err = trust_new(crts, count, &b->trusted[b->trusts]);
    if (err == SG_OK)
        b->trusts++;
    else
        for (unsigned i = 0; i < count; i++)
            gnutls_x509_crt_deinit(crts[i]);
    gnutls_free(crts);
    return err;
}

struct tls_bundle *tls_bundle_ref(struct tls_bundle *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void tls_bundle_unref(struct tls_bundle *b)
{
    if (b == NULL || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    for (size_t i = 0; i < b->trusts; i++)
        gnutls_x509_trust_list_deinit(b->trusted[i], 1);
    if (b->credentials != NULL)
        gnutls_certificate_free_credentials(b->credentials);
    free(b->leaf.data);
    free(b);
}
