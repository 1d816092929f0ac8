/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a keyring in a thread, behind a real channel and client, with RSA keys made at run
 * time; and signing by hand. */
#ifndef SG_TESTS_FAKE_KEYRING_H
#define SG_TESTS_FAKE_KEYRING_H

#include <stdbool.h>

#include "ipc/keyring_client.h"

#define FAKE_ISSUER "https://gateway.test"

struct fake_keyring;

struct fake_keyring *fake_keyring_new(void);
void fake_keyring_free(struct fake_keyring *k);

/* Attached to the thread; the keyring's. */
struct keyring_client *fake_keyring_client(struct fake_keyring *k);

/* Mints with a further key from now on; the former stays listed. At most one call. */
void fake_keyring_rotate(struct fake_keyring *k);
/* Answers everything with SG_ERR_UNAVAILABLE while set. */
void fake_keyring_set_down(struct fake_keyring *k, bool down);
/* How often TOKEN_KEYS was asked. */
unsigned fake_keyring_fetches(const struct fake_keyring *k);

/* Copies the current public key: raw and as PEM (NUL-terminated, at most 1024 bytes; may be NULL).
 */
void fake_keyring_public(struct fake_keyring *k, struct token_key *ret, char *ret_pem);

/* base64url(header) "." base64url(payload) "." RS256 by the current key; NUL-terminated, `ret` of
 * SG_TOKEN_SIZE. */
void fake_keyring_sign(struct fake_keyring *k, const char *header, const char *payload, char *ret);
/* The same with any digest of PKCS#1 v1.5 (gnutls_sign_algorithm_t). */
void fake_keyring_sign_with(struct fake_keyring *k, int algorithm, const char *header,
                            const char *payload, char *ret);

#endif
