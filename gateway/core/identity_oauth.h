/* SPDX-License-Identifier: Apache-2.0 */
/* What OAuth needs of identity: what a token says, whoever it is for, and tokens that are made of
 * others. */
#ifndef SG_CORE_IDENTITY_OAUTH_H
#define SG_CORE_IDENTITY_OAUTH_H

#include "core/identity.h"

enum token_kind { SG_TOKEN_ACCESS, SG_TOKEN_REFRESH, SG_TOKEN_SCRIPT };

/* What a token is, its session and its user being alive. Plain data. */
struct inspected {
    enum token_kind kind;
    struct principal who; /* scopes: 0 of a refresh token */
    char audience[SG_CLAIM_SIZE];
    int64_t issued_s, expires_s;
    size_t actor_count;
    char actor[SG_ACTORS_MAX][64];
};

/* Looks at a token for whatever audience of ours. What it is bound to is told, not asked for.
 * SG_ERR_TOKEN_INVALID, TOKEN_EXPIRED, SESSION_ENDED, SESSION_EXPIRED. Blocks. Has no effect. */
enum sg_err identity_inspect(struct identity *id, const char *token,
                             struct inspected *ret) SG_MUST_CHECK;

/* A token to make of another. */
struct mint_for {
    const char *audience;
    const char *client_id; /* "": none */
    unsigned scopes;
    int64_t not_after_s;
    size_t actor_count;
    char actor[SG_ACTORS_MAX][64];
    const uint8_t *dpop_sha256; /* binds it to that key; NULL: as the subject's */
};
/* Mints it: same session or script's token, no scope that `subject` has not (SG_ERR_FORBIDDEN when
 * none is left), bound as that is. SG_ERR_SESSION_ENDED when there is not a second left, LIMIT when
 * `subject` came of SG_EXCHANGES_MAX exchanges. Fills access_token, scope and expires_in_s of *ret
 * only. */
enum sg_err identity_mint_for(struct identity *id, const struct inspected *subject,
                              const struct mint_for *what, struct grant *ret) SG_MUST_CHECK;

#endif
