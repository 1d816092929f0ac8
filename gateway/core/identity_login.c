/* SPDX-License-Identifier: Apache-2.0 */
/* Logins of every kind: who it is, and the session that begins. Tokens leave it once and are stored
 * only as digests. */
#include "core/identity_internal.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"
#include "core/refresh.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#define OLDEST_MAX 32 /* sessions that one login ends */

static bool device_ok(const char *name, const char *mac)
{
    static const uint8_t sample[] = "xx:xx:xx:xx:xx:xx";

    if (name != NULL) {
        size_t len = strnlen(name, SG_DEVICE_NAME_SIZE);

        if (len == SG_DEVICE_NAME_SIZE || u8_check((const uint8_t *)name, len) != NULL)
            return false;
        if (text_has_control(name, len))
            return false;
    }
    if (mac == NULL || mac[0] == '\0')
        return true;
    if (strnlen(mac, sizeof sample) != sizeof sample - 1)
        return false;
    for (size_t i = 0; i < sizeof sample - 1; i++)
        if (sample[i] == ':' ? mac[i] != ':' : strchr("0123456789abcdefABCDEF", mac[i]) == NULL)
            return false;
    return true;
}

/* Whether the way of the login and what it was given fit together. */
static enum sg_err check_login(const struct login *login)
{
    bool password = login->method == SG_METHOD_PASSWORD;

    if (!device_ok(login->device_name, login->device_mac))
        return SG_ERR_BAD_FIELD;
    if (password ? login->username == NULL || login->password == NULL : login->user_id == 0)
        return SG_ERR_BAD_FIELD;
    if (login->client_id != NULL &&
        strnlen(login->client_id, SG_CLIENT_ID_SIZE) == SG_CLIENT_ID_SIZE)
        return SG_ERR_BAD_FIELD;
    if (login->method == SG_METHOD_CERTIFICATE && login->with->certificate_sha256 == NULL)
        return SG_ERR_CERT_NEEDED;
    return SG_OK;
}

/* What the session is bound to: the certificate that it was opened with, the key that was proved,
 * the address if that is wished. */
static void bind(const struct login *login, struct session_record *session)
{
    const struct presented *with = login->with;

    if (login->bind_address)
        (void)snprintf(session->bound_address, sizeof session->bound_address, "%s", with->address);
    if (login->method == SG_METHOD_CERTIFICATE) {
        session->has_certificate = true;
        memcpy(session->certificate_sha256, with->certificate_sha256, SG_DIGEST_SIZE);
    } else if (with->dpop_sha256 != NULL) {
        session->has_dpop = true;
        memcpy(session->dpop_sha256, with->dpop_sha256, SG_DIGEST_SIZE);
    }
}

/* A new session and the secret of its first refresh token. */
static void make_session(const struct identity *id, int64_t user_id, const struct login *login,
                         struct session_record *ret, uint8_t ret_secret[32])
{
    unsigned lifetime_s = id->config.session_s;

    if (login->lifetime_s != 0 && login->lifetime_s < lifetime_s)
        lifetime_s = login->lifetime_s;
    memset(ret, 0, sizeof *ret);
    rng_bytes(ret->id, sizeof ret->id);
    rng_bytes(ret->family_key, sizeof ret->family_key);
    rng_bytes(ret_secret, 32);
    refresh_digest(ret_secret, ret->current_sha256);
    ret->user_id = user_id;
    (void)snprintf(ret->address, sizeof ret->address, "%s", login->with->address);
    (void)snprintf(ret->device_name, sizeof ret->device_name, "%s",
                   login->device_name != NULL ? login->device_name : "");
    (void)snprintf(ret->device_mac, sizeof ret->device_mac, "%s",
                   login->device_mac != NULL ? login->device_mac : "");
    (void)snprintf(ret->client_id, sizeof ret->client_id, "%s",
                   login->client_id != NULL ? login->client_id : "");
    ret->created_ns = ret->last_used_ns = clock_now_ns();
    ret->expires_ns = ret->created_ns + (int64_t)lifetime_s * SG_NS_PER_S;
    ret->sequence = 1;
    ret->method = login->method;
    ret->scopes = login->scopes != 0 ? login->scopes : INT_MAX; /* of roles to come, too */
    bind(login, ret);
}

/* A password change, a block or a removal may have come between the check and the session, and
 * ended all sessions but this one. */
static enum sg_err check_again(struct identity *id, const struct user_record *user,
                               const struct login *login)
{
    struct user_record now;
    bool match = true, stale = false;
    enum sg_err err = id->users.vt->get_by_id(id->users.self, user->id, &now);

    if (err == SG_OK && login->method == SG_METHOD_PASSWORD &&
        strcmp(now.password_hash, user->password_hash) != 0) {
        /* Another login may have renewed the hash of the same password. */
        err = password_enter(id->passwords);
        if (err == SG_OK) {
            err =
                password_verify(id->passwords, now.password_hash, login->password, &match, &stale);
            password_leave(id->passwords);
        }
    }
    if (err == SG_ERR_NOT_FOUND || (err == SG_OK && !match))
        err = SG_ERR_BAD_CREDENTIALS;
    else if (err == SG_OK && now.disabled)
        err = SG_ERR_USER_DISABLED;
    identity_hide_user(&now);
    return err;
}

/* Ends the oldest sessions of a user who has too many. What fails here is made up for by the next
 * login. */
static void end_oldest(struct identity *id, int64_t user_id)
{
    uint8_t ids[OLDEST_MAX][SG_SESSION_ID_SIZE];
    size_t count = 0;

    if (id->sessions.vt->beyond(id->sessions.self, user_id, SG_SESSIONS_PER_USER, OLDEST_MAX, ids,
                                &count) != SG_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        enum sg_err err = id->sessions.vt->remove(id->sessions.self, ids[i], user_id);

        (void)err;
        identity_session_over(id, ids[i]);
    }
    if (count > 0)
        identity_rights_changed(id, user_id);
}

static enum sg_err open_session(struct identity *id, const struct login *login,
                                struct session_record *session, const uint8_t secret[32],
                                struct user_record *user, struct grant *ret)
{
    enum sg_err err = identity_mint(id, user, session, 0, ret);

    if (err == SG_OK)
        err = id->sessions.vt->create(id->sessions.self, session, login->proof);
    /* Gone meanwhile: the passkey, the device that was let in, the user. */
    if (err == SG_ERR_CONFLICT || err == SG_ERR_NOT_FOUND)
        err = SG_ERR_BAD_CREDENTIALS;
    if (err != SG_OK)
        return err;
    err = check_again(id, user, login);
    if (err != SG_OK) {
        enum sg_err removed = id->sessions.vt->remove(id->sessions.self, session->id, 0);
        (void)removed; /* the token was not given out */
        return err;
    }
    end_oldest(id, user->id);
    refresh_grant(session, secret, ret);
    return SG_OK;
}

/* Who it is. Wipe ret->password_hash. */
static enum sg_err find_user(struct identity *id, const struct login *login,
                             struct user_record *ret, bool *ret_recovery,
                             unsigned *ret_retry_after_s)
{
    const struct attempt attempt = {.name = login->username,
                                    .password = login->password,
                                    .address = login->with->address,
                                    .factor = true,
                                    .code = login->code};
    enum sg_err err;

    if (login->method == SG_METHOD_PASSWORD)
        return identity_check_password(id, &attempt, ret, ret_recovery, ret_retry_after_s);
    err = id->users.vt->get_by_id(id->users.self, login->user_id, ret);
    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_BAD_CREDENTIALS;
    if (err == SG_OK && ret->disabled) {
        identity_hide_user(ret);
        return SG_ERR_USER_DISABLED;
    }
    return err;
}

enum sg_err identity_login(struct identity *id, const struct login *login, struct grant *ret,
                           unsigned *ret_retry_after_s)
{
    struct session_record session;
    struct user_record user;
    uint8_t secret[32];
    bool recovery = false;
    enum sg_err err = check_login(login);

    if (err == SG_OK)
        err = find_user(id, login, &user, &recovery, ret_retry_after_s);
    if (err != SG_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    make_session(id, user.id, login, &session, secret);
    err = open_session(id, login, &session, secret, &user, ret);
    secret_wipe(secret, sizeof secret);
    identity_hide_session(&session);
    identity_hide_user(&user);
    if (err != SG_OK) {
        secret_wipe(ret, sizeof *ret);
        return err;
    }
    ret->session = session;
    ret->user = user;
    ret->recovery_used = recovery;
    metrics_add(SG_METRIC_LOGIN_OK, 1);
    return SG_OK;
}
