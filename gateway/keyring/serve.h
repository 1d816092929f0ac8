/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of the keyring's messages work with; keyserve.c takes messages off the channels
 * and calls them. */
#ifndef SG_KEYRING_SERVE_H
#define SG_KEYRING_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ipc/codec.h"
#include "ipc/keyring.h"

struct identitykey;
struct kek;
struct keystore;
struct namedkeys;
struct signer;
struct timesign;
struct translog;

/* All that answers requests; NULL: that kind is answered with SG_ERR_UNAVAILABLE. */
struct services {
    const char *data; /* the data directory */
    const struct kek *kek;
    struct keystore *keys;
    struct namedkeys *named;
    struct translog *log;
    struct signer *signer;
    struct timesign *time;
    struct identitykey *identity;
    const uint8_t *storage_key; /* SG_STORAGE_KEY_SIZE bytes */
};

/* A request while it is answered. A handler decodes `in` to its end, and appends the reply's fields
 * to `out`; what it returns is the reply's status. */
struct request {
    struct decoder in;
    struct buf *out;
    const int *fds; /* descriptors that came along; closed after the answer */
    size_t nfds;
    int reply_fd; /* -1, or a descriptor that goes with the answer; closed after it */
    bool malformed;
};

/* Ends decoding; false and the request is malformed when something is missing or left over: then
 * return SG_ERR_PROTOCOL. */
static inline bool serve_decoded(struct request *r, enum sg_err err)
{
    r->malformed = r->malformed || err != SG_OK;
    return !r->malformed;
}

/* Answers KEY_CREATE, KEY_ROTATE, KEY_UPDATE, KEY_NAMES, KEY_GET and KEY_PUBLIC. */
enum sg_err serve_keys(struct services *s, enum keyring_message type,
                       struct request *r) SG_MUST_CHECK;

/* Answers ISSUE_CLIENT, REVOKE_CLIENT, SIGN_CHANNEL, IDENTITY_KEY and STORAGE_KEY. */
enum sg_err serve_identity(struct services *s, enum keyring_message type,
                           struct request *r) SG_MUST_CHECK;

/* Answers LOG_STATE and SIGN_TIME. */
enum sg_err serve_log_state(struct services *s, struct request *r) SG_MUST_CHECK;
enum sg_err serve_sign_time(struct services *s, struct request *r) SG_MUST_CHECK;

#endif
