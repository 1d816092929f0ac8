/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's calls about named keys. */
#ifndef SG_IPC_SIGNING_KEYS_H
#define SG_IPC_SIGNING_KEYS_H

#include "ipc/keyring_client.h"
#include "ipc/signing.h"

#define SG_KEY_MAKE_TIMEOUT_MS 20000 /* RSA keys take their time, and tokens theirs */

/* SG_ERR_UNAVAILABLE when the keyring does not answer in time (what was asked may have been done);
 * else the keyring's own error, as in keyring/namedkeys.h. Any thread may call. */
enum sg_err keyring_client_key_create(struct keyring_client *k, const struct keyring_key_create *m,
                                      struct keyring_key *ret) SG_MUST_CHECK;
enum sg_err keyring_client_key_rotate(struct keyring_client *k, const struct keyring_key_rotate *m,
                                      struct keyring_key *ret) SG_MUST_CHECK;
enum sg_err keyring_client_key_update(struct keyring_client *k, const struct keyring_key_update *m,
                                      struct keyring_key *ret) SG_MUST_CHECK;
/* The names of all keys in byte order. */
enum sg_err keyring_client_key_names(struct keyring_client *k,
                                     char ret[SG_KEYS_MAX][SG_KEY_NAME_SIZE],
                                     size_t *ret_count) SG_MUST_CHECK;
enum sg_err keyring_client_key_get(struct keyring_client *k, const char *name,
                                   struct keyring_key *ret) SG_MUST_CHECK;
/* `version` 0: the last one. */
enum sg_err keyring_client_key_public(struct keyring_client *k, const char *name, uint32_t version,
                                      struct keyring_public *ret) SG_MUST_CHECK;

#endif
