/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client certificates: issuing for users, revoking, and whose certificate a connection shows.
 * What is known of certificates is held in memory, so that looking never blocks; a revocation
 * counts when certificates_revoke returns, on open connections and resumed TLS sessions too, and so
 * does the removal or disabling of the user. Any thread may call.
 */
#ifndef SG_CORE_CERTIFICATES_H
#define SG_CORE_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "core/identity.h"
#include "store/certificates.h"

#define SG_CERTIFICATES_PER_USER 50   /* that are neither expired nor revoked */
#define SG_CERTIFICATES_LISTED   1000 /* by one call */

struct certificates;

/* Identity and keyring are borrowed for life; the rest is copied. */
struct certificates_options {
    const struct certificates_store *store;
    const struct users_store *users;
    const struct sessions_store *sessions;
    struct identity *identity;      /* NULL (tests): no sessions to end */
    struct keyring_client *keyring; /* the CA */
    unsigned days;                  /* longest life of a certificate, and the usual one */
};

/* Loads what has been issued. */
enum sg_err certificates_new(const struct certificates_options *options,
                             struct certificates **ret) SG_MUST_CHECK;
void certificates_free(struct certificates *c);

/* A CA of somebody else. */
struct certificates_ca {
    const char *pem; /* its certificates; ends with a NUL that pem_len does not count */
    size_t pem_len;
    const char *rule;     /* which part of its certificates names a user (docs/operations.md) */
    const char *crl_file; /* its revocation lists, PEM or one in DER, read again when the file
                             changes; NULL: none */
};
/* The CAs of others that are trusted at one time. A set is made and given to certificates_trust_use
 * by the thread that calls certificates_prune. */
struct certificates_trust;
enum sg_err certificates_trust_new(struct certificates_trust **ret) SG_MUST_CHECK;
/* Copies what it needs. Where the list cannot be read, that of the same CA in the set that `former`
 * uses (NULL: none) goes on counting. *ret_reason: static, of SG_ERR_BAD_FIELD (rule), LIMIT,
 * CORRUPT and others (files). */
enum sg_err certificates_trust_add(struct certificates_trust *t, const struct certificates_ca *of,
                                   const struct certificates *former,
                                   const char **ret_reason) SG_MUST_CHECK;
/* NULL is legal. */
void certificates_trust_free(struct certificates_trust *t);
/* From now on these count, and no others; takes the set. */
void certificates_trust_use(struct certificates *c, struct certificates_trust **trust);

/* A certificate that a TLS connection proved to hold the key of, and whether it verifies: as
 * request_certificate tells it (http/request.h). */
struct shown_certificate {
    const uint8_t *der;
    size_t len;
    uint8_t sha256[32];
    bool verified;         /* up to a CA that we trust for clients, for this purpose, at any time */
    unsigned ca;           /* which: 0 our own */
    uint8_t ca_sha256[32]; /* SHA-256 of the CA's text (PEM); not of our own */
    const struct bytes *above; /* DER of those above it; not for our own */
    size_t above_count;
    uint8_t chain_sha256[32]; /* of it and of these, one after the other */
    int64_t not_before_s, expires_s;
};

/* Who it is: *ret_user_id (0 if it is good but belongs to no user; NULL: not asked).
 * SG_ERR_CERT_UNKNOWN (a stranger's, or unverified), CERT_EXPIRED (or not valid yet), CERT_REVOKED,
 * USER_DISABLED. Does not block. Judges anew at each call: time and revocations go on while
 * connections last. */
enum sg_err certificates_identify(struct certificates *c, const struct shown_certificate *shown,
                                  int64_t now_s, int64_t *ret_user_id) SG_MUST_CHECK;

/* What somebody asks for. */
struct certificate_order {
    const char *user; /* NULL: for oneself; others' by admins only */
    const char *csr;  /* PKCS#10, PEM */
    size_t csr_len;
    const char *name; /* for people; "": none */
    unsigned days;    /* 0: the usual life */
};
/* Issues one and appends it to `ret_der`. Blocks. SG_ERR_BAD_CSR and BAD_FIELD (days) with a static
 * *ret_reason; FORBIDDEN, NOT_FOUND, USER_DISABLED (user); LIMIT; UNAVAILABLE; CONFLICT (the CA is
 * not valid now). */
enum sg_err certificates_issue(struct certificates *c, const struct principal *who,
                               const struct certificate_order *order,
                               struct certificate_record *ret, struct buf *ret_der,
                               const char **ret_reason) SG_MUST_CHECK;

/* Newest first, at most SG_CERTIFICATES_LISTED; one's own, or with `all`, or `user` (NULL: not
 * given), by admins only, others'. SG_ERR_FORBIDDEN, NOT_FOUND. */
enum sg_err certificates_list(struct certificates *c, const struct principal *who, const char *user,
                              bool all, struct certificate_record *ret,
                              size_t *ret_count) SG_MUST_CHECK;
/* One's own, or anybody's for an admin; else SG_ERR_NOT_FOUND. `ret_der` may be NULL. */
enum sg_err certificates_get(struct certificates *c, const struct principal *who,
                             const uint8_t id[SG_CERTIFICATE_ID_SIZE],
                             struct certificate_record *ret, struct buf *ret_der) SG_MUST_CHECK;
/* The same for revoking: from then on it opens nothing, the sessions that it opened have ended, and
 * it is on the revocation list. SG_ERR_UNAVAILABLE, or LIMIT when that is full: only the last
 * failed, *ret is filled; it is tried again by the next call, or later. Blocks. */
enum sg_err certificates_revoke(struct certificates *c, const struct principal *who,
                                const uint8_t id[SG_CERTIFICATE_ID_SIZE],
                                struct certificate_record *ret) SG_MUST_CHECK;

/* A user was disabled, enabled again or removed (0: any may have been), which is committed. */
void certificates_user_changed(struct certificates *c, int64_t user_id);
/* Forgets what has long expired, completes the revocation list, reads the lists of other CAs again
 * when they have changed. Blocks; call now and then. */
void certificates_prune(struct certificates *c);

#endif
