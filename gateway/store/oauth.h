/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of what OAuth is made of: clients, audiences, devices that wait to be let in, and tokens
 * that were revoked before their time. Secrets and codes come here as digests only. */
#ifndef SG_STORE_OAUTH_H
#define SG_STORE_OAUTH_H

#include "store/sessions.h"

#define SG_OAUTH_NAME_SIZE     257 /* 64 characters as bytes of UTF-8, with NUL */
#define SG_OAUTH_AUDIENCE_SIZE 256
#define SG_OAUTH_JTI_SIZE      33
#define SG_OAUTH_CLIENTS       1000 /* of each kind at most */

struct oauth_client {
    char id[SG_CLIENT_ID_SIZE];
    char name[SG_OAUTH_NAME_SIZE];
    bool confidential; /* has a secret */
    uint8_t secret_sha256[SG_DIGEST_SIZE];
    unsigned grants; /* bits of enum oauth_grant (core/oauth.h) */
    int64_t created_ns;
};

struct oauth_audience {
    char audience[SG_OAUTH_AUDIENCE_SIZE];
    char name[SG_OAUTH_NAME_SIZE];
    unsigned scopes;                   /* that tokens for it may have */
    char client_id[SG_CLIENT_ID_SIZE]; /* of the client that is this service; "": not said */
    int64_t created_ns;
};

/* The order is stored: add at the end only. */
enum device_state { SG_DEVICE_WAITS, SG_DEVICE_APPROVED, SG_DEVICE_DENIED };

struct device_grant {
    uint8_t device_sha256[SG_DIGEST_SIZE];
    uint8_t user_sha256[SG_DIGEST_SIZE];
    char client_id[SG_CLIENT_ID_SIZE];
    unsigned scopes; /* 0: all that the user may */
    char address[46];
    enum device_state state;
    int64_t user_id; /* who decided; 0: nobody yet */
    int64_t created_ns, expires_ns, polled_ns;
    unsigned interval_s;
};

/* What a user says to a device that waits. */
struct device_decision {
    const uint8_t *user_sha256;
    int64_t user_id;
    const uint8_t *session_id; /* with which the user says so */
    unsigned scopes;           /* that the device gets */
    bool approve;
    int64_t now_ns;
};

/* What a device that asks is told. */
enum device_poll {
    SG_POLL_PENDING,
    SG_POLL_SLOW_DOWN, /* asked too soon: the interval is longer by five seconds from now on */
    SG_POLL_APPROVED,  /* until its session is there, which uses the grant up (store/sessions.h) */
    SG_POLL_DENIED,    /* once: the grant is gone */
    SG_POLL_EXPIRED    /* likewise */
};

struct revoked_token {
    char jti[SG_OAUTH_JTI_SIZE]; /* the part that is its own (core/identity.h) */
    int64_t expires_ns;
};

struct oauth_store {
    void *self;
    const struct oauth_vtable *vt;
};

struct oauth_vtable {
    /* SG_ERR_NAME_TAKEN, LIMIT (SG_OAUTH_CLIENTS). */
    enum sg_err (*client_add)(void *self, const struct oauth_client *client) SG_MUST_CHECK;
    enum sg_err (*client_get)(void *self, const char *id, struct oauth_client *ret) SG_MUST_CHECK;
    /* By id. */
    enum sg_err (*client_list)(void *self, size_t limit, struct oauth_client *ret,
                               size_t *ret_count) SG_MUST_CHECK;
    /* Ends its waiting devices and its sessions, too, and removes the audiences it is named for. */
    enum sg_err (*client_remove)(void *self, const char *id) SG_MUST_CHECK;

    /* SG_ERR_NAME_TAKEN, LIMIT (SG_OAUTH_CLIENTS), NOT_FOUND: there is no such client. */
    enum sg_err (*audience_add)(void *self, const struct oauth_audience *audience) SG_MUST_CHECK;
    enum sg_err (*audience_get)(void *self, const char *audience,
                                struct oauth_audience *ret) SG_MUST_CHECK;
    enum sg_err (*audience_list)(void *self, size_t limit, struct oauth_audience *ret,
                                 size_t *ret_count) SG_MUST_CHECK;
    enum sg_err (*audience_remove)(void *self, const char *audience) SG_MUST_CHECK;

    /* SG_ERR_LIMIT when `in_all` wait, or `of_address` from the
     * place of its address (base/place.h). NAME_TAKEN: that user code
     * is in use. Removes what expired before grant->created_ns. */
    enum sg_err (*device_add)(void *self, const struct device_grant *grant, size_t in_all,
                              size_t of_address) SG_MUST_CHECK;
    /* One that waits and has not expired; SG_ERR_NOT_FOUND. */
    enum sg_err (*device_get)(void *self, const uint8_t *user_sha256, int64_t now_ns,
                              struct device_grant *ret) SG_MUST_CHECK;
    /* SG_ERR_NOT_FOUND as above; SESSION_ENDED when that session is not there any more: checked in
     * the same transaction. */
    enum sg_err (*device_decide)(void *self, const struct device_decision *d) SG_MUST_CHECK;
    /* The device of this client asks; SG_ERR_NOT_FOUND for any other. */
    enum sg_err (*device_poll)(void *self, const uint8_t *device_sha256, const char *client_id,
                               int64_t now_ns, struct device_grant *ret,
                               enum device_poll *ret_answer) SG_MUST_CHECK;

    /* Again is no error. */
    enum sg_err (*revoke)(void *self, const struct revoked_token *token) SG_MUST_CHECK;
    /* Those that have not expired, up to `limit`, the last to expire first. */
    enum sg_err (*revoked)(void *self, int64_t now_ns, size_t limit, struct revoked_token *ret,
                           size_t *ret_count) SG_MUST_CHECK;
    /* Removes devices and revoked tokens that expired before. */
    enum sg_err (*prune)(void *self, int64_t before_ns) SG_MUST_CHECK;
};

#endif
