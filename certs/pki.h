/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small PKI: keys, a certificate authority, certificates and revocation lists that it issues
 * (RFC 5280), and questions about them. No function here keeps state or reads a clock; the caller
 * says what time it is. Any thread may call; a key or certificate may be used by several threads as
 * long as none frees it.
 */
#ifndef SG_CERTS_PKI_H
#define SG_CERTS_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/err.h"

struct buf;

#define SG_PKI_SHA256_SIZE   32
#define SG_PKI_CHAIN_MAX     8           /* certificates in one PEM file */
#define SG_PKI_PEM_MAX       (64 * 1024) /* bytes of one PEM file */
#define SG_PKI_CA_LIFE_S     (INT64_C(3650) * 86400)
#define SG_PKI_SERVER_LIFE_S (INT64_C(397) * 86400)
#define SG_PKI_CLIENT_LIFE_S (INT64_C(90) * 86400) /* at most */
#define SG_PKI_NAME_MAX      64                    /* bytes of a signing key's or user's name */
#define SG_PKI_BACKDATE_S    3600          /* not_before lies this far back, for slow clocks */
#define SG_PKI_CRL_MAX       (1024 * 1024) /* bytes of one revocation list */
#define SG_PKI_CRL_LIFE_S    (INT64_C(7) * 86400)
#define SG_PKI_URI_SIZE      512 /* of a distribution point, with its NUL */

/* -- private keys ------------------------------------------------------------------------------ */

enum pki_key_kind { SG_PKI_ECDSA_P256, SG_PKI_RSA_2048, SG_PKI_RSA_3072, SG_PKI_ED25519 };

/* Makes a key; the caller frees it with gnutls_privkey_deinit. */
enum sg_err pki_key_generate(enum pki_key_kind kind, gnutls_privkey_t *ret) SG_MUST_CHECK;

/* Reads an unencrypted PEM key (PKCS#8, PKCS#1 or SEC 1). SG_ERR_CORRUPT when it is none. */
enum sg_err pki_key_from_pem(const void *data, size_t len, gnutls_privkey_t *ret) SG_MUST_CHECK;

/* Appends the key as PKCS#8 PEM; use buf_wipe on the buffer, whose cap is SG_PKI_PEM_MAX. */
enum sg_err pki_key_to_pem(gnutls_privkey_t key, struct buf *out) SG_MUST_CHECK;

/* The SHA-256 of the key's SubjectPublicKeyInfo (DER), by which a key and a certificate are
 * matched. */
enum sg_err pki_key_spki_sha256(gnutls_privkey_t key,
                                uint8_t ret[SG_PKI_SHA256_SIZE]) SG_MUST_CHECK;

/* -- certificates ------------------------------------------------------------------------------ */

/* What a certificate is for; each kind has its own extensions and life (certs/README.md). */
enum pki_purpose { SG_PKI_SERVER, SG_PKI_SIGNING, SG_PKI_CLIENT };
#define SG_PKI_USER_URI                                                                            \
    "urn:secgate:user:" /* a client certificate's alternative name is this + user */

/* Who issues: a CA certificate and its key; both are borrowed. */
struct pki_issuer {
    gnutls_x509_crt_t cert;
    gnutls_privkey_t key;
};

/* What to issue. All pointers are borrowed. */
struct pki_request {
    enum pki_purpose purpose;
    gnutls_pubkey_t public_key;
    const char *const *names; /* server: DNS names and IP addresses, 1 or more; the first is the
                                 subject; signing: the key's name, the subject; client: the
                                 user's name, the subject */
    size_t name_count;
    int64_t lifetime_s; /* client: up to SG_PKI_CLIENT_LIFE_S; the others have lives of their own */
    const char *crl_uri; /* where the issuer's revocation list is; NULL: not said */
    int64_t now_s;       /* seconds since 1970 */
};

/* Makes the self-signed CA certificate "secgate CA HOST" of `key`: keyCertSign and cRLSign, path
 * length 0. Freed with gnutls_x509_crt_deinit. */
enum sg_err pki_make_ca(gnutls_privkey_t key, const char *host, int64_t now_s,
                        gnutls_x509_crt_t *ret) SG_MUST_CHECK;

/* Issues a certificate. SG_ERR_BAD_FIELD for a name that is not of its form (server: a DNS name or
 * an address; signing and client: letters, digits, ".", "_", "-") or a life that is too long,
 * SG_ERR_CONFLICT when the CA certificate is
 * not valid at that time. It never outlives the CA. */
enum sg_err pki_issue(const struct pki_issuer *issuer, const struct pki_request *request,
                      gnutls_x509_crt_t *ret) SG_MUST_CHECK;

/* Whether the text is a DNS name (letters, digits, inner hyphens; "*." may stand before two labels
 * or more) or an IP address. */
bool pki_name_is_valid(const char *name);

/* Whether a client that connects to `name` (DNS name or address) would accept the certificate's
 * names. */
bool pki_covers(gnutls_x509_crt_t cert, const char *name);

/* Whether the certificate names exactly this place of the issuer's revocation list (NULL: none). */
bool pki_has_crl_uri(gnutls_x509_crt_t cert, const char *uri);

/* Seconds until it expires (negative: since), and in all. */
int64_t pki_seconds_left(gnutls_x509_crt_t cert, int64_t now_s);
int64_t pki_lifetime_s(gnutls_x509_crt_t cert);
/* Whole days until it expires, rounded down; negative when it has. */
int64_t pki_days_left(gnutls_x509_crt_t cert, int64_t now_s);

/* Whether `ca` has signed `cert` with a signature that verifies. */
bool pki_is_issued_by(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca);

/* SHA-256 of the certificate (DER), the fingerprint that people compare; and of its
 * SubjectPublicKeyInfo. */
enum sg_err pki_cert_sha256(gnutls_x509_crt_t cert, uint8_t ret[SG_PKI_SHA256_SIZE]) SG_MUST_CHECK;
enum sg_err pki_cert_spki_sha256(gnutls_x509_crt_t cert,
                                 uint8_t ret[SG_PKI_SHA256_SIZE]) SG_MUST_CHECK;

/* -- revocation lists (RFC 5280, section 5) ------------------------------------------------------
 */

#define SG_PKI_SERIAL_SIZE 20
#define SG_PKI_REVOKED_MAX 10000 /* certificates on one list */

/* A certificate that counts no longer. */
struct pki_revoked {
    uint8_t serial[SG_PKI_SERIAL_SIZE]; /* big-endian, as in the certificate */
    size_t serial_len;
    int64_t revoked_s;
};

/* Makes the issuer's list of the `count` revoked certificates: valid from SG_PKI_BACKDATE_S ago for
 * SG_PKI_CRL_LIFE_S from now. `number` is greater than that of every list before it. Freed with
 * gnutls_x509_crl_deinit. SG_ERR_LIMIT for too many. */
enum sg_err pki_make_crl(const struct pki_issuer *issuer, uint64_t number, int64_t now_s,
                         const struct pki_revoked *revoked, size_t count,
                         gnutls_x509_crl_t *ret) SG_MUST_CHECK;

/* Whether the list has exactly these certificates, in this order. */
bool pki_crl_lists(gnutls_x509_crl_t crl, const struct pki_revoked *revoked, size_t count);

/* Whether `ca` has signed the list with a signature that verifies. */
bool pki_crl_is_issued_by(gnutls_x509_crl_t crl, gnutls_x509_crt_t ca);

/* Its number; 0 when it has none that fits. */
uint64_t pki_crl_number(gnutls_x509_crl_t crl);
/* Seconds until the next list is due (negative: since). */
int64_t pki_crl_seconds_left(gnutls_x509_crl_t crl, int64_t now_s);

/* Reads a list from a DER file, and writes it to one, atomically and durably. SG_ERR_NOT_FOUND,
 * SG_ERR_CORRUPT, SG_ERR_TOO_LARGE. */
enum sg_err pki_crl_load(const char *path, gnutls_x509_crl_t *ret) SG_MUST_CHECK;
enum sg_err pki_crl_save(const char *path, gnutls_x509_crl_t crl, mode_t mode) SG_MUST_CHECK;

/* -- PEM files ----------------------------------------------------------------------------------
 */

/* A chain of certificates, leaf first. Zero it before the first use. */
struct pki_chain {
    gnutls_x509_crt_t cert[SG_PKI_CHAIN_MAX];
    size_t count;
};
void pki_chain_fini(struct pki_chain *chain);

/* Reads a file of PEM certificates, at least one. SG_ERR_NOT_FOUND, SG_ERR_CORRUPT,
 * SG_ERR_TOO_LARGE. */
enum sg_err pki_chain_load(const char *path, struct pki_chain *ret) SG_MUST_CHECK;

/* Appends the certificates as PEM; writes them to a file, atomically and durably. */
enum sg_err pki_chain_to_pem(const gnutls_x509_crt_t *certs, size_t count,
                             struct buf *out) SG_MUST_CHECK;
enum sg_err pki_chain_save(const char *path, const gnutls_x509_crt_t *certs, size_t count,
                           mode_t mode) SG_MUST_CHECK;

#endif
