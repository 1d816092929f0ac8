/* SPDX-License-Identifier: Apache-2.0 */
/* Login, refresh with rotation, list and end of sessions. Tokens leave it once and are stored only
 * as digests. */
#include "core/identity_internal.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/refresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#define ROTATE_TRIES 16

void identity_hide_session(struct session_record *session)
{
    secret_wipe(session->family_key, sizeof session->family_key);
    secret_wipe(session->current_sha256, sizeof session->current_sha256);
    secret_wipe(session->previous_sha256, sizeof session->previous_sha256);
    secret_wipe(session->salt, sizeof session->salt);
}

/* -- login ----------------------------------------------------------------------------------------
 */

static bool device_ok(const char *name, const char *mac)
{
    static const uint8_t sample[] = "xx:xx:xx:xx:xx:xx";

    if (name != NULL) {
        size_t len = strnlen(name, SG_DEVICE_NAME_SIZE);

        if (len == SG_DEVICE_NAME_SIZE || u8_check((const uint8_t *)name, len) != NULL)
            return false;
        for (size_t i = 0; i < len; i++)
            if ((uint8_t)name[i] < 0x20 || name[i] == 0x7f ||
                ((uint8_t)name[i] == 0xc2 && (uint8_t)name[i + 1] < 0xa0)) /* C1 */
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

/* A new session and the secret of its first refresh token. */
static void make_session(const struct identity *id, const struct user_record *user,
                         const char *address, const char *device_name, const char *device_mac,
                         struct session_record *ret, uint8_t ret_secret[32])
{
    memset(ret, 0, sizeof *ret);
    rng_bytes(ret->id, sizeof ret->id);
    rng_bytes(ret->family_key, sizeof ret->family_key);
    rng_bytes(ret_secret, 32);
    refresh_digest(ret_secret, ret->current_sha256);
    ret->user_id = user->id;
    (void)snprintf(ret->address, sizeof ret->address, "%s", address);
    (void)snprintf(ret->device_name, sizeof ret->device_name, "%s",
                   device_name != NULL ? device_name : "");
    (void)snprintf(ret->device_mac, sizeof ret->device_mac, "%s",
                   device_mac != NULL ? device_mac : "");
    ret->created_ns = ret->last_used_ns = clock_now_ns();
    ret->expires_ns = ret->created_ns + (int64_t)id->config.session_s * SG_NS_PER_S;
    ret->sequence = 1;
}

/* The text of the refresh token with this secret. */
static void put_refresh_token(const struct session_record *session, const uint8_t secret[32],
                              struct grant *ret)
{
    struct refresh_token token;

    refresh_make(&token, session->id, session->family_key, secret);
    refresh_format(&token, ret->refresh_token);
    secret_wipe(&token, sizeof token);
}

/* A password change, a block or a removal may have come between the check and the session, and
 * ended all sessions but this one. */
static enum sg_err check_again(struct identity *id, const struct user_record *user,
                               const char *password)
{
    struct user_record now;
    bool match = true, stale = false;
    enum sg_err err = id->users.vt->get_by_id(id->users.self, user->id, &now);

    if (err == SG_OK && strcmp(now.password_hash, user->password_hash) != 0) {
        /* Another login may have renewed the hash of the same password. */
        err = password_enter(id->passwords);
        if (err == SG_OK) {
            err = password_verify(id->passwords, now.password_hash, password, &match, &stale);
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
    const size_t room = SG_SESSIONS_PER_USER + 32;
    struct session_record *list = calloc(room, sizeof *list);
    size_t count = 0;

    if (list == NULL)
        return;
    if (id->sessions.vt->list(id->sessions.self, user_id, room, list, &count) == SG_OK) {
        for (size_t i = SG_SESSIONS_PER_USER; i < count; i++) {
            enum sg_err err = id->sessions.vt->remove(id->sessions.self, list[i].id, user_id);
            (void)err;
        }
        if (count > SG_SESSIONS_PER_USER)
            identity_rights_changed(id, user_id);
        secret_wipe(list, count * sizeof *list);
    }
    free(list);
}

static enum sg_err open_session(struct identity *id, const char *password,
                                struct session_record *session, const uint8_t secret[32],
                                struct user_record *user, struct grant *ret)
{
    enum sg_err err = identity_mint(id, user, session, ret);

    if (err == SG_OK)
        err = id->sessions.vt->create(id->sessions.self, session);
    if (err != SG_OK)
        return err;
    err = check_again(id, user, password);
    if (err != SG_OK) {
        enum sg_err removed = id->sessions.vt->remove(id->sessions.self, session->id, 0);
        (void)removed; /* the token was not given out */
        return err;
    }
    end_oldest(id, user->id);
    put_refresh_token(session, secret, ret);
    return SG_OK;
}

enum sg_err identity_login(struct identity *id, const char *name, const char *password,
                           const char *address, const char *device_name, const char *device_mac,
                           struct grant *ret, unsigned *ret_retry_after_s)
{
    struct session_record session;
    struct user_record user;
    uint8_t secret[32];
    enum sg_err err;

    if (!device_ok(device_name, device_mac))
        return SG_ERR_BAD_FIELD;
    err = identity_check_password(id, name, password, address, &user, ret_retry_after_s);
    if (err == SG_OK && user.disabled) {
        identity_hide_user(&user);
        return SG_ERR_USER_DISABLED;
    }
    if (err != SG_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    make_session(id, &user, address, device_name, device_mac, &session, secret);
    err = open_session(id, password, &session, secret, &user, ret);
    secret_wipe(secret, sizeof secret);
    identity_hide_session(&session);
    identity_hide_user(&user);
    if (err != SG_OK) {
        secret_wipe(ret, sizeof *ret);
        return err;
    }
    ret->session = session;
    ret->user = user;
    metrics_add(SG_METRIC_LOGIN_OK, 1);
    return SG_OK;
}

/* -- refresh --------------------------------------------------------------------------------------
 */

/* Somebody shows a token whose successor was used: one of the two holders is not the owner. */
static enum sg_err end_family(struct identity *id, const struct session_record *session,
                              const struct user_record *user, const char *address)
{
    char hex[SG_HEX_SIZE(SG_SESSION_ID_SIZE)];
    enum sg_err err = id->sessions.vt->remove(id->sessions.self, session->id, 0);

    identity_rights_changed(id, session->user_id);
    metrics_add(SG_METRIC_REFRESH_REUSE, 1);
    encode_hex(session->id, SG_SESSION_ID_SIZE, hex);
    log_write(SG_LOG_WARN, "session.refresh-reuse", SG_STR("user", user->name),
              SG_STR("session", hex), SG_STR("address", address));
    return err == SG_OK || err == SG_ERR_NOT_FOUND ? SG_ERR_SESSION_ENDED : err;
}

/* Session and user of a presented token, if it is genuine and both are alive. *ret_use is set, too,
 * when the family has to end. */
static enum sg_err look_up(struct identity *id, const struct refresh_token *token,
                           struct session_record *session, struct user_record *user,
                           enum refresh_use *ret_use)
{
    enum sg_err err = id->sessions.vt->get(id->sessions.self, token->session_id, session);

    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return err;
    *ret_use = refresh_classify(token, session);
    if (*ret_use == SG_REFRESH_FORGED)
        return SG_ERR_TOKEN_INVALID;
    err = id->users.vt->get_by_id(id->users.self, session->user_id, user);
    if (err == SG_OK)
        identity_hide_user(user);
    if (err == SG_ERR_NOT_FOUND ||
        (err == SG_OK && (user->disabled || session->expires_ns <= clock_now_ns())))
        return SG_ERR_SESSION_ENDED;
    return err;
}

/* Makes `secret` the previous one; SG_ERR_CONFLICT when another refresh was first. */
static enum sg_err rotate(struct identity *id, const uint8_t secret[32], const char *address,
                          struct session_record *session)
{
    uint8_t before[SG_DIGEST_SIZE];
    uint8_t next[32];
    enum sg_err err;

    memcpy(before, session->current_sha256, sizeof before);
    rng_bytes(session->salt, sizeof session->salt);
    refresh_next(secret, session->salt, next);
    memcpy(session->previous_sha256, before, sizeof before);
    refresh_digest(next, session->current_sha256);
    secret_wipe(next, sizeof next);
    session->last_used_ns = clock_now_ns();
    (void)snprintf(session->address, sizeof session->address, "%s", address);
    err = id->sessions.vt->rotate(id->sessions.self, session, before);
    return err == SG_ERR_NOT_FOUND ? SG_ERR_SESSION_ENDED : err;
}

/* One attempt: SG_ERR_CONFLICT means look again. `session` then holds the family's state. */
static enum sg_err refresh_once(struct identity *id, const struct refresh_token *token,
                                const char *address, struct session_record *session,
                                struct grant *ret)
{
    enum refresh_use use = SG_REFRESH_FORGED;
    uint8_t next[32];
    enum sg_err err = look_up(id, token, session, &ret->user, &use);

    if (err != SG_OK)
        return err;
    if (use == SG_REFRESH_REUSED)
        return end_family(id, session, &ret->user, address);
    err = identity_mint(id, &ret->user, session, ret);
    if (err == SG_OK && use == SG_REFRESH_CURRENT)
        err = rotate(id, token->secret, address, session);
    if (err != SG_OK)
        return err;
    refresh_next(token->secret, session->salt, next);
    put_refresh_token(session, next, ret);
    secret_wipe(next, sizeof next);
    return SG_OK;
}

enum sg_err identity_refresh(struct identity *id, const char *refresh_token, const char *address,
                             struct grant *ret)
{
    struct refresh_token token;
    struct session_record session;
    enum sg_err err = refresh_parse(refresh_token, &token);

    if (err != SG_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    err = SG_ERR_CONFLICT;
    for (int i = 0; i < ROTATE_TRIES && err == SG_ERR_CONFLICT; i++)
        err = refresh_once(id, &token, address, &session, ret);
    secret_wipe(&token, sizeof token);
    identity_hide_session(&session);
    if (err == SG_OK)
        ret->session = session;
    else
        secret_wipe(ret, sizeof *ret);
    return err == SG_ERR_CONFLICT ? SG_ERR_OVERLOADED : err;
}

/* -- list and end ---------------------------------------------------------------------------------
 */

enum sg_err identity_sessions(struct identity *id, const struct principal *who, size_t limit,
                              struct session_record *ret, size_t *ret_count)
{
    int64_t now = clock_now_ns();
    size_t count = 0, kept = 0;
    enum sg_err err = id->sessions.vt->list(id->sessions.self, who->user_id, limit, ret, &count);

    if (err != SG_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        identity_hide_session(&ret[i]);
        if (ret[i].expires_ns <= now)
            continue;
        if (kept != i)
            ret[kept] = ret[i];
        kept++;
    }
    *ret_count = kept;
    return SG_OK;
}

enum sg_err identity_session(struct identity *id, const struct principal *who,
                             const uint8_t session_id[SG_SESSION_ID_SIZE],
                             struct session_record *ret)
{
    struct session_record session;
    enum sg_err err = id->sessions.vt->get(id->sessions.self, session_id, &session);

    if (err != SG_OK)
        return err;
    identity_hide_session(&session);
    if (session.user_id != who->user_id || session.expires_ns <= clock_now_ns())
        return SG_ERR_NOT_FOUND;
    *ret = session;
    return SG_OK;
}

enum sg_err identity_logout(struct identity *id, const struct principal *who,
                            const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    enum sg_err err = id->sessions.vt->remove(id->sessions.self, session_id, who->user_id);

    if (err == SG_OK)
        identity_rights_changed(id, who->user_id);
    return err;
}
