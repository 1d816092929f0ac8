/* SPDX-License-Identifier: Apache-2.0 */
/* Answers the keyring's channels: one thread for the parent's, one for each of the worker's. */
#ifndef SG_KEYRING_KEYSERVE_H
#define SG_KEYRING_KEYSERVE_H

#include "base/err.h"
#include "ipc/keyring.h"

struct services;

#define SG_KEYSERVE_CHANNELS_MAX 32 /* open worker channels in all, former workers' included */

/* Answers the control channel until it ends; then ends all worker channels and their threads. SG_OK
 * when the peer closed it, SG_ERR_PROTOCOL when it sent something that it may not. */
enum sg_err keyserve_run(struct services *services, int control_fd) SG_MUST_CHECK;

#endif
