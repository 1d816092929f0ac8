/* SPDX-License-Identifier: Apache-2.0 */
/* Token exchange, introspection, revocation. A token is made only of one that is alive and shown
 * with all that it is bound to. */
#include "core/identity_internal.h"
#include "core/oauth_internal.h"
#include "core/scripttokens.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"
#define TYPE_JWT          "urn:ietf:params:oauth:token-type:jwt"

/* -- exchange (RFC 8693) ----------------------------------------------------------------------- */

static bool type_ok(const char *type)
{
    return strcmp(type, TYPE_ACCESS_TOKEN) == 0 || strcmp(type, TYPE_JWT) == 0;
}

static enum sg_err check_types(const struct oauth_exchange *ask, struct oauth_refusal *refusal)
{
    if (ask->subject_token == NULL || ask->subject_token_type == NULL)
        return oauth_refuse(refusal, "invalid_request",
                            "subject_token and subject_token_type are needed.");
    if (!type_ok(ask->subject_token_type))
        return oauth_refuse(refusal, "invalid_request", "subject_token_type is not supported.");
    if ((ask->actor_token != NULL) != (ask->actor_token_type != NULL))
        return oauth_refuse(refusal, "invalid_request",
                            "actor_token and actor_token_type come together.");
    if (ask->actor_token_type != NULL && !type_ok(ask->actor_token_type))
        return oauth_refuse(refusal, "invalid_request", "actor_token_type is not supported.");
    if (ask->requested_token_type != NULL && !type_ok(ask->requested_token_type))
        return oauth_refuse(refusal, "invalid_request", "requested_token_type is not supported.");
    return SG_OK;
}

/* Whether what the token is bound to was shown. */
static bool is_shown(const struct principal *who, const struct presented *with)
{
    const uint8_t *shown =
        who->confirmation == SG_CONFIRM_CERTIFICATE ? with->certificate_sha256 : with->dpop_sha256;

    return who->confirmation == SG_CONFIRM_NOTHING ||
           (shown != NULL && memcmp(shown, who->confirmation_sha256, SG_DIGEST_SIZE) == 0);
}

static bool is_own(const struct oauth *o, const struct inspected *token)
{
    return strcmp(token->audience, o->config.audience) == 0;
}

/* Reads the subject's or the actor's token. */
static enum sg_err take_token(struct oauth *o, const struct oauth_exchange *ask, const char *token,
                              bool subject, struct inspected *ret, struct oauth_refusal *refusal)
{
    bool mine = false; /* a token for another service is that service's to exchange */
    struct principal who;
    enum sg_err err = identity_inspect(o->identity, token, ret);

    if (err == SG_OK && ret->kind == SG_TOKEN_REFRESH)
        err = SG_ERR_TOKEN_INVALID;
    /* As at every use of a token: from another address than its session's, that ends. */
    if (err == SG_OK && is_own(o, ret))
        err = identity_authenticate(o->identity, token, strlen(token), ask->with, &who);
    else if (err == SG_OK && !is_shown(&ret->who, ask->with))
        err = SG_ERR_TOKEN_MISMATCH;
    if (err == SG_ERR_TOKEN_MISMATCH)
        return oauth_refuse(refusal, "invalid_request",
                            subject ? "The subject token is bound to a key that was not shown."
                                    : "The actor token is bound to a key that was not shown.");
    if (err == SG_ERR_ADDRESS_MISMATCH)
        return oauth_refuse(refusal, "invalid_request", "The token is bound to another address.");
    if (err == SG_OK && !is_own(o, ret))
        err = oauth_is_service(o, ask->client, ret->audience, &mine);
    else if (err == SG_OK)
        mine = true;
    if (err != SG_OK && err_status(err) != 401)
        return err;
    if (err != SG_OK || !mine)
        return oauth_refuse(refusal, "invalid_request",
                            subject ? "The subject token is not valid here."
                                    : "The actor token is not valid here.");
    return SG_OK;
}

/* Whom the new token is for, and what it may have there at most. */
static enum sg_err choose_target(struct oauth *o, const struct oauth_exchange *ask,
                                 const struct inspected *subject, struct oauth_audience *ret,
                                 struct oauth_refusal *refusal)
{
    const char *target = ask->audience != NULL ? ask->audience : ask->resource;
    const struct principal_limits *limits = &subject->who.limits;
    bool own;
    enum sg_err err;

    if (ask->audience != NULL && ask->resource != NULL && strcmp(ask->audience, ask->resource) != 0)
        return oauth_refuse(refusal, "invalid_target", "A token is for one service only.");
    if (target == NULL)
        target = subject->audience;
    own = strcmp(target, o->config.audience) == 0 || strcmp(target, o->config.issuer) == 0;
    memset(ret, 0, sizeof *ret);
    if (own) {
        ret->scopes = ~0U;
        (void)snprintf(ret->audience, sizeof ret->audience, "%s", o->config.audience);
        /* Whoever gave it to a service did so in order that it is good there, and not here. */
        if (!is_own(o, subject))
            return oauth_refuse(refusal, "invalid_target",
                                "A token for another service does not lead back.");
        return SG_OK;
    }
    err = strlen(target) < SG_OAUTH_AUDIENCE_SIZE
              ? o->store.vt->audience_get(o->store.self, target, ret)
              : SG_ERR_NOT_FOUND;
    if (err == SG_ERR_NOT_FOUND)
        return oauth_refuse(refusal, "invalid_target", "There is no such audience.");
    /* Another service knows nothing of these limits. */
    if (err == SG_OK && (limits->spaces_only || limits->keys_only))
        return oauth_refuse(refusal, "invalid_target",
                            "A token for certain spaces or keys is for this gateway only.");
    if (err == SG_OK && subject->who.bound_address[0] != '\0')
        return oauth_refuse(refusal, "invalid_target",
                            "A token that is bound to an address is for this gateway only.");
    return err;
}

static enum sg_err choose_scopes(const char *asked, unsigned allowed, unsigned *ret,
                                 struct oauth_refusal *refusal)
{
    unsigned scopes = allowed;

    if (asked != NULL && (oauth_scopes_parse(asked, &scopes) != SG_OK || (scopes & ~allowed) != 0))
        return oauth_refuse(refusal, "invalid_scope",
                            "The scope is more than the subject token and the audience have.");
    if (scopes == 0)
        return oauth_refuse(refusal, "invalid_scope",
                            "The subject token has no scope that the audience has.");
    *ret = scopes;
    return SG_OK;
}

/* The one who acts now, and all who did before. */
static enum sg_err chain_actors(const struct inspected *subject, const struct inspected *actor,
                                struct mint_for *ret, struct oauth_refusal *refusal)
{
    size_t first = actor != NULL ? 1 : 0;

    if (subject->actor_count + first > SG_ACTORS_MAX)
        return oauth_refuse(refusal, "invalid_request", "Too many act for each other.");
    if (actor != NULL)
        memcpy(ret->actor[0], actor->who.user, sizeof actor->who.user);
    memcpy(ret->actor + first, subject->actor, subject->actor_count * sizeof ret->actor[0]);
    ret->actor_count = subject->actor_count + first;
    return SG_OK;
}

static enum sg_err mint(struct oauth *o, const struct oauth_exchange *ask,
                        const struct inspected *subject, struct mint_for *what, struct grant *ret,
                        struct inspected *ret_what, struct oauth_refusal *refusal)
{
    enum sg_err err;

    what->client_id = ask->client != NULL                 ? ask->client->id
                      : subject->who.client_id[0] != '\0' ? subject->who.client_id
                                                          : o->config.audience;
    what->dpop_sha256 = ask->with->dpop_sha256;
    err = identity_mint_for(o->identity, subject, what, ret);
    if (err == SG_ERR_SESSION_ENDED)
        return oauth_refuse(refusal, "invalid_request", "The subject token is about to expire.");
    if (err == SG_ERR_LIMIT)
        return oauth_refuse(refusal, "invalid_request",
                            "The subject token was exchanged too often in a row.");
    if (err != SG_OK)
        return err;
    *ret_what = *subject;
    (void)snprintf(ret_what->audience, sizeof ret_what->audience, "%s", what->audience);
    ret_what->who.scopes = what->scopes;
    ret_what->actor_count = what->actor_count;
    memcpy(ret_what->actor, what->actor, sizeof ret_what->actor);
    if (subject->who.confirmation == SG_CONFIRM_NOTHING && what->dpop_sha256 != NULL)
        ret_what->who.confirmation = SG_CONFIRM_DPOP;
    return SG_OK;
}

enum sg_err oauth_exchange(struct oauth *o, const struct oauth_exchange *ask, struct grant *ret,
                           struct inspected *ret_what, struct oauth_refusal *ret_refusal)
{
    struct inspected subject, actor;
    struct oauth_audience target;
    struct mint_for what = {.audience = target.audience};
    enum sg_err err = check_types(ask, ret_refusal);

    if (err == SG_OK)
        err = take_token(o, ask, ask->subject_token, true, &subject, ret_refusal);
    if (err == SG_OK && ask->actor_token != NULL)
        err = take_token(o, ask, ask->actor_token, false, &actor, ret_refusal);
    if (err == SG_OK)
        err = choose_target(o, ask, &subject, &target, ret_refusal);
    if (err == SG_OK)
        err = choose_scopes(ask->scope, subject.who.scopes & target.scopes, &what.scopes,
                            ret_refusal);
    if (err == SG_OK)
        err = chain_actors(&subject, ask->actor_token != NULL ? &actor : NULL, &what, ret_refusal);
    if (err != SG_OK)
        return err;
    what.not_after_s = subject.expires_s;
    if (ask->actor_token != NULL && actor.expires_s < what.not_after_s)
        what.not_after_s = actor.expires_s;
    return mint(o, ask, &subject, &what, ret, ret_what, ret_refusal);
}

/* -- introspection (RFC 7662) ------------------------------------------------------------------ */

/* RFC 7662, section 4: who may ask does not learn of all tokens, or a service could look at those
 * that were stolen elsewhere, and at those of its users for other services. */
static enum sg_err may_learn(struct oauth *o, const struct oauth_client *client,
                             const struct inspected *token, bool *ret)
{
    *ret = strcmp(token->who.client_id, client->id) == 0;
    return *ret ? SG_OK : oauth_is_service(o, client, token->audience, ret);
}

enum sg_err oauth_introspect(struct oauth *o, const char *token, const struct oauth_client *client,
                             struct inspected *ret, bool *ret_active)
{
    struct inspected found;
    bool active = true;
    enum sg_err err = identity_inspect(o->identity, token, &found);

    if (err == SG_OK && client != NULL)
        err = may_learn(o, client, &found, &active);
    if (err != SG_OK && err_status(err) != 401)
        return err;
    *ret_active = err == SG_OK && active;
    if (*ret_active)
        *ret = found;
    return SG_OK;
}

/* -- revocation (RFC 7009) --------------------------------------------------------------------- */

static enum sg_err end_token(struct oauth *o, const struct inspected *token)
{
    const struct principal *who = &token->who;
    enum sg_err err;

    if (token->kind == SG_TOKEN_SCRIPT) {
        struct token_record removed;

        return scripttokens_remove(o->identity, who, who->token_id, &removed);
    }
    if (token->kind == SG_TOKEN_REFRESH || who->authority == SG_AUTHORITY_LOGIN)
        return identity_end_session(o->identity, who->session_id, who->user_id);
    /* With it what was made of it, which lives no longer. */
    err = oauth_revoked_add(o, who->jti + strlen(who->jti) - SG_JTI_PART,
                            (token->expires_s + 1) * SG_NS_PER_S);
    if (err == SG_ERR_OVERLOADED && !who->scripted) /* too many: more than that one ends */
        return identity_end_session(o->identity, who->session_id, who->user_id);
    if (err == SG_OK)
        identity_rights_changed(o->identity, who->user_id);
    return err;
}

enum sg_err oauth_revoke(struct oauth *o, const char *token, const struct oauth_client *client,
                         struct inspected *ret_what, bool *ret_done,
                         struct oauth_refusal *ret_refusal)
{
    enum sg_err err = identity_inspect(o->identity, token, ret_what);

    *ret_done = false;
    if (err != SG_OK)
        return err_status(err) == 401 ? SG_OK : err;
    if (client != NULL && ret_what->who.client_id[0] != '\0' &&
        strcmp(ret_what->who.client_id, o->config.audience) != 0 &&
        strcmp(ret_what->who.client_id, client->id) != 0)
        return oauth_refuse(ret_refusal, "invalid_grant", "The token is another client's.");
    err = end_token(o, ret_what);
    *ret_done = err == SG_OK;
    return err == SG_ERR_NOT_FOUND ? SG_OK : err;
}
