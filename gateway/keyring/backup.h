/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's backup of the keys: one text file under one passphrase. Each private key is a
 * PKCS#8 block (PBES2: PBKDF2-HMAC-SHA-256, AES-256-CBC) with a line that names it before, for
 * openssl and others; a last block, sealed under an argon2id key, holds the files of DATA/keyring
 * themselves, with policies, certificates and counts, and is what is read back.
 */
#ifndef SG_KEYRING_BACKUP_H
#define SG_KEYRING_BACKUP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct kek;

#define SG_BACKUP_MAX            (256 << 20) /* bytes of a file */
#define SG_BACKUP_PASSPHRASE_MIN 8           /* bytes */

/* One file of DATA/keyring that a backup has. */
struct backup_file {
    char path[128]; /* below DATA/keyring */
    char kind[24];  /* what it is sealed as; "": it is not sealed */
    char name[80];
    struct buf content; /* wipe it */
};
struct backup {
    struct backup_file *file;
    size_t count;
};
void backup_fini(struct backup *b);

/* Whether a path below DATA/keyring is one that a backup has; fills path, kind and name. */
enum sg_err backup_identify(const char *path, struct backup_file *ret) SG_MUST_CHECK;

/* Reads the files of `dir`, those of the named key `key` only, unless NULL. SG_ERR_NOT_FOUND: there
 * is no such key. What is wrong is logged. */
enum sg_err backup_collect(const struct kek *kek, const char *dir, const char *key,
                           struct backup *ret) SG_MUST_CHECK;
/* Writes them sealed under `kek`, all or, when one is there already with another content
 * (SG_ERR_CONFLICT, logged), none. What an interrupted call left is completed by the next. */
enum sg_err backup_restore(const struct kek *kek, const char *dir,
                           const struct backup *b) SG_MUST_CHECK;

/* Appends the text of the backup. */
enum sg_err backup_put(const struct backup *b, const char *passphrase,
                       struct buf *out) SG_MUST_CHECK;
/* SG_ERR_BAD_CREDENTIALS: wrong passphrase, or an altered file; SG_ERR_CORRUPT: no backup. */
enum sg_err backup_get(const void *text, size_t len, const char *passphrase,
                       struct backup *ret) SG_MUST_CHECK;

/* Appends a PKCS#8 key (PEM, not encrypted) as an encrypted block. */
struct pbes2;
enum sg_err pbes2_new(const char *passphrase, struct pbes2 **ret) SG_MUST_CHECK;
void pbes2_free(struct pbes2 *p);
enum sg_err pbes2_put(const struct pbes2 *p, const void *pem, size_t len,
                      struct buf *out) SG_MUST_CHECK;

#endif
