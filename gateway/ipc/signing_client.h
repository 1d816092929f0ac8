/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's calls that sign batches. */
#ifndef SG_IPC_SIGNING_CLIENT_H
#define SG_IPC_SIGNING_CLIENT_H

#include "ipc/keyring_client.h"
#include "ipc/signing.h"

#define SG_SIGN_TIMEOUT_MS  120000 /* 10,000 of RSA-3072 take 30 s on one core */
#define SG_RELEASE_NOTE_MAX 60000  /* bytes of a cosigned checkpoint */

/* A result and the memory that it points into. */
struct keyring_batch {
    struct keyring_sign_result result; /* its arrays are in the arena */
    void *memory;
    size_t memory_len;
};
void keyring_batch_fini(struct keyring_batch *b);

/*
 * Has a batch signed. SG_ERR_NOT_FOUND, SG_ERR_FORBIDDEN, SG_ERR_KEY_DISABLED, SG_ERR_KEY_EXPIRED,
 * SG_ERR_BAD_FIELD (format, name, digest), SG_ERR_CONFLICT (a name twice in a directory),
 * SG_ERR_TOO_LARGE (the result would have more than SG_SIGN_RESULT_MAX bytes),
 * SG_ERR_LOG_CLOSED, SG_ERR_CLOCK, SG_ERR_OVERLOADED; SG_ERR_UNAVAILABLE when the keyring does not
 * answer in time: the leaves may be in the log then. Any thread may call; it blocks.
 */
enum sg_err keyring_client_sign(struct keyring_client *k, const struct keyring_sign *m,
                                struct arena *arena, struct keyring_batch *ret) SG_MUST_CHECK;
/* Has what waited for witnesses signed. SG_ERR_QUORUM (the ticket stays good), SG_ERR_GONE,
 * SG_ERR_BAD_FIELD (no checkpoint of this log, or of a smaller tree). */
enum sg_err keyring_client_release(struct keyring_client *k, const struct keyring_release *m,
                                   struct arena *arena, struct keyring_batch *ret) SG_MUST_CHECK;

#endif
