/* SPDX-License-Identifier: Apache-2.0 */
/* Verifies bare signatures: the one place where a public key is used. Lengths and encodings are
 * looked at before the library sees them. */
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "sigfmt/internal.h"

static gnutls_sign_algorithm_t algorithm(enum sig_key_type type, enum sig_over over)
{
    if (type == SG_KEY_ED25519)
        return GNUTLS_SIGN_EDDSA_ED25519;
    if (type == SG_KEY_ECDSA_P256)
        return over == SG_OVER_SHA512 ? GNUTLS_SIGN_ECDSA_SHA512 : GNUTLS_SIGN_ECDSA_SHA256;
    return over == SG_OVER_SHA512 ? GNUTLS_SIGN_RSA_SHA512 : GNUTLS_SIGN_RSA_SHA256;
}

static bool length_fits(const struct sig_public *key, const uint8_t *signature, size_t len)
{
    const uint8_t *part[2];
    size_t part_len[2];
    unsigned bits = 0;

    if (key->type == SG_KEY_ED25519)
        return len == 64;
    if (key->type == SG_KEY_ECDSA_P256)
        return len <= 72 && sigfmt_ecdsa_split(signature, len, part, part_len);
    (void)gnutls_pubkey_get_pk_algorithm(key->handle, &bits);
    return len == (bits + 7) / 8;
}

enum sig_reason sigfmt_check(const struct sig_public *key, enum sig_over over, const void *data,
                             size_t len, const uint8_t *signature, size_t signature_len)
{
    gnutls_datum_t in = {.size = (unsigned)len};
    gnutls_datum_t of = {.size = (unsigned)signature_len};
    int rc;

    if (len > SG_SIGFMT_TEXT_MAX || !length_fits(key, signature, signature_len))
        return SG_SIG_INVALID;
    /* GnuTLS only reads; its type has no const. */
    memcpy(&in.data, &data, sizeof data);
    memcpy(&of.data, &signature, sizeof signature);
    if (over == SG_OVER_DIGEST_SHA256 && key->type != SG_KEY_ED25519) {
        if (len != 32)
            return SG_SIG_INVALID;
        rc = gnutls_pubkey_verify_hash2(key->handle, algorithm(key->type, over), 0, &in, &of);
    } else {
        rc = gnutls_pubkey_verify_data2(key->handle, algorithm(key->type, over), 0, &in, &of);
    }
    return rc >= 0 ? SG_SIG_VALID : SG_SIG_INVALID;
}

enum sig_reason sig_verify_bytes(const struct sig_public *key, const void *data, size_t len,
                                 const uint8_t *signature, size_t signature_len)
{
    return sigfmt_check(key, SG_OVER_SHA256, data, len, signature, signature_len);
}
