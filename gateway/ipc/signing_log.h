/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker asks of the keyring about the log and the time. */
#ifndef SG_IPC_SIGNING_LOG_H
#define SG_IPC_SIGNING_LOG_H

#include "ipc/keyring_client.h"
#include "ipc/signing.h"

/* SG_ERR_UNAVAILABLE when the keyring does not answer in time. */
enum sg_err keyring_client_log_state(struct keyring_client *k,
                                     struct keyring_log_state *ret) SG_MUST_CHECK;
/* A signed statement of the time. */
struct keyring_time {
    int64_t unix_ns;
    char note[SG_TIME_NOTE_MAX + 1]; /* that says so; NUL-terminated */
};
/* Over a nonce of SG_TIME_NONCE_MIN to SG_TIME_NONCE_MAX bytes (else SG_ERR_BAD_FIELD).
 * SG_ERR_CLOCK. */
enum sg_err keyring_client_sign_time(struct keyring_client *k, const uint8_t *nonce, size_t len,
                                     struct keyring_time *ret) SG_MUST_CHECK;

#endif
