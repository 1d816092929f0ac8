/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the certificates share: the table of our own, and other people's CAs. */
#ifndef SG_CORE_CERTIFICATES_INTERNAL_H
#define SG_CORE_CERTIFICATES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include <gnutls/x509.h>

#include "core/certificates.h"
#include "core/certrule.h"

#define SG_CERTIFICATES_CAS 32 /* of others */

/* A certificate of our CA that has not expired, or not long ago. */
struct certificate_entry {
    uint8_t sha256[SG_DIGEST_SIZE];
    uint8_t id[SG_CERTIFICATE_ID_SIZE];
    bool revoked;
    bool listed;   /* on the revocation list, as far as is known */
    bool disabled; /* its user is */
    int64_t user_id;
    int64_t revoked_s, expires_s;
};

/* They by digest: open addressing, half of the places free. Not locked. */
struct certificate_table {
    struct certificate_entry *place; /* user_id 0 and not revoked: free */
    size_t size, count;              /* size is 0 or a power of two */
};
void certificates_table_fini(struct certificate_table *t);
struct certificate_entry *certificates_table_find(const struct certificate_table *t,
                                                  const uint8_t sha256[SG_DIGEST_SIZE]);
/* One of the same digest is replaced. */
enum sg_err certificates_table_put(struct certificate_table *t,
                                   const struct certificate_entry *entry) SG_MUST_CHECK;
/* Without those that expired before; unchanged without memory. */
void certificates_table_prune(struct certificate_table *t, int64_t before_s);
/* Whether a place of it has an entry. */
bool certificates_table_used(const struct certificate_entry *place);

/* A CA of somebody else: what vouches for its certificates, and what is to be done with them. */
struct trusted_ca {
    uint8_t sha256[SG_DIGEST_SIZE]; /* of its text */
    struct certrule rule;
    gnutls_x509_crt_t *cert;
    unsigned count;
    char *crl_file;                       /* NULL: none */
    struct certificates_revoked *revoked; /* what was in it; NULL: there is no file */
};
struct certificates_trust {
    size_t count;
    struct trusted_ca ca[SG_CERTIFICATES_CAS];
};
/* NULL: none, also without a set. */
const struct trusted_ca *certificates_trust_find(const struct certificates_trust *t,
                                                 const uint8_t sha256[SG_DIGEST_SIZE]);
/* Whether a list of the CA has it. */
bool certificates_trust_revokes(const struct trusted_ca *ca, gnutls_x509_crt_t cert);
/* True with what the file of the i-th CA holds now, when that has changed and can be used, for
 * certificates_trust_renew, which puts it in the place of what was read before. */
bool certificates_trust_reread(struct certificates_trust *t, size_t i,
                               struct certificates_revoked **ret);
void certificates_trust_renew(struct certificates_trust *t, size_t i,
                              struct certificates_revoked *revoked);

struct foreign;

/* The CAs of others; has a lock of its own, under which no other is taken. */
enum sg_err certificates_foreign_new(const struct users_store *users,
                                     struct foreign **ret) SG_MUST_CHECK;
void certificates_foreign_free(struct foreign *f);
/* Takes the set. */
void certificates_foreign_use(struct foreign *f, struct certificates_trust **trust);
/* The set in use; NULL: none. The thread that replaces it. */
const struct certificates_trust *certificates_foreign_trusted(const struct certificates *c);
/* As certificates_identify for a verified certificate of theirs, whose time is right. */
enum sg_err certificates_foreign_identify(struct foreign *f, const struct shown_certificate *shown,
                                          int64_t *ret_user_id) SG_MUST_CHECK;
/* Users have changed. */
void certificates_foreign_forget(struct foreign *f);
/* Reads lists again that have changed. */
void certificates_foreign_reload(struct foreign *f);

struct certificates {
    struct certificates_options options; /* its stores are the copies below */
    struct certificates_store store;
    struct users_store users;
    struct sessions_store sessions;
    pthread_rwlock_t lock; /* guards the table; nothing blocks under it */
    struct certificate_table table;
    struct foreign *foreign;
    atomic_bool unsure; /* of some user it could not be told whether it is disabled */
};

/* Under no lock: puts those that are revoked and not listed on the list. The first error. */
enum sg_err certificates_publish(struct certificates *c) SG_MUST_CHECK;
/* Ends the sessions that were opened with a certificate. */
void certificates_end_sessions(struct certificates *c, int64_t user_id,
                               const uint8_t sha256[SG_DIGEST_SIZE]);

#endif
