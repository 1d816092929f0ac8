/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key-encryption key, under which everything secret in DATA/keyring is sealed: from a file, a
 * systemd credential or a passphrase. DATA/keyring/kek.info says which, and tells a wrong one.
 */
#ifndef SG_KEYRING_KEK_H
#define SG_KEYRING_KEK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_KEK_SIZE       32
#define SG_PASSPHRASE_MAX 1024 /* bytes */

/* X(name, number, name in the configuration) */
#define SG_KEK_SOURCES(X)                                                                          \
    X(FILE, 1, "file")                                                                             \
    X(CREDENTIAL, 2, "credential")                                                                 \
    X(PASSPHRASE, 3, "passphrase")
enum kek_source {
#define X(name, number, text) SG_KEK_##name = (number),
    SG_KEK_SOURCES(X)
#undef X
};
const char *kek_source_name(enum kek_source source); /* "?" for none */
enum sg_err kek_source_parse(const char *text, enum kek_source *ret) SG_MUST_CHECK;

struct kek {
    uint8_t key[SG_KEK_SIZE];
};

struct kek_options {
    const char *dir; /* DATA/keyring, which exists and is ours */
    enum kek_source source;
    const char *file;       /* NULL: DATA/keyring/kek; made at the first start */
    const char *credential; /* name in $CREDENTIALS_DIRECTORY */
    const char *passphrase; /* at least 8 bytes at the first start */
};

/* Finds the key and proves that it is the one that this directory is sealed with; the first time it
 * becomes that. SG_ERR_BAD_CREDENTIALS: a wrong one; SG_ERR_NOT_FOUND: none where it should be;
 * SG_ERR_CONFLICT: the directory has another source. All are logged with what to do. */
enum sg_err kek_open(const struct kek_options *options, struct kek *ret) SG_MUST_CHECK;
void kek_wipe(struct kek *kek);

#endif
