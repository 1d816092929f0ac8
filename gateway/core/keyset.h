/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring's public token keys, kept here and fetched again by a thread of its own, so that who
 * verifies a token never waits long for the keyring: not for a key that is known, and at most
 * SG_KEYSET_WAIT_MS for an unknown one, and that at most once in SG_KEYSET_PAUSE_S, whatever
 * strangers send.
 */
#ifndef SG_CORE_KEYSET_H
#define SG_CORE_KEYSET_H

#include "core/tokenverify.h"
#include "ipc/keyring_client.h"

#define SG_KEYSET_FRESH_S 60 /* older ones are fetched again */
#define SG_KEYSET_PAUSE_S 3  /* between fetches for unknown or old keys */
#define SG_KEYSET_WAIT_MS 50

struct keyset;

/* No keys yet; `keyring` is borrowed for life. Starts the thread. NULL without memory or threads.
 */
struct keyset *keyset_new(struct keyring_client *keyring);
/* Waits for a fetch under way. NULL is legal. */
void keyset_free(struct keyset *k);

/* Fetches now; blocks as long as the keyring does. SG_ERR_UNAVAILABLE; keys that were there stay.
 */
enum sg_err keyset_fetch(struct keyset *k) SG_MUST_CHECK;

/* Checks the signature with the key that the token names. SG_ERR_TOKEN_INVALID; SG_ERR_UNAVAILABLE
 * when the key is unknown and the keyring did not answer. */
enum sg_err keyset_verify(struct keyset *k, const struct token_form *form) SG_MUST_CHECK;

/* True when the key is there already. */
bool keyset_known(struct keyset *k, const char *kid);

/* Copies what is there, fresh if the keyring answers soon. SG_ERR_UNAVAILABLE when there is none.
 */
enum sg_err keyset_list(struct keyset *k, struct token_key ret[SG_TOKEN_KEYS_MAX],
                        size_t *ret_count) SG_MUST_CHECK;

#endif
