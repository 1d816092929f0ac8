/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All private keys of the gateway. Two locks, neither taken under the other: `lock` in struct
 * keystore, read-locked for signing and write-locked for the moment of a change, and `revoking`
 * around the list of revoked certificates and its files. Calls marked "control"
 * are made by the control thread alone; the others by any thread.
 */
#ifndef SG_KEYRING_KEYSTORE_H
#define SG_KEYRING_KEYSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "base/buf.h"
#include "base/err.h"
#include "ipc/keyring.h"

struct kek;
struct keyring_client_cert;
struct keyring_revocation;
struct keystore;

struct keystore_options {
    const char *data;      /* the data directory */
    const struct kek *kek; /* what the keys are sealed under */
    const char *issuer;    /* claim `iss` of the tokens */
    const char
        *tls_key; /* the operator's key file; NULL: DATA/keyring/tls.key, made when missing */
};

/* Opens the keys of DATA/keyring and makes those that are missing; writes DATA/ca.pem. The options'
 * strings are borrowed for the keystore's life. What is wrong with a file is logged. */
enum sg_err keystore_open(const struct keystore_options *options,
                          struct keystore **ret) SG_MUST_CHECK;
/* Wipes the keys. No call may be in progress. NULL is legal. */
void keystore_free(struct keystore *k);

/* Control: issues DATA/tls/server.pem if it is missing, does not fit the key, the names or the
 * issuer's address, or has less than a third of its life left; never when the operator supplies the
 * key. Renews DATA/tls/ca.crl when it is due; that this failed is logged only. */
enum sg_err keystore_ensure_cert(struct keystore *k, const struct keyring_names *names,
                                 bool *ret_changed) SG_MUST_CHECK;

/* Control: reads the TLS key again; the former one keeps signing. After an error nothing has
 * changed. */
enum sg_err keystore_reload(struct keystore *k) SG_MUST_CHECK;

/* Control: makes a new token key if the current one is due, drops those that are no longer needed.
 */
enum sg_err keystore_rotate_tokens(struct keystore *k, bool *ret_changed) SG_MUST_CHECK;

/* Appends a certificate (DER) by the CA for the named signing key. Any thread. */
enum sg_err keystore_issue_signing(struct keystore *k, gnutls_pubkey_t public_key, const char *name,
                                   struct buf *out) SG_MUST_CHECK;

/* Appends a client certificate (DER); keyring/clientcert.h. Any thread. */
enum sg_err keystore_issue_client(struct keystore *k, const struct keyring_client_cert *m,
                                  struct buf *out) SG_MUST_CHECK;
/* Puts a client certificate on the revocation list, which is published on return. Again is no
 * error. SG_ERR_BAD_FIELD, SG_ERR_LIMIT. Any thread. */
enum sg_err keystore_revoke(struct keystore *k, const struct keyring_revocation *m) SG_MUST_CHECK;

/* The algorithm (gnutls_pk_algorithm_t) and size of the TLS key with that SPKI; SG_ERR_NOT_FOUND.
 */
enum sg_err keystore_find_tls(struct keystore *k, const uint8_t spki_sha256[32],
                              uint32_t *ret_algorithm, uint32_t *ret_bits) SG_MUST_CHECK;

/* Appends the signature. SG_ERR_NOT_FOUND (key), SG_ERR_BAD_FIELD (algorithm, digest length). */
enum sg_err keystore_sign_tls(struct keystore *k, const struct keyring_sign_tls *m,
                              struct buf *out) SG_MUST_CHECK;

/* Appends an access token. SG_ERR_BAD_FIELD for a claim that is not of its form. */
enum sg_err keystore_mint(struct keystore *k, const struct keyring_claims *claims,
                          struct buf *out) SG_MUST_CHECK;

/* Copies the public token keys, the current one first. */
size_t keystore_token_keys(struct keystore *k, struct token_key ret[SG_TOKEN_KEYS_MAX]);

#endif
