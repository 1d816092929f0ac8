/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of the audit log. */
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
    X(MEMBER_CHANGED, "member.changed") /* roles in spaces */

enum audit_type {
#define X(name, text) SG_AUDIT_##name,
    SG_AUDIT_TYPES(X)
#undef X
        SG_AUDIT_TYPE_COUNT
};

const char *audit_type_name(enum audit_type type);

struct audit_store {
    void *self;
    const struct audit_vtable *vt;
};

#endif
