/* SPDX-License-Identifier: Apache-2.0 */
/* Issues client certificates; subject and extensions are composed here, never taken from a
 * request. */
#include "keyring/clientcert.h"

#include <string.h>

/* Keys that TLS clients of today have and that are strong enough. */
static bool is_good_key(gnutls_pubkey_t key)
{
    unsigned bits = 0;
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

    switch (gnutls_pubkey_get_pk_algorithm(key, &bits)) {
    case GNUTLS_PK_RSA:
        return bits >= 2048 && bits <= 4096;
    case GNUTLS_PK_ECDSA:
        return gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0) >= 0 &&
               (curve == GNUTLS_ECC_CURVE_SECP256R1 || curve == GNUTLS_ECC_CURVE_SECP384R1);
    case GNUTLS_PK_EDDSA_ED25519:
        return true;
    default:
        return false;
    }
}

/* The key of the bytes, of which none is left over. */
static enum sg_err import_key(const struct keyring_client_cert *m, gnutls_pubkey_t *ret)
{
    gnutls_datum_t der = {.size = (unsigned)m->spki_len};
    gnutls_datum_t again = {0};
    gnutls_pubkey_t key;
    bool ok;

    memcpy(&der.data, &(const uint8_t *){m->spki}, sizeof der.data); /* only read */
    if (gnutls_pubkey_init(&key) < 0)
        return SG_ERR_NO_MEMORY;
    ok = gnutls_pubkey_import(key, &der, GNUTLS_X509_FMT_DER) >= 0 && is_good_key(key) &&
         gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &again) >= 0 &&
         again.size == m->spki_len && memcmp(again.data, m->spki, m->spki_len) == 0;
    gnutls_free(again.data);
    if (!ok) {
        gnutls_pubkey_deinit(key);
        return SG_ERR_BAD_FIELD;
    }
    *ret = key;
    return SG_OK;
}

enum sg_err clientcert_issue(const struct pki_issuer *issuer, const char *crl_uri,
                             const struct keyring_client_cert *m, int64_t now_s, struct buf *out)
{
    const char *user = m->user;
    struct pki_request request = {.purpose = SG_PKI_CLIENT,
                                  .names = &user,
                                  .name_count = 1,
                                  .lifetime_s = m->lifetime_s,
                                  .crl_uri = crl_uri,
                                  .now_s = now_s};
    gnutls_x509_crt_t cert = NULL;
    gnutls_datum_t der = {0};
    enum sg_err err = import_key(m, &request.public_key);

    if (err != SG_OK)
        return err;
    err = pki_issue(issuer, &request, &cert);
    gnutls_pubkey_deinit(request.public_key);
    if (err != SG_OK)
        return err;
    if (gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der) < 0)
        err = SG_ERR_INTERNAL;
    gnutls_x509_crt_deinit(cert);
    if (err == SG_OK)
        buf_append(out, der.data, der.size);
    gnutls_free(der.data);
    return err == SG_OK ? buf_status(out) : err;
}
