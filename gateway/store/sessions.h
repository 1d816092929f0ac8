/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of sessions and their refresh token families. */
#ifndef SG_STORE_SESSIONS_H
#define SG_STORE_SESSIONS_H

#include "store/store.h"

#define SG_CLIENT_ID_SIZE   64
#define SG_DEVICE_NAME_SIZE 257 /* 64 characters as bytes of UTF-8, with NUL */

/* How a session was opened. The order is stored: add at the end only. */
enum session_method {
    SG_METHOD_PASSWORD,
    SG_METHOD_CERTIFICATE,
    SG_METHOD_PASSKEY,
    SG_METHOD_DEVICE
};

struct session_record {
    uint8_t id[SG_SESSION_ID_SIZE];
    int64_t user_id;
    char address[46];
    char device_name[SG_DEVICE_NAME_SIZE]; /* "": none */
    char device_mac[18];                   /* "": none */
    int64_t created_ns, last_used_ns, expires_ns;
    /* Refresh: the current token's digest, its predecessor's (all zero: none), and the salt from
     * which the predecessor leads to the current one (core/identity). */
    uint8_t family_key[32];
    uint8_t current_sha256[SG_DIGEST_SIZE];
    uint8_t previous_sha256[SG_DIGEST_SIZE];
    uint8_t salt[32];
    uint64_t sequence; /* of the data exchange; starts at 1 */
    enum session_method method;
    unsigned scopes;        /* bits that its tokens may have at most */
    char bound_address[46]; /* the only address it may be used from; "": any */
    bool has_certificate;   /* bound to the client certificate below (RFC 8705) */
    uint8_t certificate_sha256[SG_DIGEST_SIZE];
    bool has_dpop; /* bound to the key with the thumbprint below (RFC 9449) */
    uint8_t dpop_sha256[SG_DIGEST_SIZE];
    char client_id[SG_CLIENT_ID_SIZE]; /* of the OAuth client that it was made for; "": none */
};

/* What proved a login, where that can be gone before the session is there. */
struct session_proof {
    const uint8_t *passkey; /* id of a passkey of the session's user; the session ends with it.
                               NULL: none */
    size_t passkey_len;
    const uint8_t *device_sha256; /* a device that the user let in: used up. NULL: none */
};

struct sessions_store {
    void *self;
    const struct sessions_vtable *vt;
};

struct sessions_vtable {
    /* SG_ERR_NOT_FOUND when the user is gone, USER_DISABLED, CONFLICT when what `proof` (NULL:
     * nothing) names is not there: checked in the same transaction. */
    enum sg_err (*create)(void *self, const struct session_record *session,
                          const struct session_proof *proof) SG_MUST_CHECK;
    /* The session and its user in one read; SG_ERR_NOT_FOUND. */
    enum sg_err (*get)(void *self, const uint8_t *id, struct session_record *ret) SG_MUST_CHECK;
    /* A user's sessions, newest first, at most `limit`. */
    enum sg_err (*list)(void *self, int64_t user_id, size_t limit, struct session_record *ret,
                        size_t *ret_count) SG_MUST_CHECK;
    /* Ids of a user's sessions that come after the newest `keep`, at most `limit` of them. */
    enum sg_err (*beyond)(void *self, int64_t user_id, size_t keep, size_t limit,
                          uint8_t (*ret)[SG_SESSION_ID_SIZE], size_t *ret_count) SG_MUST_CHECK;
    /* Compare-and-swap of the refresh state: stores previous, current, salt, last_used and address
     * of `next` if the stored current_sha256 equals `expected_current`; SG_ERR_CONFLICT when it
     * does not (another refresh won: read again), SG_ERR_NOT_FOUND. */
    enum sg_err (*rotate)(void *self, const struct session_record *next,
                          const uint8_t *expected_current) SG_MUST_CHECK;
    /* Ends one session; SG_ERR_NOT_FOUND. `user_id` 0: whoever's; else only that user's. */
    enum sg_err (*remove)(void *self, const uint8_t *id, int64_t user_id) SG_MUST_CHECK;
    /* Notes the last use; may be batched (not durable at return). */
    enum sg_err (*touch)(void *self, const uint8_t *id, int64_t now_ns) SG_MUST_CHECK;
    /* True when this user has had a session from the place of this address (base/place.h; login
     * throttling's known addresses). */
    enum sg_err (*known_address)(void *self, const char *user_name, const char *address,
                                 bool *ret) SG_MUST_CHECK;
    /* Removes sessions that expired before `now_ns`. */
    enum sg_err (*prune)(void *self, int64_t now_ns) SG_MUST_CHECK;
};

#endif
