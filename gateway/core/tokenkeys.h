/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keyring's public token keys, kept here and fetched again by a thread of its own, so that who
 * verifies a token never waits long for the keyring: not for a key that is known, and at most
 * SG_TOKENKEYS_WAIT_MS for an unknown one, and that at most once in SG_TOKENKEYS_PAUSE_S, whatever
 * strangers send.
 */
#ifndef SG_CORE_TOKENKEYS_H
#define SG_CORE_TOKENKEYS_H

#include "core/tokenverify.h"
#include "ipc/keyring_client.h"

#define SG_TOKENKEYS_FRESH_S 60 /* older ones are fetched again */
#define SG_TOKENKEYS_PAUSE_S 3  /* between fetches for unknown or old keys */
#define SG_TOKENKEYS_WAIT_MS 50

struct tokenkeys;

/* No keys yet; `keyring` is borrowed for life. Starts the thread. NULL without memory or threads.
 */
struct tokenkeys *tokenkeys_new(struct keyring_client *keyring);
/* Waits for a fetch under way. NULL is legal. */
void tokenkeys_free(struct tokenkeys *k);

/* Fetches now; blocks as long as the keyring does. SG_ERR_UNAVAILABLE; keys that were there stay.
 */
enum sg_err tokenkeys_fetch(struct tokenkeys *k) SG_MUST_CHECK;

/* Checks the signature with the key that the token names. SG_ERR_TOKEN_INVALID; SG_ERR_UNAVAILABLE
 * when the key is unknown and the keyring did not answer. */
enum sg_err tokenkeys_verify(struct tokenkeys *k, const struct token_form *form) SG_MUST_CHECK;

/* True when the key is there already. */
bool tokenkeys_known(struct tokenkeys *k, const char *kid);

/* Copies what is there, fresh if the keyring answers soon. SG_ERR_UNAVAILABLE when there is none.
 */
enum sg_err tokenkeys_list(struct tokenkeys *k, struct token_key ret[SG_TOKEN_KEYS_MAX],
                           size_t *ret_count) SG_MUST_CHECK;

#endif
