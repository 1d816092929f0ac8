/* SPDX-License-Identifier: Apache-2.0 */
/* Who it is that shows a token, and whether it may be used from where it is shown. It never waits
 * for a write. */
#include "core/identity_internal.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/metrics.h"
#include "core/scripttokens.h"
#include "core/sha256.h"

#include <string.h>

/* -- what is true of whom a token names -----------------------------------------------------------
 */

/* Of the user: scopes are what token, session and role allow together. */
static enum sg_err read_user(struct identity *id, int64_t user_id, const char *sub, unsigned scopes,
                             struct principal *who)
{
    struct user_record user;
    enum sg_err err = id->users.vt->get_by_id(id->users.self, user_id, &user);

    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return err;
    identity_hide_user(&user);
    if (user.disabled)
        return SG_ERR_SESSION_ENDED;
    if (sub != NULL && strcmp(user.name, sub) != 0)
        return SG_ERR_TOKEN_INVALID;
    who->user_id = user.id;
    who->user_created_ns = user.created_ns;
    memcpy(who->user, user.name, sizeof who->user);
    who->role = user.role;
    who->scopes = scopes & identity_role_scopes(user.role);
    who->narrowed = who->scopes != identity_role_scopes(user.role);
    return SG_OK;
}

static enum sg_err read_session(struct identity *id, const char *sub,
                                struct tokencache_entry *entry)
{
    struct principal *who = &entry->who;
    struct session_record session;
    enum sg_err err;

    if (later_is_ending(id->later, who->session_id))
        return SG_ERR_SESSION_ENDED;
    err = id->sessions.vt->get(id->sessions.self, who->session_id, &session);
    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return err;
    identity_hide_session(&session);
    if (session.expires_ns <= clock_now_ns())
        return SG_ERR_SESSION_EXPIRED;
    err = read_user(id, session.user_id, sub, entry->token_scopes & session.scopes, who);
    if (err != SG_OK)
        return err;
    entry->touched_ns = session.last_used_ns;
    who->session_expires_s = session.expires_ns / SG_NS_PER_S;
    memcpy(who->bound_address, session.bound_address, sizeof who->bound_address);
    return SG_OK;
}

static enum sg_err read_script(struct identity *id, const char *sub, struct tokencache_entry *entry)
{
    struct principal *who = &entry->who;
    struct token_record token;
    enum sg_err err = id->tokens.vt == NULL
                          ? SG_ERR_NOT_FOUND
                          : id->tokens.vt->get(id->tokens.self, who->token_id, &token);

    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_TOKEN_INVALID;
    if (err == SG_OK && token.expires_ns <= clock_now_ns())
        err = SG_ERR_TOKEN_EXPIRED;
    if (err == SG_OK)
        err = read_user(id, token.user_id, sub, entry->token_scopes & token.scopes, who);
    if (err != SG_OK)
        return err;
    entry->touched_ns = token.last_used_ns;
    who->session_expires_s = token.expires_ns / SG_NS_PER_S;
    scripttokens_limits(&token, &who->limits);
    return SG_OK;
}

/* An exchanged token that was revoked, or was made of one. */
static bool is_revoked(const struct identity *id, const struct principal *who)
{
    if (who->authority != SG_AUTHORITY_EXCHANGED || id->revoked == NULL)
        return false;
    for (const char *part = who->jti + 1; *part != '\0'; part += SG_JTI_PART)
        if (id->revoked(id->revoked_ctx, part))
            return true;
    return false;
}

enum sg_err identity_read_rights(struct identity *id, const char *sub,
                                 struct tokencache_entry *entry)
{
    const struct principal *who = &entry->who;

    if (is_revoked(id, who))
        return SG_ERR_TOKEN_INVALID;
    return who->scripted ? read_script(id, sub, entry) : read_session(id, sub, entry);
}

enum sg_err identity_why_expired(struct identity *id, const struct principal *who)
{
    struct session_record session;
    enum sg_err err;

    if (who->scripted)
        return SG_ERR_TOKEN_EXPIRED;
    err = id->sessions.vt->get(id->sessions.self, who->session_id, &session);
    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return SG_ERR_TOKEN_EXPIRED;
    identity_hide_session(&session);
    return session.expires_ns <= clock_now_ns() ? SG_ERR_SESSION_EXPIRED : SG_ERR_TOKEN_EXPIRED;
}

/* -- a token that is new --------------------------------------------------------------------------
 */

static bool jti_ok(const char *jti, enum authority authority)
{
    size_t len = strlen(jti);

    if (authority == SG_AUTHORITY_EXCHANGED)
        return len > 1 && len < SG_JTI_SIZE && (len - 1) % SG_JTI_PART == 0;
    return len < SG_JTI_SIZE;
}

enum sg_err identity_read_claims(const struct token_claims *claims, struct tokencache_entry *ret)
{
    struct tokencache_entry entry = {.token_scopes = identity_scopes_parse(claims->scope)};
    struct principal *who = &entry.who;
    static const uint8_t none[SG_SESSION_ID_SIZE];
    uint8_t sid[SG_SESSION_ID_SIZE];

    if (encode_unhex(claims->sid, strlen(claims->sid), sid, sizeof sid) != SG_OK)
        return SG_ERR_TOKEN_INVALID;
    who->scripted = claims->jti[0] == 't';
    who->authority =
        who->scripted || claims->jti[0] == 'x' ? SG_AUTHORITY_EXCHANGED : SG_AUTHORITY_LOGIN;
    if (who->scripted && memcmp(sid + SG_TOKEN_ID_SIZE, none, sizeof sid - SG_TOKEN_ID_SIZE) != 0)
        return SG_ERR_TOKEN_INVALID;
    if (who->scripted)
        memcpy(who->token_id, sid, SG_TOKEN_ID_SIZE);
    else
        memcpy(who->session_id, sid, sizeof sid);
    if (!jti_ok(claims->jti, who->authority) || strlen(claims->actor[0]) >= sizeof who->actor)
        return SG_ERR_TOKEN_INVALID;
    memcpy(who->jti, claims->jti, sizeof who->jti);
    memcpy(who->client_id, claims->client_id, sizeof who->client_id);
    memcpy(who->actor, claims->actor[0], sizeof who->actor);
    who->confirmation = claims->confirmation;
    memcpy(who->confirmation_sha256, claims->confirmation_sha256, SG_DIGEST_SIZE);
    who->token_expires_s = claims->exp_s;
    *ret = entry;
    return SG_OK;
}

/* The whole way: form, key, claims, session, user. */
static enum sg_err verify_access(struct identity *id, const char *token, size_t len, int64_t now_ns,
                                 struct tokencache_entry *ret)
{
    struct token_form form;
    struct token_claims claims;
    enum sg_err claimed, err = tokenverify_form(token, len, &form);

    if (err == SG_OK)
        err = keyset_verify(id->keys, &form);
    if (err != SG_OK)
        return err;
    metrics_add(SG_METRIC_TOKEN_VERIFIED, 1);
    claimed = tokenverify_claims(&form, id->config.issuer, id->config.audience,
                                 now_ns / SG_NS_PER_S, &claims);
    if (claimed != SG_OK && claimed != SG_ERR_TOKEN_EXPIRED)
        return claimed;
    err = identity_read_claims(&claims, ret);
    if (err != SG_OK)
        return err;
    if (claimed != SG_OK)
        return identity_why_expired(id, &ret->who);
    return identity_read_rights(id, claims.sub, ret);
}

/* A script's token, whose digest the store has. */
static enum sg_err verify_script(struct identity *id, const char *token, size_t len,
                                 struct tokencache_entry *ret)
{
    uint8_t digest[SG_DIGEST_SIZE];
    struct token_record record;
    enum sg_err err;

    if (!scripttokens_form_ok(token, len) || id->tokens.vt == NULL)
        return SG_ERR_TOKEN_INVALID;
    sha256_digest(token, len, digest);
    err = id->tokens.vt->find(id->tokens.self, digest, &record);
    if (err != SG_OK)
        return err == SG_ERR_NOT_FOUND ? SG_ERR_TOKEN_INVALID : err;
    memset(ret, 0, sizeof *ret);
    ret->who.authority = SG_AUTHORITY_SCRIPT;
    ret->who.scripted = true;
    memcpy(ret->who.token_id, record.id, SG_TOKEN_ID_SIZE);
    ret->who.token_expires_s = record.expires_ns / SG_NS_PER_S;
    ret->token_scopes = record.scopes;
    return identity_read_rights(id, NULL, ret);
}

static enum sg_err verify(struct identity *id, const char *token, size_t len, int64_t now_ns,
                          struct tokencache_entry *ret)
{
    return scripttokens_is(token, len) ? verify_script(id, token, len, ret)
                                       : verify_access(id, token, len, now_ns, ret);
}

/* -- a token that is remembered -------------------------------------------------------------------
 */

/* SG_OK when *entry may be used. Reads the store only if rights have changed since. */
static enum sg_err recall(struct identity *id, const struct tokencache_key *key, uint64_t rights,
                          int64_t now_ns, struct tokencache_entry *entry)
{
    int64_t touched_ns = entry->touched_ns;
    char sub[SG_USER_NAME_SIZE];
    enum sg_err err;

    if (entry->who.token_expires_s <= now_ns / SG_NS_PER_S) {
        tokencache_drop(id->cache, key);
        return identity_why_expired(id, &entry->who);
    }
    metrics_add(SG_METRIC_TOKEN_CACHE_HITS, 1);
    if (entry->rights == rights)
        return SG_OK;
    memcpy(sub, entry->who.user, sizeof sub);
    err = identity_read_rights(id, sub, entry);
    if (err == SG_OK) {
        entry->rights = rights;
        entry->touched_ns = touched_ns;
        tokencache_put(id->cache, key, entry);
    } else if (err_status(err) == 401) {
        tokencache_drop(id->cache, key);
    }
    return err;
}

/* Whether a token may be used by whoever shows this. The proof of possession comes first: who only
 * found a token cannot end the session. */
static enum sg_err check_binding(const struct principal *who, const struct presented *with)
{
    const uint8_t *shown =
        who->confirmation == SG_CONFIRM_CERTIFICATE ? with->certificate_sha256 : with->dpop_sha256;

    if (who->confirmation != SG_CONFIRM_NOTHING &&
        (shown == NULL || memcmp(shown, who->confirmation_sha256, SG_DIGEST_SIZE) != 0))
        return SG_ERR_TOKEN_MISMATCH;
    if (who->bound_address[0] != '\0' && strcmp(who->bound_address, with->address) != 0)
        return SG_ERR_ADDRESS_MISMATCH;
    return SG_OK;
}

static void note_use(struct identity *id, const struct principal *who, const char *address,
                     int64_t now_ns)
{
    enum sg_err err;

    if (who->scripted) {
        later_used(id->later, who->token_id, now_ns, address);
        return;
    }
    err = id->sessions.vt->touch(id->sessions.self, who->session_id, now_ns);
    (void)err; /* a note for people, not worth failing a request */
}

enum sg_err identity_authenticate(struct identity *id, const char *token, size_t len,
                                  const struct presented *with, struct principal *ret)
{
    /* Before anything is read, so that a change during the reading makes the entry old at once. */
    uint64_t rights = atomic_load(&id->rights);
    int64_t now_ns = clock_now_ns();
    struct tokencache_key key;
    struct tokencache_entry entry;
    bool touch = false;
    enum sg_err err;

    if (len == 0 || len > SG_TOKEN_TEXT_MAX)
        return SG_ERR_TOKEN_INVALID;
    tokencache_key_of(id->cache, token, len, &key);
    if (tokencache_get(id->cache, &key, now_ns, &entry, &touch)) {
        err = recall(id, &key, rights, now_ns, &entry);
    } else {
        err = verify(id, token, len, now_ns, &entry);
        if (err == SG_OK) {
            touch = now_ns - entry.touched_ns >= SG_TOKENCACHE_TOUCH_S * SG_NS_PER_S;
            if (touch)
                entry.touched_ns = now_ns;
            entry.rights = rights;
            tokencache_put(id->cache, &key, &entry);
        }
    }
    if (err == SG_OK)
        err = check_binding(&entry.who, with);
    if (err == SG_ERR_ADDRESS_MISMATCH)
        later_end(id->later, &entry.who, with->address);
    if (err != SG_OK)
        return err;
    if (touch)
        note_use(id, &entry.who, with->address, now_ns);
    *ret = entry.who;
    ret->rights = rights;
    return SG_OK;
}

enum sg_err identity_confirm(struct identity *id, struct principal *who, bool *ret_changed)
{
    uint64_t rights = atomic_load(&id->rights);
    struct tokencache_entry entry = {.who = *who, .token_scopes = who->scopes};
    enum sg_err err;

    *ret_changed = who->rights != rights;
    if (!*ret_changed)
        return SG_OK;
    err = identity_read_rights(id, who->user, &entry);
    if (err == SG_ERR_TOKEN_INVALID || err == SG_ERR_SESSION_EXPIRED || err == SG_ERR_TOKEN_EXPIRED)
        err = SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return err;
    *who = entry.who;
    who->rights = rights;
    return SG_OK;
}

enum sg_err identity_why_ended(struct identity *id, const struct principal *who)
{
    struct user_record user;
    enum sg_err err = id->users.vt->get_by_id(id->users.self, who->user_id, &user);

    if (err == SG_OK)
        identity_hide_user(&user);
    return err == SG_OK && user.disabled ? SG_ERR_USER_DISABLED : SG_ERR_SESSION_ENDED;
}
