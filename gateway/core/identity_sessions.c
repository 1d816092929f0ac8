/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh with rotation, list and end of sessions. Tokens leave it once and are stored only as
 * digests. */
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

#define ROTATE_TRIES 16

void identity_hide_session(struct session_record *session)
{
    secret_wipe(session->family_key, sizeof session->family_key);
    secret_wipe(session->current_sha256, sizeof session->current_sha256);
    secret_wipe(session->previous_sha256, sizeof session->previous_sha256);
    secret_wipe(session->salt, sizeof session->salt);
}

/* -- refresh --------------------------------------------------------------------------------------
 */

void identity_session_over(const struct identity *id, const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    if (id->hooks.session_over != NULL)
        id->hooks.session_over(id->hooks.ctx, session_id);
}

struct ending {
    size_t count;
    uint8_t id[][SG_SESSION_ID_SIZE];
};

struct ending *identity_ending(const struct identity *id, int64_t user_id, const uint8_t *keep)
{
    const size_t room = SG_SESSIONS_PER_USER + 32;
    struct session_record *list;
    struct ending *ending;
    size_t count = 0;

    if (id->hooks.session_over == NULL)
        return NULL;
    list = calloc(room, sizeof *list);
    ending = calloc(1, sizeof *ending + room * SG_SESSION_ID_SIZE);
    if (list != NULL && ending != NULL &&
        id->sessions.vt->list(id->sessions.self, user_id, room, list, &count) == SG_OK)
        for (size_t i = 0; i < count; i++)
            if (keep == NULL || memcmp(list[i].id, keep, SG_SESSION_ID_SIZE) != 0)
                memcpy(ending->id[ending->count++], list[i].id, SG_SESSION_ID_SIZE);
    if (list != NULL)
        secret_wipe(list, room * sizeof *list);
    free(list);
    return ending;
}

void identity_ended(const struct identity *id, struct ending *ending, bool ended)
{
    for (size_t i = 0; ending != NULL && ended && i < ending->count; i++)
        identity_session_over(id, ending->id[i]);
    free(ending);
}

enum sg_err identity_ending_by(struct identity *id, int64_t user_id, enum sg_err (*act)(void *ctx),
                               void *ctx)
{
    struct ending *ending = identity_ending(id, user_id, NULL);
    struct session_record session;
    enum sg_err err = act(ctx);

    if (err == SG_OK)
        identity_rights_changed(id, user_id);
    for (size_t i = 0; ending != NULL && i < ending->count; i++) {
        if (id->sessions.vt->get(id->sessions.self, ending->id[i], &session) == SG_ERR_NOT_FOUND)
            identity_session_over(id, ending->id[i]);
        else
            identity_hide_session(&session);
    }
    free(ending);
    return err;
}

enum sg_err identity_end(struct identity *id, const struct session_record *session,
                         const char *user, enum audit_type type, const char *address,
                         enum sg_err why)
{
    char hex[SG_HEX_SIZE(SG_SESSION_ID_SIZE)];
    enum sg_err err = id->sessions.vt->remove(id->sessions.self, session->id, 0);

    identity_rights_changed(id, session->user_id);
    identity_session_over(id, session->id);
    encode_hex(session->id, SG_SESSION_ID_SIZE, hex);
    log_write(SG_LOG_WARN, audit_type_name(type), SG_STR("user", user), SG_STR("session", hex),
              SG_STR("address", address), SG_STR("cause", err_code(why)));
    if (err == SG_OK && id->hooks.note != NULL)
        id->hooks.note(id->hooks.ctx, type, user, session->id, address, why);
    return err == SG_ERR_NOT_FOUND ? SG_OK : err;
}

/* Somebody shows a token whose successor was used: one of the two holders is not the owner. */
static enum sg_err end_family(struct identity *id, const struct session_record *session,
                              const struct user_record *user, const char *address)
{
    enum sg_err err = identity_end(id, session, user->name, SG_AUDIT_REFRESH_REUSED, address,
                                   SG_ERR_SESSION_ENDED);

    metrics_add(SG_METRIC_REFRESH_REUSE, 1);
    return err == SG_OK ? SG_ERR_SESSION_ENDED : err;
}

/* Whether the family may be used by this client, with what it shows. The proof of possession comes
 * first: who only found a token can neither use nor end it. */
static enum sg_err check_holder(struct identity *id, const struct session_record *session,
                                const struct user_record *user, const struct presented *with,
                                const char *client_id)
{
    enum sg_err err;

    if (session->client_id[0] != '\0' &&
        (client_id == NULL || strcmp(client_id, session->client_id) != 0))
        return SG_ERR_TOKEN_INVALID;
    if (session->has_certificate &&
        (with->certificate_sha256 == NULL ||
         memcmp(with->certificate_sha256, session->certificate_sha256, SG_DIGEST_SIZE) != 0))
        return SG_ERR_TOKEN_MISMATCH;
    if (session->has_dpop && (with->dpop_sha256 == NULL ||
                              memcmp(with->dpop_sha256, session->dpop_sha256, SG_DIGEST_SIZE) != 0))
        return SG_ERR_TOKEN_MISMATCH;
    if (session->bound_address[0] == '\0' || strcmp(session->bound_address, with->address) == 0)
        return SG_OK;
    err = identity_end(id, session, user->name, SG_AUDIT_SESSION_ENDED, with->address,
                       SG_ERR_ADDRESS_MISMATCH);
    return err == SG_OK ? SG_ERR_ADDRESS_MISMATCH : err;
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
    if (err == SG_ERR_NOT_FOUND || (err == SG_OK && user->disabled))
        return SG_ERR_SESSION_ENDED;
    if (err == SG_OK && session->expires_ns <= clock_now_ns())
        return SG_ERR_SESSION_EXPIRED;
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

/* What is asked of a refresh. */
struct refreshing {
    struct refresh_token token;
    const struct presented *with;
    const char *client_id;
    unsigned scopes;
};

/* One attempt: SG_ERR_CONFLICT means look again. `session` then holds the family's state. */
static enum sg_err refresh_once(struct identity *id, const struct refreshing *asked,
                                struct session_record *session, struct grant *ret)
{
    enum refresh_use use = SG_REFRESH_FORGED;
    uint8_t next[32];
    enum sg_err err = look_up(id, &asked->token, session, &ret->user, &use);

    if (err == SG_OK)
        err = check_holder(id, session, &ret->user, asked->with, asked->client_id);
    if (err != SG_OK)
        return err;
    if (use == SG_REFRESH_REUSED)
        return end_family(id, session, &ret->user, asked->with->address);
    err = identity_mint(id, &ret->user, session, asked->scopes, ret);
    if (err == SG_OK && use == SG_REFRESH_CURRENT)
        err = rotate(id, asked->token.secret, asked->with->address, session);
    if (err != SG_OK)
        return err;
    refresh_next(asked->token.secret, session->salt, next);
    refresh_grant(session, next, ret);
    secret_wipe(next, sizeof next);
    return SG_OK;
}

enum sg_err identity_refresh(struct identity *id, const char *refresh_token,
                             const struct presented *with, const char *client_id, unsigned scopes,
                             struct grant *ret)
{
    struct refreshing asked = {.with = with, .client_id = client_id, .scopes = scopes};
    struct session_record session;
    enum sg_err err = refresh_parse(refresh_token, &asked.token);

    if (err != SG_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    memset(&session, 0, sizeof session);
    err = SG_ERR_CONFLICT;
    for (int i = 0; i < ROTATE_TRIES && err == SG_ERR_CONFLICT; i++)
        err = refresh_once(id, &asked, &session, ret);
    secret_wipe(&asked, sizeof asked);
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

enum sg_err identity_any_session(struct identity *id, const uint8_t session_id[SG_SESSION_ID_SIZE],
                                 struct session_record *ret)
{
    enum sg_err err = id->sessions.vt->get(id->sessions.self, session_id, ret);

    if (err == SG_OK)
        identity_hide_session(ret);
    return err;
}

enum sg_err identity_end_session(struct identity *id, const uint8_t session_id[SG_SESSION_ID_SIZE],
                                 int64_t user_id)
{
    enum sg_err err = id->sessions.vt->remove(id->sessions.self, session_id, user_id);

    if (err != SG_OK)
        return err;
    identity_rights_changed(id, user_id);
    identity_session_over(id, session_id);
    return SG_OK;
}

enum sg_err identity_logout(struct identity *id, const struct principal *who,
                            const uint8_t session_id[SG_SESSION_ID_SIZE])
{
    return identity_end_session(id, session_id, who->user_id);
}
