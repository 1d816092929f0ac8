/* SPDX-License-Identifier: Apache-2.0 */
/* The messages between parent and worker. A malformed one is fatal for whoever receives it. */
#ifndef SG_APP_CONTROL_H
#define SG_APP_CONTROL_H

#include <stddef.h>

#include "app/config.h"
#include "base/err.h"

enum control_message {
    SG_CONTROL_CHANNELS = 1, /* parent: descriptors of new keyring channels */
    SG_CONTROL_RELOAD = 2,   /* parent: read the certificate again; what else counts anew follows */
    SG_CONTROL_DRAIN = 3,    /* parent: end gracefully */
    SG_CONTROL_READY = 16,   /* worker: requests are served */
    SG_CONTROL_RELOADED = 17,  /* worker: how it went (u8 enum sg_err) */
    SG_CONTROL_SETUP_CODE = 18 /* worker: write the setup code's file, or remove it */
};

struct control {
    enum control_message type;
    unsigned log_format, log_level; /* RELOAD, as the next two */
    unsigned client_certificates;
    struct config_list client_ca; /* the receiver's: config_list_fini */
    enum sg_err result;           /* RELOADED */
    char line[64];                /* SETUP_CODE: content with newline; "" removes; wipe it */
};

/* Sends; blocks only while the socket buffer is full. */
enum sg_err control_send(int fd, const struct control *m, const int *fds,
                         size_t nfds) SG_MUST_CHECK;
/* Receives; SG_ERR_TIMEOUT, SG_ERR_UNAVAILABLE when the peer is gone, SG_ERR_PROTOCOL. Room for
 * SG_IPC_FDS_MAX descriptors, which are the caller's. */
enum sg_err control_receive(int fd, int timeout_ms, struct control *ret, int *ret_fds,
                            size_t *ret_nfds) SG_MUST_CHECK;

#endif
