/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with descriptors over SOCK_SEQPACKET socket pairs: one send is one message. */
#ifndef SG_IPC_CHANNEL_H
#define SG_IPC_CHANNEL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SG_IPC_FDS_MAX 16

/* Makes a close-on-exec SOCK_SEQPACKET pair with buffers for SG_IPC_MESSAGE_MAX. */
enum sg_err channel_pair(int ret_fds[2]) SG_MUST_CHECK;

/* Sends one message with `nfds` descriptors (0 to SG_IPC_FDS_MAX; they stay the caller's). Blocks.
 * SG_ERR_UNAVAILABLE when the peer is gone, SG_ERR_PROTOCOL for an empty or too long message,
 * SG_ERR_TIMEOUT when the descriptor is non-blocking and its buffer is full. */
enum sg_err channel_send(int fd, const struct buf *message, const int *fds,
                         size_t nfds) SG_MUST_CHECK;

/* Receives one message into `message` (cleared first). Descriptors arrive close-on-exec in ret_fds
 * (room for SG_IPC_FDS_MAX; ret_fds may be NULL: any that come are closed and it is an error).
 * timeout_ms < 0 waits for ever. SG_ERR_TIMEOUT, SG_ERR_UNAVAILABLE (peer gone), SG_ERR_PROTOCOL
 * (truncated, too many descriptors). */
enum sg_err channel_receive(int fd, int timeout_ms, struct buf *message, int *ret_fds,
                            size_t *ret_nfds) SG_MUST_CHECK;

#endif
