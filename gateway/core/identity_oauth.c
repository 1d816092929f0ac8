/* SPDX-License-Identifier: Apache-2.0 */
/* What a token of any kind says, and tokens made of others. It never gives more than it was shown.
 */
#include "core/identity_oauth.h"
#include "core/identity_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/secret.h"
#include "core/refresh.h"
#include "core/scripttokens.h"
#include "core/sha256.h"

/* -- what a token says ------------------------------------------------------------------------- */

static enum sg_err inspect_access(struct identity *id, const char *token, struct inspected *ret)
{
    struct token_form form;
    struct token_claims claims;
    struct tokencache_entry entry;
    enum sg_err err = tokenverify_form(token, strlen(token), &form);

    if (err == SG_OK)
        err = keyset_verify(id->keys, &form);
    if (err == SG_OK)
        err = tokenverify_claims(&form, id->config.issuer, NULL, clock_now_ns() / SG_NS_PER_S,
                                 &claims);
    if (err == SG_OK)
        err = identity_read_claims(&claims, &entry);
    if (err == SG_OK)
        err = identity_read_rights(id, claims.sub, &entry);
    if (err != SG_OK)
        return err;
    ret->kind = SG_TOKEN_ACCESS;
    ret->who = entry.who;
    (void)snprintf(ret->audience, sizeof ret->audience, "%s", claims.aud);
    ret->issued_s = claims.iat_s;
    ret->expires_s = claims.exp_s;
    ret->actor_count = claims.actor_count;
    memcpy(ret->actor, claims.actor, sizeof ret->actor);
    return SG_OK;
}

static enum sg_err inspect_script(struct identity *id, const char *token, struct inspected *ret)
{
    struct tokencache_entry entry = {0};
    uint8_t digest[SG_DIGEST_SIZE];
    struct token_record record;
    enum sg_err err;

    if (!scripttokens_form_ok(token, strlen(token)) || id->tokens.vt == NULL)
        return SG_ERR_TOKEN_INVALID;
    sha256_digest(token, strlen(token), digest);
    err = id->tokens.vt->find(id->tokens.self, digest, &record);
    if (err != SG_OK)
        return err == SG_ERR_NOT_FOUND ? SG_ERR_TOKEN_INVALID : err;
    entry.who.authority = SG_AUTHORITY_SCRIPT;
    entry.who.scripted = true;
    memcpy(entry.who.token_id, record.id, SG_TOKEN_ID_SIZE);
    entry.who.token_expires_s = record.expires_ns / SG_NS_PER_S;
    entry.token_scopes = record.scopes;
    err = identity_read_rights(id, NULL, &entry);
    if (err != SG_OK)
        return err;
    ret->kind = SG_TOKEN_SCRIPT;
    ret->who = entry.who;
    (void)snprintf(ret->audience, sizeof ret->audience, "%s", id->config.audience);
    ret->issued_s = record.created_ns / SG_NS_PER_S;
    ret->expires_s = entry.who.token_expires_s;
    return SG_OK;
}

/* What the principal of a session's refresh token is bound to. */
static void bind_to_session(const struct session_record *session, struct principal *who)
{
    if (session->has_certificate) {
        who->confirmation = SG_CONFIRM_CERTIFICATE;
        memcpy(who->confirmation_sha256, session->certificate_sha256, SG_DIGEST_SIZE);
    } else if (session->has_dpop) {
        who->confirmation = SG_CONFIRM_DPOP;
        memcpy(who->confirmation_sha256, session->dpop_sha256, SG_DIGEST_SIZE);
    }
    memcpy(who->client_id, session->client_id, sizeof who->client_id);
}

static enum sg_err inspect_refresh(struct identity *id, const struct refresh_token *token,
                                   struct inspected *ret)
{
    struct tokencache_entry entry = {0};
    struct session_record session;
    enum refresh_use use;
    enum sg_err err = id->sessions.vt->get(id->sessions.self, token->session_id, &session);

    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return err;
    use = refresh_classify(token, &session);
    identity_hide_session(&session);
    if (use == SG_REFRESH_FORGED || use == SG_REFRESH_REUSED)
        return SG_ERR_TOKEN_INVALID;
    entry.who.authority = SG_AUTHORITY_LOGIN;
    memcpy(entry.who.session_id, session.id, SG_SESSION_ID_SIZE);
    entry.token_scopes = session.scopes;
    err = identity_read_rights(id, NULL, &entry);
    if (err != SG_OK)
        return err;
    ret->kind = SG_TOKEN_REFRESH;
    ret->who = entry.who;
    bind_to_session(&session, &ret->who);
    (void)snprintf(ret->audience, sizeof ret->audience, "%s", id->config.audience);
    ret->issued_s = session.last_used_ns / SG_NS_PER_S;
    ret->expires_s = session.expires_ns / SG_NS_PER_S;
    return SG_OK;
}

enum sg_err identity_inspect(struct identity *id, const char *token, struct inspected *ret)
{
    struct inspected found = {0};
    struct refresh_token refresh;
    enum sg_err err;

    if (strnlen(token, SG_TOKEN_TEXT_MAX + 1) > SG_TOKEN_TEXT_MAX)
        return SG_ERR_TOKEN_INVALID;
    if (scripttokens_is(token, strlen(token))) {
        err = inspect_script(id, token, &found);
    } else if (refresh_parse(token, &refresh) == SG_OK) {
        err = inspect_refresh(id, &refresh, &found);
        secret_wipe(&refresh, sizeof refresh);
    } else {
        err = inspect_access(id, token, &found);
    }
    if (err == SG_OK)
        *ret = found;
    return err;
}

/* -- tokens made of others --------------------------------------------------------------------- */

/* That of what is exchanged, and a part of its own. 'x' of a session's, 't' of a script's token: no
 * login's token begins so. */
static enum sg_err make_jti(const struct principal *who, char ret[SG_JTI_SIZE])
{
    const char *before = who->authority == SG_AUTHORITY_EXCHANGED ? who->jti
                         : who->scripted                          ? "t"
                                                                  : "x";
    uint8_t random[SG_JTI_PART * 3 / 4];
    char part[SG_BASE64_SIZE(sizeof random)];

    if (strlen(before) + SG_JTI_PART > 1 + SG_EXCHANGES_MAX * SG_JTI_PART)
        return SG_ERR_LIMIT;
    rng_bytes(random, sizeof random);
    encode_base64url(random, sizeof random, part);
    (void)snprintf(ret, SG_JTI_SIZE, "%.*s%s", 1 + (SG_EXCHANGES_MAX - 1) * SG_JTI_PART, before,
                   part);
    return SG_OK;
}

static void put_source(const struct principal *who, struct keyring_claims *claims)
{
    uint8_t sid[SG_SESSION_ID_SIZE] = {0};

    if (who->scripted)
        memcpy(sid, who->token_id, SG_TOKEN_ID_SIZE);
    else
        memcpy(sid, who->session_id, SG_SESSION_ID_SIZE);
    encode_hex(sid, sizeof sid, claims->sid);
}

static void bind_as(const struct principal *who, const uint8_t *dpop_sha256,
                    struct keyring_claims *claims)
{
    claims->confirmation = who->confirmation;
    memcpy(claims->confirmation_sha256, who->confirmation_sha256, SG_DIGEST_SIZE);
    if (who->confirmation == SG_CONFIRM_NOTHING && dpop_sha256 != NULL) {
        claims->confirmation = SG_CONFIRM_DPOP;
        memcpy(claims->confirmation_sha256, dpop_sha256, SG_DIGEST_SIZE);
    }
}

/* The second in which the new token expires at the latest. */
static int64_t last_second(const struct inspected *subject, const struct mint_for *what)
{
    return what->not_after_s < subject->expires_s ? what->not_after_s : subject->expires_s;
}

/* Mints by the keyring's clock, which goes on meanwhile: a token that would live a second longer
 * than it may is not given out. */
static enum sg_err mint_until(struct identity *id, struct keyring_claims *claims, int64_t last_s,
                              struct grant *ret)
{
    enum sg_err err = SG_OK;

    for (int tries = 0; err == SG_OK && tries < 3; tries++) {
        int64_t left_s = last_s - clock_now_ns() / SG_NS_PER_S - 1;

        if (left_s < 1)
            return SG_ERR_SESSION_ENDED;
        claims->lifetime_s = left_s < (int64_t)id->config.access_token_s
                                 ? (uint32_t)left_s
                                 : id->config.access_token_s;
        err = keyring_client_mint(id->keyring, claims, ret->access_token);
        if (err == SG_OK && clock_now_ns() / SG_NS_PER_S + claims->lifetime_s <= last_s)
            return SG_OK;
    }
    return err == SG_OK ? SG_ERR_OVERLOADED : err;
}

enum sg_err identity_mint_for(struct identity *id, const struct inspected *subject,
                              const struct mint_for *what, struct grant *ret)
{
    const struct principal *who = &subject->who;
    struct keyring_claims claims = {0};
    unsigned scopes = what->scopes & who->scopes;
    enum sg_err err;

    if (scopes == 0 || what->actor_count > SG_ACTORS_MAX)
        return SG_ERR_FORBIDDEN;
    err = make_jti(who, claims.jti);
    if (err != SG_OK)
        return err;
    put_source(who, &claims);
    bind_as(who, what->dpop_sha256, &claims);
    (void)snprintf(claims.sub, sizeof claims.sub, "%s", who->user);
    (void)snprintf(claims.role, sizeof claims.role, "%s", identity_claimed_role(who->role, scopes));
    (void)snprintf(claims.aud, sizeof claims.aud, "%s", what->audience);
    (void)snprintf(claims.client_id, sizeof claims.client_id, "%s", what->client_id);
    claims.actor_count = what->actor_count;
    memcpy(claims.actor, what->actor, sizeof claims.actor);
    identity_scopes_format(scopes, claims.scope);
    err = mint_until(id, &claims, last_second(subject, what), ret);
    if (err != SG_OK)
        return err;
    metrics_add(SG_METRIC_TOKENS_MINTED, 1);
    identity_learn_key(id, ret->access_token);
    memcpy(ret->scope, claims.scope, sizeof ret->scope);
    ret->expires_in_s = claims.lifetime_s;
    return SG_OK;
}
