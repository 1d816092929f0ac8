/* SPDX-License-Identifier: Apache-2.0 */
/* Private key files: read only when nobody else could read or replace them, written sealed,
 * atomically, as 0600. */
#ifndef SG_KEYRING_KEYFILE_H
#define SG_KEYRING_KEYFILE_H

#include <gnutls/abstract.h>

#include "base/err.h"

struct buf;
struct kek;

/* How strictly a key file's owner and mode are judged. */
enum keyfile_policy {
    SG_KEYFILE_OWN,      /* ours alone: owner is this user, no right for group or others */
    SG_KEYFILE_OPERATOR, /* owner this user or root, group may read, others may not */
};

/* Makes the directory (0700) if it is missing. SG_ERR_FORBIDDEN, logged with what is wrong, when it
 * is looser than 0700, no directory or somebody else's. */
enum sg_err keyfile_check_dir(const char *path) SG_MUST_CHECK;

/* Appends the content of a file whose owner and mode are as they must be. SG_ERR_NOT_FOUND;
 * SG_ERR_FORBIDDEN (logged). */
enum sg_err keyfile_read(const char *path, enum keyfile_policy policy,
                         struct buf *out) SG_MUST_CHECK;

/* Loads a PEM key of the operator's. SG_ERR_NOT_FOUND; SG_ERR_FORBIDDEN (logged) for owner or mode;
 * SG_ERR_CORRUPT (logged). */
enum sg_err keyfile_load_operator(const char *path, gnutls_privkey_t *ret) SG_MUST_CHECK;

/* Loads a key of ours, sealed as PKCS#8 PEM; `name` says which it must be. One that is not sealed
 * yet is sealed on the way. Errors as above. */
enum sg_err keyfile_load(const struct kek *kek, const char *path, const char *name,
                         gnutls_privkey_t *ret) SG_MUST_CHECK;
/* Writes a key sealed, with mode 0600. */
enum sg_err keyfile_save(const struct kek *kek, const char *path, const char *name,
                         gnutls_privkey_t key) SG_MUST_CHECK;

#endif
