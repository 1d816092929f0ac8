/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about certificates, and their PEM files; it never changes a certificate. */
#include "certs/pki.h"

#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#define DAY_S 86400

bool pki_covers(gnutls_x509_crt_t cert, const char *name)
{
    return gnutls_x509_crt_check_hostname2(cert, name, 0) != 0;
}

bool pki_has_crl_uri(gnutls_x509_crt_t cert, const char *uri)
{
    char found[SG_PKI_URI_SIZE];
    char second[SG_PKI_URI_SIZE];
    size_t size = sizeof found;
    size_t second_size = sizeof second;
    int type = gnutls_x509_crt_get_crl_dist_points(cert, 0, found, &size, NULL, NULL);

    if (uri == NULL || type < 0)
        return uri == NULL && type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
    return type == GNUTLS_SAN_URI && size == strlen(uri) && memcmp(found, uri, size) == 0 &&
           gnutls_x509_crt_get_crl_dist_points(cert, 1, second, &second_size, NULL, NULL) ==
               GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

int64_t pki_seconds_left(gnutls_x509_crt_t cert, int64_t now_s)
{
    return (int64_t)gnutls_x509_crt_get_expiration_time(cert) - now_s;
}

int64_t pki_lifetime_s(gnutls_x509_crt_t cert)
{
    return (int64_t)gnutls_x509_crt_get_expiration_time(cert) -
           (int64_t)gnutls_x509_crt_get_activation_time(cert);
}

int64_t pki_days_left(gnutls_x509_crt_t cert, int64_t now_s)
{
    int64_t left = pki_seconds_left(cert, now_s);

    return left / DAY_S - (left % DAY_S < 0);
}

bool pki_is_issued_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca)
{
    unsigned status = GNUTLS_CERT_INVALID;

    if (gnutls_x509_crt_check_issuer(cert, ca) == 0)
        return false;
    /* Whether it is valid today is another question. */
    return gnutls_x509_crt_verify(cert, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 &&
           status == 0;
}

enum sg_err pki_cert_sha256(gnutls_x509_crt_t cert, uint8_t ret[SG_PKI_SHA256_SIZE])
{
    uint8_t digest[SG_PKI_SHA256_SIZE];
    size_t size = sizeof digest;

    if (gnutls_x509_crt_get_fingerprint(cert, GNUTLS_DIG_SHA256, digest, &size) < 0)
        return SG_ERR_INTERNAL;
    memcpy(ret, digest, sizeof digest);
    return SG_OK;
}

enum sg_err pki_cert_spki_sha256(gnutls_x509_crt_t cert, uint8_t ret[SG_PKI_SHA256_SIZE])
{
    uint8_t digest[SG_PKI_SHA256_SIZE];
    size_t size = sizeof digest;

    if (gnutls_x509_crt_get_key_id(cert, GNUTLS_KEYID_USE_SHA256, digest, &size) < 0)
        return SG_ERR_INTERNAL;
    memcpy(ret, digest, sizeof digest);
    return SG_OK;
}

void pki_chain_fini(struct pki_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        gnutls_x509_crt_deinit(chain->cert[i]);
    *chain = (struct pki_chain){.count = 0};
}

enum sg_err pki_chain_load(const char *path, struct pki_chain *ret)
{
    SG_BUF_CLEANUP struct buf b;
    struct pki_chain chain = {.count = 0};
    unsigned count = SG_PKI_CHAIN_MAX;
    gnutls_datum_t datum;
    enum sg_err err;
    int rc;

    buf_init(&b, SG_PKI_PEM_MAX);
    err = file_read(path, &b);
    if (err != SG_OK)
        return err;
    datum = (gnutls_datum_t){.data = b.data, .size = (unsigned)b.len};
    if (b.len == 0)
        return SG_ERR_CORRUPT;
    rc = gnutls_x509_crt_list_import(chain.cert, &count, &datum, GNUTLS_X509_FMT_PEM,
                                     GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (rc <= 0)
        return rc == GNUTLS_E_SHORT_MEMORY_BUFFER ? SG_ERR_TOO_LARGE : SG_ERR_CORRUPT;
    chain.count = (size_t)rc;
    *ret = chain;
    return SG_OK;
}

enum sg_err pki_chain_to_pem(const gnutls_x509_crt_t *certs, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        gnutls_datum_t pem;

        if (gnutls_x509_crt_export2(certs[i], GNUTLS_X509_FMT_PEM, &pem) < 0)
            return SG_ERR_INTERNAL;
        buf_append(out, pem.data, pem.size);
        gnutls_free(pem.data);
    }
    return buf_status(out);
}

enum sg_err pki_chain_save(const char *path, const gnutls_x509_crt_t *certs, size_t count,
                           mode_t mode)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;

    buf_init(&b, SG_PKI_PEM_MAX);
    err = pki_chain_to_pem(certs, count, &b);
    if (err == SG_OK)
        err = file_write_atomic(path, b.data, b.len, mode);
    return err;
}
