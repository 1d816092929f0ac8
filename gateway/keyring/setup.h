/* SPDX-License-Identifier: Apache-2.0 */
/* Opens everything that the keyring answers with, in order, and confines the process on the way. */
#ifndef SG_KEYRING_SETUP_H
#define SG_KEYRING_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ipc/identity.h"
#include "keyring/kek.h"
#include "keyring/serve.h"

#define SG_PKCS11_PATHS_MAX 32

struct audit;
struct pkcs11;

/* All borrowed. */
struct setup_options {
    const char *data;
    const char *issuer;
    const char *tls_key;         /* NULL: the keyring's own */
    struct kek_options kek;      /* `dir` is set here */
    const char *pkcs11_module;   /* NULL: no tokens */
    const char *pkcs11_pin_file; /* NULL: none */
    size_t pkcs11_path_count;
    const char *pkcs11_path[SG_PKCS11_PATHS_MAX]; /* what the module reads and writes */
};

struct setup {
    struct services services;
    struct kek kek;
    char *dir; /* DATA/keyring */
    struct audit *audit;
    struct pkcs11 *pkcs11;
    uint8_t storage_key[SG_STORAGE_KEY_SIZE];
};

/* Makes DATA and DATA/keyring if they are missing and finds the key-encryption key. With
 * setup_close also after an error, as below. */
enum sg_err setup_kek(const struct setup_options *o, struct setup *s) SG_MUST_CHECK;

/* Opens all keys, the log and the rest, after setup_kek. What is wrong is logged. */
enum sg_err setup_open(const struct setup_options *o, struct setup *s) SG_MUST_CHECK;

/* Ends all of it and wipes the keys; for a zeroed one too. */
void setup_close(struct setup *s);

#endif
