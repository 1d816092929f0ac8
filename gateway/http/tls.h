/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate that new connections get, and whose certificates of clients count: an immutable,
 * reference-counted bundle of chain, external key and trust. The private key is elsewhere: a sign
 * function is called for each full handshake, from event loop threads.
 */
#ifndef SG_HTTP_TLS_H
#define SG_HTTP_TLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tls_bundle;

struct tls_signer {
    void *ctx; /* must outlive every bundle made with it */
    /* Key algorithm (gnutls_pk_algorithm_t) and bits of the private key that belongs to this public
     * key; an error when the key holder has none: the bundle is then refused (certificate and key
     * do not match). */
    enum sg_err (*has_key)(void *ctx, const uint8_t spki_sha256[32], uint32_t *ret_algorithm,
                           uint32_t *ret_bits);
    /* Signs a handshake digest with a gnutls_sign_algorithm_t. */
    enum sg_err (*sign)(void *ctx, const uint8_t spki_sha256[32], uint32_t sign_algorithm,
                        const uint8_t *digest, size_t digest_len, uint8_t *ret_signature,
                        size_t cap, size_t *ret_len);
};

/* Reads a PEM chain (leaf first). SG_ERR_BAD_FIELD when it is not one, NOT_FOUND when the key
 * holder lacks the key, expired certificates are accepted with a warning by the caller's log. */
enum sg_err tls_bundle_load(const char *chain_pem, size_t len, const struct tls_signer *signer,
                            struct tls_bundle **ret) SG_MUST_CHECK;
/* Trusts the CAs in a PEM text (one or more certificates) for clients' certificates; before the
 * bundle is given to a server, as often as there are sets of CAs that must be told apart (at most
 * 64): they are numbered from 0. A bundle that trusts none does not ask clients for a certificate;
 * else they are asked, told the names of the CAs, and may decline. SG_ERR_BAD_FIELD when it is no
 * such text, or one of the certificates is no CA's. */
enum sg_err tls_bundle_trust(struct tls_bundle *b, const char *pem, size_t len) SG_MUST_CHECK;
struct tls_bundle *tls_bundle_ref(struct tls_bundle *b);
void tls_bundle_unref(struct tls_bundle *b);

#endif
