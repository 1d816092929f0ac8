/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: made, read and written as PEM; none is ever logged or written to a file from here.
 */
#include "certs/pki.h"

#include <string.h>

#include "base/buf.h"

enum sg_err pki_key_generate(enum pki_key_kind kind, gnutls_privkey_t *ret)
{
    static const struct {
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
    } kinds[] = {
        [SG_PKI_ECDSA_P256] = {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
        [SG_PKI_RSA_2048] = {GNUTLS_PK_RSA, 2048},
        [SG_PKI_RSA_3072] = {GNUTLS_PK_RSA, 3072},
        [SG_PKI_ED25519] = {GNUTLS_PK_EDDSA_ED25519,
                            GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519)},
    };
    gnutls_privkey_t key;

    if (gnutls_privkey_init(&key) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_privkey_generate(key, kinds[kind].algorithm, kinds[kind].bits, 0) < 0) {
        gnutls_privkey_deinit(key);
        return SG_ERR_INTERNAL;
    }
    *ret = key;
    return SG_OK;
}

enum sg_err pki_key_from_pem(const void *data, size_t len, gnutls_privkey_t *ret)
{
    gnutls_x509_privkey_t x509;
    gnutls_privkey_t key;
    gnutls_datum_t datum;

    if (len > SG_PKI_PEM_MAX)
        return SG_ERR_TOO_LARGE;
    if (gnutls_x509_privkey_init(&x509) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_privkey_init(&key) < 0) {
        gnutls_x509_privkey_deinit(x509);
        return SG_ERR_NO_MEMORY;
    }
    /* GnuTLS only reads it, though its type does not say so. */
    memcpy(&datum.data, &data, sizeof data);
    datum.size = (unsigned)len;
    if (gnutls_x509_privkey_import2(x509, &datum, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) <
            0 ||
        gnutls_x509_privkey_verify_params(x509) < 0) {
        gnutls_privkey_deinit(key);
        gnutls_x509_privkey_deinit(x509);
        return SG_ERR_CORRUPT;
    }
    if (gnutls_privkey_import_x509(key, x509, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE) < 0) {
        gnutls_privkey_deinit(key);
        gnutls_x509_privkey_deinit(x509);
        return SG_ERR_INTERNAL;
    }
    *ret = key;
    return SG_OK;
}

enum sg_err pki_key_to_pem(gnutls_privkey_t key, struct buf *out)
{
    gnutls_x509_privkey_t x509;
    gnutls_datum_t pem;
    int rc;

    if (gnutls_privkey_export_x509(key, &x509) < 0)
        return SG_ERR_INTERNAL;
    rc =
        gnutls_x509_privkey_export2_pkcs8(x509, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    gnutls_x509_privkey_deinit(x509);
    if (rc < 0)
        return SG_ERR_INTERNAL;
    buf_append(out, pem.data, pem.size);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return buf_status(out);
}

enum sg_err pki_key_spki_sha256(gnutls_privkey_t key, uint8_t ret[SG_PKI_SHA256_SIZE])
{
    uint8_t id[SG_PKI_SHA256_SIZE];
    size_t size = sizeof id;
    gnutls_pubkey_t public_key;
    int rc;

    if (gnutls_pubkey_init(&public_key) < 0)
        return SG_ERR_NO_MEMORY;
    rc = gnutls_pubkey_import_privkey(public_key, key, 0, 0);
    if (rc >= 0)
        rc = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, id, &size);
    gnutls_pubkey_deinit(public_key);
    if (rc < 0 || size != sizeof id)
        return SG_ERR_INTERNAL;
    memcpy(ret, id, sizeof id);
    return SG_OK;
}
