/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker asks of the keyring about the log and the time. */
#ifndef SG_IPC_SIGNING_LOG_H
#define SG_IPC_SIGNING_LOG_H

#include "ipc/keyring_client.h"
#include "ipc/signing.h"

/* SG_ERR_UNAVAILABLE when the keyring does not answer in time. */
enum sg_err keyring_client_log_state(struct keyring_client *k,
                                     struct keyring_log_state *ret) SG_MUST_CHECK;
/* The signed note over a nonce of SG_TIME_NONCE_MIN to SG_TIME_NONCE_MAX bytes (else
 * SG_ERR_BAD_FIELD), NUL-terminated. SG_ERR_CLOCK. */
enum sg_err keyring_client_sign_time(struct keyring_client *k, const uint8_t *nonce, size_t len,
                                     char ret_note[SG_TIME_NOTE_MAX + 1]) SG_MUST_CHECK;

#endif
