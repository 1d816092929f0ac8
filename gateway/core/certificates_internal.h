/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the certificates share: the table of our own, and other people's CAs. */
#ifndef SG_CORE_CERTIFICATES_INTERNAL_H
#define SG_CORE_CERTIFICATES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/certificates.h"

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

struct foreign;

/* The CAs of others; has a lock of its own, under which no other is taken. */
enum sg_err certificates_foreign_new(const struct users_store *users,
                                     struct foreign **ret) SG_MUST_CHECK;
void certificates_foreign_free(struct foreign *f);
enum sg_err certificates_foreign_trust(struct foreign *f, const char *ca_file, const char *rule,
                                       const char *crl_file, const char **ret_reason) SG_MUST_CHECK;
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
