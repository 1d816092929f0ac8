/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: what they say, and where they count. It never signs; the keyring does. */
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

void identity_learn_key(struct identity *id, const char *token)
{
    struct token_form form;
    enum sg_err err = tokenverify_form(token, strlen(token), &form);

    if (err == SG_OK && !keyset_known(id->keys, form.kid))
        err = keyset_fetch(id->keys);
    (void)err; /* if it failed, who verifies will fetch again */
}

/* Whom a token is for that no OAuth client asked for (RFC 9068 wants one). */
#define OWN_CLIENT "secgate"

const char *identity_claimed_role(enum user_role role, unsigned scopes)
{
    bool lesser = role == SG_ROLE_ADMIN && (scopes & SG_SCOPE_ADMIN) == 0;

    return identity_role_name(lesser ? SG_ROLE_MEMBER : role);
}

/* What the session is bound to, its tokens are bound to. */
static void bind(struct keyring_claims *claims, const struct session_record *session)
{
    if (session->has_certificate) {
        claims->confirmation = SG_CONFIRM_CERTIFICATE;
        memcpy(claims->confirmation_sha256, session->certificate_sha256, SG_DIGEST_SIZE);
    } else if (session->has_dpop) {
        claims->confirmation = SG_CONFIRM_DPOP;
        memcpy(claims->confirmation_sha256, session->dpop_sha256, SG_DIGEST_SIZE);
    }
}

enum sg_err identity_mint(struct identity *id, const struct user_record *user,
                          const struct session_record *session, unsigned scopes, struct grant *ret)
{
    struct keyring_claims claims = {.lifetime_s = id->config.access_token_s};
    int64_t left_s = (session->expires_ns - clock_now_ns()) / SG_NS_PER_S;
    unsigned granted =
        identity_role_scopes(user->role) & session->scopes & (scopes != 0 ? scopes : ~0U);
    uint8_t jti[16];
    enum sg_err err;

    if (left_s < 1)
        return SG_ERR_SESSION_EXPIRED;
    if (left_s < (int64_t)claims.lifetime_s)
        claims.lifetime_s = (uint32_t)left_s;
    rng_bytes(jti, sizeof jti);
    encode_hex(jti, sizeof jti, claims.jti);
    encode_hex(session->id, SG_SESSION_ID_SIZE, claims.sid);
    (void)snprintf(claims.sub, sizeof claims.sub, "%s", user->name);
    (void)snprintf(claims.role, sizeof claims.role, "%s",
                   identity_claimed_role(user->role, granted));
    (void)snprintf(claims.aud, sizeof claims.aud, "%s", id->config.audience);
    (void)snprintf(claims.client_id, sizeof claims.client_id, "%s",
                   session->client_id[0] != '\0' ? session->client_id : OWN_CLIENT);
    bind(&claims, session);
    identity_scopes_format(granted, claims.scope);
    err = keyring_client_mint(id->keyring, &claims, ret->access_token);
    if (err != SG_OK)
        return err;
    metrics_add(SG_METRIC_TOKENS_MINTED, 1);
    identity_learn_key(id, ret->access_token);
    memcpy(ret->scope, claims.scope, sizeof ret->scope);
    ret->expires_in_s = claims.lifetime_s;
    return SG_OK;
}

/* -- limits ---------------------------------------------------------------------------------------
 */

bool principal_may_space(const struct principal *who, int64_t space_id)
{
    if (!who->limits.spaces_only)
        return true;
    for (size_t i = 0; i < who->limits.space_count; i++)
        if (who->limits.space[i] == space_id)
            return true;
    return false;
}

void principal_key_digest(const char *key, uint8_t ret[SG_LIMIT_DIGEST])
{
    uint8_t digest[SG_DIGEST_SIZE];

    sha256_digest(key, strlen(key), digest);
    memcpy(ret, digest, SG_LIMIT_DIGEST);
}

bool principal_may_key(const struct principal *who, const char *key)
{
    uint8_t digest[SG_LIMIT_DIGEST];

    if (!who->limits.keys_only)
        return true;
    principal_key_digest(key, digest);
    for (size_t i = 0; i < who->limits.key_count; i++)
        if (memcmp(who->limits.key[i], digest, sizeof digest) == 0)
            return true;
    return false;
}

enum sg_err identity_token_keys(struct identity *id, struct token_key ret[SG_TOKEN_KEYS_MAX],
                                size_t *ret_count)
{
    return keyset_list(id->keys, ret, ret_count);
}
