/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of the client certificates that the gateway's CA has issued. */
#ifndef SG_STORE_CERTIFICATES_H
#define SG_STORE_CERTIFICATES_H

#include "base/buf.h"
#include "store/store.h"

#define SG_CERTIFICATE_ID_SIZE   20  /* the serial number */
#define SG_CERTIFICATE_NAME_SIZE 257 /* bytes, with NUL */
#define SG_CERTIFICATE_DER_MAX   4096
/* How many times the limit of a user the revoked ones that have not expired may be with the others
 */
#define SG_CERTIFICATES_REVOKED_TOO 4

struct certificate_record {
    uint8_t id[SG_CERTIFICATE_ID_SIZE];
    int64_t user_id;              /* 0: the user has been removed */
    char user[SG_USER_NAME_SIZE]; /* as the user is called; filled by reading */
    char name[SG_CERTIFICATE_NAME_SIZE];
    uint8_t sha256[SG_DIGEST_SIZE]; /* of the certificate */
    int64_t not_before_ns, not_after_ns, created_ns;
    int64_t revoked_ns; /* 0: it is not */
    bool user_disabled; /* filled by `live` */
};

struct certificates_store {
    void *self;
    const struct certificates_vtable *vt;
};

struct certificates_vtable {
    /* Adds a certificate, not revoked. SG_ERR_NOT_FOUND when the user is gone; SG_ERR_LIMIT when
     * the user has `limit` that are neither revoked nor expired at created_ns, or
     * SG_CERTIFICATES_REVOKED_TOO times as many when the revoked ones count, too: they stand on a
     * list that has an end for all users together. */
    enum sg_err (*add)(void *self, const struct certificate_record *certificate, const uint8_t *der,
                       size_t len, size_t limit) SG_MUST_CHECK;
    /* SG_ERR_NOT_FOUND, also when its user has been removed. Appends the certificate to `ret_der`
     * (NULL: it is not asked for). */
    enum sg_err (*get)(void *self, const uint8_t *id, struct certificate_record *ret,
                       struct buf *ret_der) SG_MUST_CHECK;
    /* Newest first; those of `user_id`, or all (0). */
    enum sg_err (*list)(void *self, int64_t user_id, size_t limit, struct certificate_record *ret,
                        size_t *ret_count) SG_MUST_CHECK;
    /* SG_ERR_NOT_FOUND; one that is revoked already stays as it is. */
    enum sg_err (*revoke)(void *self, const uint8_t *id, int64_t now_ns) SG_MUST_CHECK;
    /* What has not expired at `now_ns`, in order of the id, after `after` (NULL: from the start);
     * of removed users too. Fills all but the name. */
    enum sg_err (*live)(void *self, int64_t now_ns, const uint8_t *after, size_t limit,
                        struct certificate_record *ret, size_t *ret_count) SG_MUST_CHECK;
    /* Removes what had expired before that. */
    enum sg_err (*prune)(void *self, int64_t before_ns) SG_MUST_CHECK;
};

#endif
