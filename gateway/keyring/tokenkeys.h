/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RSA keys that sign access tokens: the current one, and former ones that stay published until
 * no token of theirs can be valid any more. All state is in the file names: token-CREATED-KID.key,
 * where CREATED is in seconds since 1970 and KID is the RFC 7638 thumbprint. Not locked here: the
 * keystore's lock covers it.
 */
#ifndef SG_KEYRING_TOKENKEYS_H
#define SG_KEYRING_TOKENKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "base/err.h"
#include "ipc/keyring.h"

#define SG_TOKEN_LIFE_MAX_S   3600                  /* no token lives longer */
#define SG_TOKEN_KEY_ROTATE_S (INT64_C(30) * 86400) /* a key is current for this long */
#define SG_TOKEN_KEY_OVERLAP_S                                                                     \
    (SG_TOKEN_LIFE_MAX_S + 300) /* then published for this long, clock skew included */

struct kek;

struct tokenkeys_entry {
    int64_t created_s;
    struct token_key public_key; /* with kid */
    gnutls_privkey_t key;
};

/* Newest first: entry[0] is current. Zero it before the first use. */
struct tokenkeys {
    struct tokenkeys_entry entry[SG_TOKEN_KEYS_MAX];
    size_t count;
};

void tokenkeys_fini(struct tokenkeys *t);

/* Loads all keys of the directory, drops those that nobody needs any more, and makes one if there
 * is none. */
enum sg_err tokenkeys_load(const struct kek *kek, const char *dir, int64_t now_s,
                           struct tokenkeys *ret) SG_MUST_CHECK;

/* Whether tokenkeys_load would answer something else now, because a key is due to be replaced or
 * dropped. */
bool tokenkeys_is_due(const struct tokenkeys *t, int64_t now_s);

/* Makes a new current key in the directory, durable on return; tokenkeys_load finds it. */
enum sg_err tokenkeys_make(const struct kek *kek, const char *dir, int64_t now_s) SG_MUST_CHECK;

#endif
