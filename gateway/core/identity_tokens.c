/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: what they say, and who it is that shows one. It never signs; the keyring does. */
#include "core/identity_internal.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "core/sha256.h"

#include <stdio.h>
#include <string.h>

/* -- scopes ---------------------------------------------------------------------------------------
 */

static const struct {
    unsigned bit;
    const char *text;
} scope_table[] = {
#define X(name, bit, text) {1U << (bit), (text)},
    SG_SCOPE_TABLE(X)
#undef X
};
#define SCOPES (sizeof scope_table / sizeof scope_table[0])

unsigned identity_role_scopes(enum user_role role)
{
    unsigned all = 0;

    for (size_t i = 0; i < SCOPES; i++)
        all |= scope_table[i].bit;
    return role == SG_ROLE_ADMIN ? all : all & ~(unsigned)SG_SCOPE_ADMIN;
}

unsigned identity_scopes_parse(const char *text)
{
    unsigned scopes = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        for (size_t i = 0; i < SCOPES; i++)
            if (strlen(scope_table[i].text) == len && memcmp(scope_table[i].text, text, len) == 0)
                scopes |= scope_table[i].bit;
        text += len;
        text += strspn(text, " ");
    }
    return scopes;
}

void identity_scopes_format(unsigned scopes, char ret[SG_CLAIM_SIZE])
{
    size_t at = 0;

    ret[0] = '\0';
    for (size_t i = 0; i < SCOPES; i++)
        if ((scopes & scope_table[i].bit) != 0)
            at += (size_t)snprintf(ret + at, SG_CLAIM_SIZE - at, "%s%s", at > 0 ? " " : "",
                                   scope_table[i].text);
}

/* -- minting --------------------------------------------------------------------------------------
 */

/* A key that the keyring has just begun to use is fetched before anybody shows a token made with
 * it. */
static void learn_key(struct identity *id, const char *token)
{
    struct token_form form;
    enum sg_err err = tokenverify_form(token, strlen(token), &form);

    if (err == SG_OK && !keyset_known(id->keys, form.kid))
        err = keyset_fetch(id->keys);
    (void)err; /* if it failed, who verifies will fetch again */
}

enum sg_err identity_mint(struct identity *id, const struct user_record *user,
                          const struct session_record *session, struct grant *ret)
{
    struct keyring_claims claims = {.lifetime_s = id->config.access_token_s};
    int64_t left_s = (session->expires_ns - clock_now_ns()) / SG_NS_PER_S;
    uint8_t jti[16];
    enum sg_err err;

    if (left_s < 1)
        return SG_ERR_SESSION_ENDED;
    if (left_s < (int64_t)claims.lifetime_s)
        claims.lifetime_s = (uint32_t)left_s;
    rng_bytes(jti, sizeof jti);
    encode_hex(jti, sizeof jti, claims.jti);
    encode_hex(session->id, SG_SESSION_ID_SIZE, claims.sid);
    (void)snprintf(claims.sub, sizeof claims.sub, "%s", user->name);
    (void)snprintf(claims.role, sizeof claims.role, "%s", identity_role_name(user->role));
    (void)snprintf(claims.aud, sizeof claims.aud, "%s", id->config.audience);
    identity_scopes_format(identity_role_scopes(user->role), claims.scope);
    err = keyring_client_mint(id->keyring, &claims, ret->access_token);
    if (err != SG_OK)
        return err;
    metrics_add(SG_METRIC_TOKENS_MINTED, 1);
    learn_key(id, ret->access_token);
    memcpy(ret->scope, claims.scope, sizeof ret->scope);
    ret->expires_in_s = claims.lifetime_s;
    return SG_OK;
}

/* -- authentication -------------------------------------------------------------------------------
 */

/* Reads session and user; fills all of entry->who but the token's own expiry. entry->who.session_id
 * and entry->token_scopes are given; `sub` is the name that the token was made for. */
static enum sg_err read_rights(struct identity *id, const char *sub, struct tokencache_entry *entry)
{
    struct principal *who = &entry->who;
    struct session_record session;
    struct user_record user;
    enum sg_err err = id->sessions.vt->get(id->sessions.self, who->session_id, &session);

    if (err == SG_OK)
        err = id->users.vt->get_by_id(id->users.self, session.user_id, &user);
    if (err == SG_ERR_NOT_FOUND)
        return SG_ERR_SESSION_ENDED;
    if (err != SG_OK)
        return err;
    if (user.disabled || session.expires_ns <= clock_now_ns())
        err = SG_ERR_SESSION_ENDED;
    else if (strcmp(user.name, sub) != 0)
        err = SG_ERR_TOKEN_INVALID;
    if (err == SG_OK) {
        entry->touched_ns = session.last_used_ns;
        who->user_id = user.id;
        who->user_created_ns = user.created_ns;
        memcpy(who->user, user.name, sizeof who->user);
        who->role = user.role;
        who->scopes = entry->token_scopes & identity_role_scopes(user.role);
    }
    identity_hide_session(&session);
    identity_hide_user(&user);
    return err;
}

/* The whole way: form, key, claims, session, user. */
static enum sg_err verify(struct identity *id, const char *token, size_t len, int64_t now_ns,
                          struct tokencache_entry *ret)
{
    struct token_form form;
    struct token_claims claims;
    enum sg_err err = tokenverify_form(token, len, &form);

    if (err == SG_OK)
        err = keyset_verify(id->keys, &form);
    if (err != SG_OK)
        return err;
    metrics_add(SG_METRIC_TOKEN_VERIFIED, 1);
    err = tokenverify_claims(&form, id->config.issuer, id->config.audience, now_ns / SG_NS_PER_S,
                             &claims);
    if (err != SG_OK)
        return err;
    memset(ret, 0, sizeof *ret);
    if (encode_unhex(claims.sid, strlen(claims.sid), ret->who.session_id, SG_SESSION_ID_SIZE) !=
        SG_OK)
        return SG_ERR_TOKEN_INVALID;
    ret->who.token_expires_s = claims.exp_s;
    ret->token_scopes = identity_scopes_parse(claims.scope);
    return read_rights(id, claims.sub, ret);
}

/* A remembered token: SG_OK when *entry may be used. Reads the store only if rights have changed
 * since. */
static enum sg_err recall(struct identity *id, const uint8_t digest[SG_DIGEST_SIZE],
                          uint64_t rights, int64_t now_ns, struct tokencache_entry *entry)
{
    int64_t touched_ns = entry->touched_ns;
    char sub[SG_USER_NAME_SIZE];
    enum sg_err err;

    if (entry->who.token_expires_s <= now_ns / SG_NS_PER_S) {
        tokencache_drop(id->cache, digest);
        return SG_ERR_TOKEN_EXPIRED;
    }
    metrics_add(SG_METRIC_TOKEN_CACHE_HITS, 1);
    if (entry->rights == rights)
        return SG_OK;
    memcpy(sub, entry->who.user, sizeof sub);
    err = read_rights(id, sub, entry);
    if (err == SG_OK) {
        entry->rights = rights;
        entry->touched_ns = touched_ns;
        tokencache_put(id->cache, digest, entry);
    } else if (err == SG_ERR_SESSION_ENDED || err == SG_ERR_TOKEN_INVALID) {
        tokencache_drop(id->cache, digest);
    }
    return err;
}

enum sg_err identity_authenticate(struct identity *id, const char *token, size_t len,
                                  struct principal *ret)
{
    /* Before anything is read, so that a change during the reading makes the entry old at once. */
    uint64_t rights = atomic_load(&id->rights);
    int64_t now_ns = clock_now_ns();
    uint8_t digest[SG_DIGEST_SIZE];
    struct tokencache_entry entry;
    bool touch = false;
    enum sg_err err;

    if (len == 0 || len > SG_TOKEN_TEXT_MAX)
        return SG_ERR_TOKEN_INVALID;
    sha256_digest(token, len, digest);
    if (tokencache_get(id->cache, digest, now_ns, &entry, &touch)) {
        err = recall(id, digest, rights, now_ns, &entry);
    } else {
        err = verify(id, token, len, now_ns, &entry);
        if (err == SG_OK) {
            touch = now_ns - entry.touched_ns >= SG_TOKENCACHE_TOUCH_S * SG_NS_PER_S;
            if (touch)
                entry.touched_ns = now_ns;
            entry.rights = rights;
            tokencache_put(id->cache, digest, &entry);
        }
    }
    if (err != SG_OK)
        return err;
    if (touch) {
        err = id->sessions.vt->touch(id->sessions.self, entry.who.session_id, now_ns);
        (void)err; /* a note for people, not worth failing a request */
    }
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
    err = read_rights(id, who->user, &entry);
    if (err == SG_ERR_TOKEN_INVALID)
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

enum sg_err identity_token_keys(struct identity *id, struct token_key ret[SG_TOKEN_KEYS_MAX],
                                size_t *ret_count)
{
    return keyset_list(id->keys, ret, ret_count);
}
