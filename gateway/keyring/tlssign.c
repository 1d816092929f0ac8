/* SPDX-License-Identifier: Apache-2.0 */
/* Signs TLS handshakes; it never signs with an algorithm that is not in its table. */
#include "keyring/tlssign.h"

#include <string.h>

#include "base/buf.h"

/* `bits` is the only curve an algorithm is for (RFC 8446, 4.2.3); 0: any. */
static const struct row {
    gnutls_sign_algorithm_t algorithm;
    gnutls_pk_algorithm_t key;
    unsigned bits;
    size_t digest_len;
} rows[] = {
    {GNUTLS_SIGN_ECDSA_SHA256, GNUTLS_PK_ECDSA, 0, 32},
    {GNUTLS_SIGN_ECDSA_SHA384, GNUTLS_PK_ECDSA, 0, 48},
    {GNUTLS_SIGN_ECDSA_SHA512, GNUTLS_PK_ECDSA, 0, 64},
    {GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, GNUTLS_PK_ECDSA, 256, 32},
    {GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, GNUTLS_PK_ECDSA, 384, 48},
    {GNUTLS_SIGN_ECDSA_SECP521R1_SHA512, GNUTLS_PK_ECDSA, 521, 64},
    {GNUTLS_SIGN_RSA_SHA256, GNUTLS_PK_RSA, 0, 32},
    {GNUTLS_SIGN_RSA_SHA384, GNUTLS_PK_RSA, 0, 48},
    {GNUTLS_SIGN_RSA_SHA512, GNUTLS_PK_RSA, 0, 64},
    {GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, GNUTLS_PK_RSA, 0, 32},
    {GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, GNUTLS_PK_RSA, 0, 48},
    {GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, GNUTLS_PK_RSA, 0, 64},
    {GNUTLS_SIGN_RSA_PSS_SHA256, GNUTLS_PK_RSA_PSS, 0, 32},
    {GNUTLS_SIGN_RSA_PSS_SHA384, GNUTLS_PK_RSA_PSS, 0, 48},
    {GNUTLS_SIGN_RSA_PSS_SHA512, GNUTLS_PK_RSA_PSS, 0, 64},
};

#define RSA_BITS_MIN 2048

enum sg_err tlssign_check_key(gnutls_privkey_t key)
{
    unsigned bits = 0;
    int kind = gnutls_privkey_get_pk_algorithm(key, &bits);

    if (kind == GNUTLS_PK_ECDSA)
        return SG_OK;
    if ((kind == GNUTLS_PK_RSA || kind == GNUTLS_PK_RSA_PSS) && bits >= RSA_BITS_MIN)
        return SG_OK;
    return SG_ERR_BAD_FIELD;
}

static const struct row *find(uint32_t algorithm)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((uint32_t)rows[i].algorithm == algorithm)
            return &rows[i];
    return NULL;
}

enum sg_err tlssign_make(gnutls_privkey_t key, uint32_t algorithm, const uint8_t *digest,
                         size_t digest_len, struct buf *out)
{
    const struct row *row = find(algorithm);
    uint8_t copy[64];
    gnutls_datum_t hash = {.data = copy, .size = (unsigned)digest_len};
    gnutls_datum_t signature;
    unsigned bits = 0;
    int kind = gnutls_privkey_get_pk_algorithm(key, &bits);

    if (row == NULL || kind != (int)row->key || (row->bits != 0 && row->bits != bits) ||
        digest_len != row->digest_len)
        return SG_ERR_BAD_FIELD;
    memcpy(copy, digest, digest_len);
    if (gnutls_privkey_sign_hash2(key, row->algorithm, 0, &hash, &signature) < 0)
        return SG_ERR_INTERNAL;
    buf_append(out, signature.data, signature.size);
    gnutls_free(signature.data);
    return buf_status(out);
}
