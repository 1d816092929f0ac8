/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's side of the keyring: a set of channels, each carrying one call at a time. Any thread
 * may call; a call waits at most SG_KEYRING_TIMEOUT_MS for a free channel and an answer, also
 * across a restart of the keyring (the set is replaced by keyring_client_attach). While answers are
 * overdue, calls wait much shorter: the keyring hangs, and whoever calls has other things to do.
 */
#ifndef SG_IPC_KEYRING_CLIENT_H
#define SG_IPC_KEYRING_CLIENT_H

#include "ipc/keyring.h"

#define SG_KEYRING_CHANNELS   8
#define SG_KEYRING_TIMEOUT_MS 3000

struct keyring_client;

struct keyring_client *keyring_client_new(void); /* no channels yet; NULL without memory */
void keyring_client_free(struct keyring_client *k);

/* Takes over new channels (descriptors are the client's from now on); calls on old ones are retried
 * once on the new. At most SG_KEYRING_CHANNELS. */
void keyring_client_attach(struct keyring_client *k, const int *fds, size_t nfds);

/* SG_ERR_UNAVAILABLE when the keyring does not answer in time; else the keyring's own error. */
enum sg_err keyring_client_sign_tls(struct keyring_client *k, const struct keyring_sign_tls *m,
                                    uint8_t *ret_signature, size_t cap,
                                    size_t *ret_len) SG_MUST_CHECK;
enum sg_err keyring_client_has_tls_key(struct keyring_client *k, const uint8_t spki_sha256[32],
                                       uint32_t *ret_algorithm, uint32_t *ret_bits) SG_MUST_CHECK;
#define SG_TOKEN_SIZE 4096
enum sg_err keyring_client_mint(struct keyring_client *k, const struct keyring_claims *m,
                                char ret_token[SG_TOKEN_SIZE]) SG_MUST_CHECK;
enum sg_err keyring_client_token_keys(struct keyring_client *k,
                                      struct token_key ret[SG_TOKEN_KEYS_MAX],
                                      size_t *ret_count) SG_MUST_CHECK;
enum sg_err keyring_client_status(struct keyring_client *k) SG_MUST_CHECK;

#endif
