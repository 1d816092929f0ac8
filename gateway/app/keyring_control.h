/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent asks of the keyring over its control channel. Each call waits for the answer;
 * after SG_ERR_TIMEOUT or SG_ERR_PROTOCOL the channel is out of step and the keyring must be ended.
 */
#ifndef SG_APP_KEYRING_CONTROL_H
#define SG_APP_KEYRING_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "ipc/keyring.h"

/* Answered as soon as the keyring has its keys: making them takes seconds at the very first start.
 */
enum sg_err keyring_control_status(int fd, int timeout_ms) SG_MUST_CHECK;
/* Sees to it that CA and server certificate exist and cover the names. */
enum sg_err keyring_control_ensure_cert(int fd, const struct keyring_names *names,
                                        bool *ret_changed) SG_MUST_CHECK;
/* Hands over the keyring's ends of new worker channels. */
enum sg_err keyring_control_attach(int fd, const int *fds, size_t nfds) SG_MUST_CHECK;
enum sg_err keyring_control_reload(int fd) SG_MUST_CHECK;
enum sg_err keyring_control_rotate_tokens(int fd, bool *ret_changed) SG_MUST_CHECK;

#endif
