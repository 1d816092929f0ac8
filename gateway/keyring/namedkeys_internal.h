/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a named key in memory, shared by the files namedkeys*.c. A key in the table is an
 * immutable snapshot that is counted: a change makes a new one and puts it in the place of the old,
 * which lives until its last loan is returned. Versions are counted too, for they are in many
 * snapshots. What a version has been used for is counted apart, for as long as the table lives.
 */
#ifndef SG_KEYRING_NAMEDKEYS_INTERNAL_H
#define SG_KEYRING_NAMEDKEYS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "keyring/namedkeys.h"

/* A version's key pair and certificate. */
struct material {
    atomic_uint refs;
    pthread_mutex_t lock;      /* over key, for keys in a token: they are loaded when asked for */
    gnutls_privkey_t key;      /* NULL: not loaded from its token yet */
    char uri[SG_KEY_URI_SIZE]; /* "": not in a token */
    uint8_t spki[SG_SPKI_MAX];
    size_t spki_len;
    uint8_t certificate[SG_CERTIFICATE_MAX];
    size_t certificate_len;
};

/* How often each version was used, and what the file says about it. */
struct usage {
    pthread_mutex_t lock;
    uint64_t used[SG_KEY_VERSIONS_MAX];
    uint64_t on_disk[SG_KEY_VERSIONS_MAX]; /* never less than `used` */
    size_t version_count;
};

struct named {
    atomic_uint refs;
    struct keyring_key key; /* uses are in `usage` */
    struct material *version[SG_KEY_VERSIONS_MAX];
    struct usage *usage; /* the table's */
};

struct namedkeys {
    struct namedkeys_options options;
    char *dir;              /* DATA/keyring/keys */
    pthread_mutex_t change; /* one change at a time; taken before lock */
    pthread_rwlock_t lock;
    struct named *key[SG_KEYS_MAX]; /* under lock, in byte order of names */
    size_t count;                   /* under lock */
};

/* -- material (namedkeys_material.c) ----------------------------------------------------------- */

/* A fresh key of that type, or the one of `uri` ("": none), with a certificate for `name`, proved
 * by a signature. SG_ERR_BAD_FIELD: the token's key is of another type. */
enum sg_err material_make(const struct namedkeys_options *o, const char *name,
                          enum sig_key_type type, const char *uri,
                          struct material **ret) SG_MUST_CHECK;
/* For a loaded one, as stored: takes `key` (NULL: in a token). */
enum sg_err material_new(gnutls_privkey_t key, struct material **ret) SG_MUST_CHECK;
struct material *material_ref(struct material *m);
void material_unref(struct material *m);
/* Its private key, from the token if need be; SG_ERR_UNAVAILABLE. */
enum sg_err material_key(struct material *m, struct pkcs11 *p11,
                         gnutls_privkey_t *ret) SG_MUST_CHECK;
enum sg_err material_keyid(const struct material *m, uint8_t ret[32]) SG_MUST_CHECK;

/* -- snapshots (namedkeys.c) ------------------------------------------------------------------- */

struct named *named_new(struct usage *usage); /* NULL without memory */
/* A copy for a change, with the same versions. */
struct named *named_copy(const struct named *from);
void named_unref(struct named *k);
/* The snapshot of that name, counted for the caller; NULL: none. */
struct named *namedkeys_find(struct namedkeys *n, const char *name);
/* Puts a snapshot in the table, in the place of the one of its name; takes it. SG_ERR_LIMIT. */
enum sg_err namedkeys_put(struct namedkeys *n, struct named *k) SG_MUST_CHECK;
/* Copies the key with the counts of its uses. */
void named_describe(const struct named *k, struct keyring_key *ret);

struct usage *usage_new(void);
void usage_free(struct usage *u);

/* -- files (namedkeys_disk.c) ------------------------------------------------------------------ */

/* Writes NAME.key, durable on return. */
enum sg_err named_save(const struct namedkeys *n, const struct named *k) SG_MUST_CHECK;
/* Writes NAME.uses with these counts. */
enum sg_err usage_save(const struct namedkeys *n, const char *name, const uint64_t *uses,
                       size_t count) SG_MUST_CHECK;
/* Reads every key of the directory into the table. */
enum sg_err named_load_all(struct namedkeys *n) SG_MUST_CHECK;

#endif
