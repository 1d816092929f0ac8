/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The named keys: made, rotated, changed, lent for signing; each request is held against the key's
 * own lists here. A key is one sealed file DATA/keyring/keys/NAME.key with its policy and all its
 * versions; how often each version was used is in NAME.uses beside it. One lock (the table's,
 * read-locked for lending and looking, write-locked for the moment of a change) and one mutex
 * for changes, taken before it. Any thread may call.
 */
#ifndef SG_KEYRING_NAMEDKEYS_H
#define SG_KEYRING_NAMEDKEYS_H

#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "base/err.h"
#include "ipc/signing.h"

struct audit;
struct kek;
struct keystore;
struct namedkeys;
struct pkcs11;

/* What it works with; all borrowed for its life. */
struct namedkeys_options {
    const char *dir; /* DATA/keyring */
    const struct kek *kek;
    struct keystore *keys; /* issues certificates; NULL (tests): versions have none */
    struct audit *audit;   /* NULL: uses and changes are logged only */
    struct pkcs11 *pkcs11; /* NULL: no keys in tokens */
};

/* Opens DATA/keyring/keys, made when missing. What is wrong with a file is logged. */
enum sg_err namedkeys_open(const struct namedkeys_options *options,
                           struct namedkeys **ret) SG_MUST_CHECK;
/* Makes the counts exact on disk and wipes the keys. Nothing may be lent. NULL is legal. */
void namedkeys_close(struct namedkeys *n);

/* A version of a key, lent for signing. It stays as it is, and alive, until it is returned, also
 * over a rotation. Several threads may sign with `key` at once. */
struct namedkeys_loan {
    gnutls_privkey_t key;
    enum sig_key_type type;
    char name[SG_KEY_NAME_SIZE];
    uint32_t version; /* the last one */
    uint8_t keyid[32];
    const uint8_t *spki; /* SubjectPublicKeyInfo, DER */
    size_t spki_len;
    const uint8_t *certificate; /* DER, by the gateway's CA; length 0: none */
    size_t certificate_len;
    unsigned formats; /* bits that may be made: the key's list and its type */
    uint32_t quorum;  /* k of the witnesses; 0: none is asked */
    size_t witness_count;
    const struct keyring_witness *witnesses;
    const void *held; /* for namedkeys_return */
};

/*
 * Lends the key's last version for making `formats` (bits; 0: record signatures only) on the
 * actor's behalf. SG_ERR_NOT_FOUND, SG_ERR_FORBIDDEN (no signer of the key), SG_ERR_KEY_DISABLED,
 * SG_ERR_KEY_EXPIRED, SG_ERR_BAD_FIELD (a format that key or type does not allow),
 * SG_ERR_UNAVAILABLE (its token is not there). A refusal is in the audit file.
 */
enum sg_err namedkeys_borrow(struct namedkeys *n, const struct keyring_actor *actor,
                             const char *name, unsigned formats,
                             struct namedkeys_loan *ret) SG_MUST_CHECK;
void namedkeys_return(struct namedkeys *n, struct namedkeys_loan *loan);

/*
 * Counts `count` signatures that are about to be made, with one audit line for all of them; call it
 * before the first one leaves. The count on disk runs ahead by some thousands, so that a crash
 * leaves it too high at most. After an error nothing may be signed: SG_ERR_FORBIDDEN,
 * SG_ERR_KEY_DISABLED, SG_ERR_KEY_EXPIRED (the version verifies no more) when that has become so
 * since it was lent.
 */
enum sg_err namedkeys_count(struct namedkeys *n, const struct keyring_actor *actor,
                            const struct namedkeys_loan *loan, uint64_t count) SG_MUST_CHECK;

/* -- what the KEY_ messages ask ---------------------------------------------------------------- */

/* SG_ERR_FORBIDDEN (no admin), SG_ERR_BAD_FIELD (name, type, uri, life), SG_ERR_NAME_TAKEN,
 * SG_ERR_LIMIT, SG_ERR_UNAVAILABLE (token). *ret is the key as made. */
enum sg_err namedkeys_create(struct namedkeys *n, const struct keyring_key_create *m,
                             struct keyring_key *ret) SG_MUST_CHECK;
/* SG_ERR_NOT_FOUND, SG_ERR_FORBIDDEN (neither admin nor manager), SG_ERR_BAD_FIELD, SG_ERR_LIMIT,
 * SG_ERR_CONFLICT (the token's key is the same as that of a former version). */
enum sg_err namedkeys_rotate(struct namedkeys *n, const struct keyring_key_rotate *m,
                             struct keyring_key *ret) SG_MUST_CHECK;
/* SG_ERR_NOT_FOUND, SG_ERR_FORBIDDEN, SG_ERR_BAD_FIELD (nothing is changed then). */
enum sg_err namedkeys_update(struct namedkeys *n, const struct keyring_key_update *m,
                             struct keyring_key *ret) SG_MUST_CHECK;
/* The names in byte order; returns how many. */
size_t namedkeys_names(struct namedkeys *n, char ret[SG_KEYS_MAX][SG_KEY_NAME_SIZE]);
enum sg_err namedkeys_get(struct namedkeys *n, const char *name,
                          struct keyring_key *ret) SG_MUST_CHECK;
/* `version` 0: the last. SG_ERR_NOT_FOUND for key or version. */
enum sg_err namedkeys_public(struct namedkeys *n, const char *name, uint32_t version,
                             struct keyring_public *ret) SG_MUST_CHECK;

#endif
