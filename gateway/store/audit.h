/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the audit log: entries in one order, numbers that rise by one and are never used
 * again, and a chain of digests over their canonical form (store/audittext.h), made where the
 * number is.
 */
#ifndef SG_STORE_AUDIT_H
#define SG_STORE_AUDIT_H

#include "base/buf.h"
#include "store/store.h"

/* X(name, public name). The order is stored: add at the end only. */
#define SG_AUDIT_TYPES(X)                                                                          \
    X(LOGIN, "login")                                                                              \
    X(LOGIN_FAILED, "login.failed")                                                                \
    X(LOGOUT, "logout")                                                                            \
    X(SESSION_ENDED, "session.ended") /* by the gateway: address, certificate, expiry of rights */ \
    X(REFRESH_REUSED, "refresh.reused")                                                            \
    X(USER_CREATED, "user.created")                                                                \
    X(USER_REMOVED, "user.removed")                                                                \
    X(USER_UPDATED, "user.updated") /* role, disabled */                                           \
    X(PASSWORD_CHANGED, "password.changed")                                                        \
    X(INVITE_CREATED, "invite.created")                                                            \
    X(CERTIFICATE_ISSUED, "certificate.issued")                                                    \
    X(CERTIFICATE_REVOKED, "certificate.revoked")                                                  \
    X(CERTIFICATE_REFUSED, "certificate.refused")                                                  \
    X(TOKEN_CREATED, "token.created")                                                              \
    X(TOKEN_REVOKED, "token.revoked")                                                              \
    X(TOKEN_EXCHANGED, "token.exchanged")                                                          \
    X(TOTP_ENABLED, "totp.enabled")                                                                \
    X(TOTP_DISABLED, "totp.disabled")                                                              \
    X(RECOVERY_USED, "recovery.used")                                                              \
    X(RECOVERY_CREATED, "recovery.created")                                                        \
    X(PASSKEY_ADDED, "passkey.added")                                                              \
    X(PASSKEY_REMOVED, "passkey.removed")                                                          \
    X(DEVICE_APPROVED, "device.approved")                                                          \
    X(DEVICE_DENIED, "device.denied")                                                              \
    X(CLIENT_CREATED, "client.created")                                                            \
    X(CLIENT_REMOVED, "client.removed")                                                            \
    X(AUDIENCE_CREATED, "audience.created")                                                        \
    X(AUDIENCE_REMOVED, "audience.removed")                                                        \
    X(KEY_CREATED, "key.created")                                                                  \
    X(KEY_ROTATED, "key.rotated")                                                                  \
    X(KEY_UPDATED, "key.updated")                                                                  \
    X(MEMBER_CHANGED, "member.changed") /* roles in spaces */                                      \
    X(SPACE_CREATED, "space.created")                                                              \
    X(SPACE_REMOVED, "space.removed")                                                              \
    X(SIGNUP_FAILED, "signup.failed") /* a code that was not valid */

enum audit_type {
#define X(name, text) SG_AUDIT_##name,
    SG_AUDIT_TYPES(X)
#undef X
        SG_AUDIT_TYPE_COUNT
};

#define SG_AUDIT_TEXT_SIZE    257 /* of an actor's and a subject's name, with NUL */
#define SG_AUDIT_ADDRESS_SIZE 46
#define SG_AUDIT_REQUEST_SIZE 65
#define SG_AUDIT_DETAILS_SIZE 1025

/* An entry before it has its number. Plain data: texts are valid UTF-8, "" stands for none. */
struct audit_entry {
    enum audit_type type;
    int64_t at_ns;
    enum sg_err result;
    bool has_session;
    uint8_t session_id[SG_SESSION_ID_SIZE];
    char actor[SG_AUDIT_TEXT_SIZE];
    char subject[SG_AUDIT_TEXT_SIZE];
    char address[SG_AUDIT_ADDRESS_SIZE];
    char request_id[SG_AUDIT_REQUEST_SIZE];
    char details[SG_AUDIT_DETAILS_SIZE]; /* an object in canonical JSON */
};

/* An entry as it is stored. */
struct audit_row {
    uint64_t seq;
    uint8_t chain[SG_DIGEST_SIZE];
    const char *canonical; /* in the caller's arena, NUL follows */
    size_t len;
};

/* Which entries; in order of seq. */
struct audit_query {
    uint64_t after;    /* seq > after */
    uint64_t before;   /* seq < before; 0: no bound */
    bool newest;       /* the last `limit` of the range instead of the first; still ascending */
    const char *actor; /* NULL: any */
    const enum audit_type *type; /* NULL: any */
    int64_t since_ns, until_ns;  /* since <= time < until */
    size_t limit;                /* 1 to 1000 */
};

/* Where the log begins and ends. */
struct audit_range {
    uint64_t head_seq; /* last entry; 0: none yet */
    uint8_t head_chain[SG_DIGEST_SIZE];
    uint64_t pruned_seq;                  /* entries up to here have been pruned; 0: none */
    uint8_t pruned_chain[SG_DIGEST_SIZE]; /* chain value of that one; zero when none */
};

/* What is to go: the entries before the first that is not older than `before_ns`, and those of
 * which `keep` newer ones exist (0: no bound by number), of these only such as are before the first
 * that is not older than `young_ns`. */
struct audit_cut {
    int64_t before_ns;
    uint64_t keep;
    int64_t young_ns;
};

/* Who hears, before the store is closed and from any thread, that an entry which was to be durable
 * later could not be written. */
struct audit_loss {
    void (*tell)(void *ctx, uint64_t count, enum sg_err why);
    void *ctx;
    uint64_t count; /* of the caller's, given back */
};

struct audit_store {
    void *self;
    const struct audit_vtable *vt;
};

struct audit_vtable {
    enum sg_err (*append)(void *self, const struct audit_entry *entry) SG_MUST_CHECK;
    /* Takes copies and does not block; durable soon. SG_ERR_OVERLOADED, UNAVAILABLE, NO_MEMORY: it
     * will not be. */
    enum sg_err (*append_later)(void *self, const struct audit_entry *entry,
                                const struct audit_loss *loss) SG_MUST_CHECK;
    /* Into ret[limit]; entries and range as of one moment. */
    enum sg_err (*list)(void *self, const struct audit_query *query, struct arena *arena,
                        struct audit_row *ret, size_t *ret_count,
                        struct audit_range *ret_range) SG_MUST_CHECK;
    /* Removes up to `batch` of the oldest entries. */
    enum sg_err (*prune)(void *self, const struct audit_cut *cut, size_t batch,
                         size_t *ret_removed) SG_MUST_CHECK;
};

/* Static storage. */
const char *audit_type_name(enum audit_type type);
/* SG_ERR_NOT_FOUND. */
enum sg_err audit_type_parse(const char *name, enum audit_type *ret) SG_MUST_CHECK;

#endif
