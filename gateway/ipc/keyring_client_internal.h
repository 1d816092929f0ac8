/* SPDX-License-Identifier: Apache-2.0 */
/* One call to the keyring, for the files that make the typed calls of it. */
#ifndef SG_IPC_KEYRING_CLIENT_INTERNAL_H
#define SG_IPC_KEYRING_CLIENT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/keyring_client.h"

struct keyring_call {
    const struct buf *request; /* type and fields */
    const int *fds;            /* descriptors that go along; they stay the caller's */
    size_t nfds;
    int timeout_ms; /* 0: SG_KEYRING_TIMEOUT_MS */
    bool lasts;     /* may take long: such calls have at most half of the channels */
    bool once;      /* never sent again when the keyring may have seen it */
    /* Takes the fields of a good answer and must end exactly at its end. */
    enum sg_err (*decode)(struct decoder *d, void *ret);
    void *ret;
    int *ret_fd; /* the one descriptor that a good answer brings; NULL: none may come */
};

/* SG_ERR_UNAVAILABLE when the keyring does not answer in time; else its own error, or what `decode`
 * says. After an error *ret_fd is untouched and nothing is open. */
enum sg_err keyring_client_call(struct keyring_client *k,
                                const struct keyring_call *call) SG_MUST_CHECK;

/* For answers without fields. */
enum sg_err keyring_client_decode_empty(struct decoder *d, void *ret);

#endif
