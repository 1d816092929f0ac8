/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client certificates of the CA that count no longer, until they have expired; kept sealed in
 * DATA/keyring. Not locked here: one thread at a time.
 */
#ifndef SG_KEYRING_REVOKED_H
#define SG_KEYRING_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "certs/pki.h"
#include "ipc/identity.h"

struct kek;

#define SG_REVOKED_FILE "revoked.list" /* below DATA/keyring */
#define SG_REVOKED_KIND "revoked"
#define SG_REVOKED_NAME "revoked"

/* Zero it before the first use. */
struct revoked {
    const struct kek *kek; /* borrowed */
    char *path;
    struct pki_revoked *list; /* in order of revocation */
    int64_t *expires_s;       /* of list[i] */
    size_t count;
};

/* Reads the file; there being none means that nothing is revoked. What is wrong is logged. */
enum sg_err revoked_open(const struct kek *kek, const char *dir, struct revoked *ret) SG_MUST_CHECK;
void revoked_fini(struct revoked *r);

/* Adds a certificate, durable on return; one that is there already is no error. Drops those that
 * have expired. SG_ERR_BAD_FIELD, SG_ERR_LIMIT: full. */
enum sg_err revoked_add(struct revoked *r, const struct keyring_revocation *m, int64_t now_s,
                        bool *ret_added) SG_MUST_CHECK;

#endif
