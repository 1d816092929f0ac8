/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests: exactly one block of PEM is taken out of the text by hand, so that what is
 * parsed is what was meant; GnuTLS reads the DER. */
#include "core/csr.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#define BEGIN     "-----BEGIN CERTIFICATE REQUEST-----"
#define BEGIN_NEW "-----BEGIN NEW CERTIFICATE REQUEST-----" /* of older tools */
#define ANY_BEGIN "-----BEGIN "

static const char *find(const char *text, size_t len, const char *what)
{
    return memmem(text, len, what, strlen(what));
}

/* One block of the right kind, and no other. What stands around it is for people (RFC 7468, 2). */
static bool has_one_block(const char *text, size_t len)
{
    const char *first = find(text, len, ANY_BEGIN);
    size_t left;

    if (first == NULL)
        return false;
    left = len - (size_t)(first - text);
    if (find(first, left, BEGIN) != first && find(first, left, BEGIN_NEW) != first)
        return false;
    return find(first + 1, left - 1, ANY_BEGIN) == NULL;
}

static const char *find_key_fault(gnutls_pubkey_t key)
{
    unsigned bits = 0;
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

    switch (gnutls_pubkey_get_pk_algorithm(key, &bits)) {
    case GNUTLS_PK_RSA:
        return bits >= 2048 && bits <= 4096 ? NULL : "an RSA key has 2048 to 4096 bits";
    case GNUTLS_PK_ECDSA:
        if (gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0) >= 0 &&
            (curve == GNUTLS_ECC_CURVE_SECP256R1 || curve == GNUTLS_ECC_CURVE_SECP384R1))
            return NULL;
        return "an ECDSA key is on P-256 or P-384";
    case GNUTLS_PK_EDDSA_ED25519:
        return NULL;
    default:
        return "the key must be ECDSA (P-256, P-384), Ed25519 or RSA";
    }
}

static enum sg_err refuse(const char *reason, const char **ret_reason)
{
    *ret_reason = reason;
    return SG_ERR_BAD_CSR;
}

static enum sg_err take_key(gnutls_x509_crq_t crq, gnutls_pubkey_t key,
                            uint8_t ret_spki[SG_CSR_SPKI_MAX], size_t *ret_len,
                            const char **ret_reason)
{
    uint8_t spki[SG_CSR_SPKI_MAX];
    size_t size = sizeof spki;
    const char *fault;

    if (gnutls_pubkey_import_x509_crq(key, crq, 0) < 0)
        return refuse("it has no public key of a known kind", ret_reason);
    fault = find_key_fault(key);
    if (fault != NULL)
        return refuse(fault, ret_reason);
    if (!gnutls_sign_is_secure2(
            (gnutls_sign_algorithm_t)gnutls_x509_crq_get_signature_algorithm(crq),
            GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS))
        return refuse("its signature is made with a hash that is broken", ret_reason);
    if (gnutls_x509_crq_verify(crq, 0) < 0)
        return refuse("its signature does not verify with its key", ret_reason);
    if (gnutls_pubkey_export(key, GNUTLS_X509_FMT_DER, spki, &size) < 0)
        return refuse("its public key is too large", ret_reason);
    memcpy(ret_spki, spki, size);
    *ret_len = size;
    return SG_OK;
}

enum sg_err csr_read(const char *text, size_t len, uint8_t ret_spki[SG_CSR_SPKI_MAX],
                     size_t *ret_len, const char **ret_reason)
{
    gnutls_datum_t pem = {.size = (unsigned)len};
    gnutls_x509_crq_t crq = NULL;
    gnutls_pubkey_t key = NULL;
    enum sg_err err;

    if (len > SG_CSR_MAX)
        return refuse("it is larger than 16 KiB", ret_reason);
    if (!has_one_block(text, len))
        return refuse("it is not one PEM block CERTIFICATE REQUEST", ret_reason);
    memcpy(&pem.data, &text, sizeof pem.data); /* only read */
    if (gnutls_x509_crq_init(&crq) < 0)
        return SG_ERR_NO_MEMORY;
    if (gnutls_pubkey_init(&key) < 0) {
        gnutls_x509_crq_deinit(crq);
        return SG_ERR_NO_MEMORY;
    }
    if (gnutls_x509_crq_import(crq, &pem, GNUTLS_X509_FMT_PEM) < 0)
        err = refuse("it is no PKCS#10 request", ret_reason);
    else
        err = take_key(crq, key, ret_spki, ret_len, ret_reason);
    gnutls_pubkey_deinit(key);
    gnutls_x509_crq_deinit(crq);
    return err;
}
