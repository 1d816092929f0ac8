/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/token: tokens for a refresh token (RFC 6749, section 6), for another token (RFC
 * 8693), for a device that was let in (RFC 8628); all of them are wiped once used. */
#include <string.h>

#include "api/audit_act.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "base/secret.h"
#include "http/request.h"

#define ANSWER_MAX        (SG_TOKEN_SIZE + SG_REFRESH_TOKEN_SIZE + 2048) /* bytes */
#define TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

enum field {
    GRANT_TYPE,
    CLIENT_ID,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    DEVICE_CODE,
    SCOPE,
    AUDIENCE,
    RESOURCE,
    REQUESTED_TYPE,
    SUBJECT_TOKEN,
    SUBJECT_TYPE,
    ACTOR_TOKEN,
    ACTOR_TYPE,
    FIELDS
};

/* One request on its way. */
struct ask {
    struct request *r;
    struct form_field *field;
    struct oauth_refusal *refusal;
    const struct oauth_client *client; /* NULL: none is named */
    const struct presented *with;
    struct oauth_client named; /* what the two point to */
    struct oauth_presented shown;
};

static enum sg_err refuse(const struct ask *ask, const char *error, const char *description)
{
    ask->refusal->error = error;
    ask->refusal->description = description;
    return SG_ERR_BAD_REQUEST;
}

/* `bound`: by a proof of possession. */
static enum sg_err reply(struct request *r, const struct grant *grant, bool bound, bool exchanged)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "access_token", grant->access_token);
    if (exchanged)
        json_out_string(&o, "issued_token_type", TYPE_ACCESS_TOKEN);
    json_out_string(&o, "token_type", bound ? "DPoP" : "Bearer");
    json_out_integer(&o, "expires_in", grant->expires_in_s);
    if (!exchanged)
        json_out_string(&o, "refresh_token", grant->refresh_token);
    json_out_string(&o, "scope", grant->scope);
    json_out_close(&o, '}');
    reply_header(r, "Pragma", "no-cache");
    return json_out_reply(r, 200, &o);
}

/* -- refresh ----------------------------------------------------------------------------------- */

/* What is wrong with the grant is the client's business; all else goes its usual way. */
static enum sg_err refuse_grant(const struct ask *ask, enum sg_err err)
{
    if (err == SG_ERR_SESSION_EXPIRED)
        return refuse(ask, "invalid_grant", "The session has expired.");
    if (err == SG_ERR_SESSION_ENDED)
        return refuse(ask, "invalid_grant", "The session has ended.");
    if (err == SG_ERR_USER_DISABLED)
        return refuse(ask, "invalid_grant", "The user is disabled.");
    if (err == SG_ERR_TOKEN_MISMATCH)
        return refuse(ask, "invalid_grant", "The session is bound to a key that was not shown.");
    if (err == SG_ERR_ADDRESS_MISMATCH)
        return refuse(ask, "invalid_grant",
                      "The session was bound to another address, and has ended.");
    if (err == SG_ERR_TOKEN_INVALID || err == SG_ERR_TOKEN_EXPIRED || err == SG_ERR_NOT_FOUND)
        return refuse(ask, "invalid_grant", "The refresh token is not valid.");
    return err;
}

/* RFC 6749, section 6: no scope that was not granted. Of a token that is not good, that is said. */
static bool is_too_wide(const struct api *api, const char *token, unsigned scopes)
{
    struct inspected what;

    return scopes != 0 && identity_inspect(api->identity, token, &what) == SG_OK &&
           (scopes & ~what.who.scopes) != 0;
}

static enum sg_err refresh(const struct ask *ask)
{
    const struct api *api = request_app(ask->r);
    const char *token = ask->field[REFRESH_TOKEN].value, *scope = ask->field[SCOPE].value;
    struct grant grant;
    unsigned scopes = 0;
    enum sg_err err = SG_ERR_TOKEN_INVALID;

    if (token == NULL)
        return refuse(ask, "invalid_request", "refresh_token is missing.");
    if (scope != NULL && oauth_scopes_parse(scope, &scopes) != SG_OK)
        return refuse(ask, "invalid_scope", "The scope is not known.");
    if (is_too_wide(api, token, scopes))
        return refuse(ask, "invalid_scope", "The scope is more than was granted.");
    if (strlen(token) < SG_REFRESH_TOKEN_SIZE)
        err = identity_refresh(api->identity, token, ask->with,
                               ask->client != NULL ? ask->client->id : NULL, scopes, &grant);
    if (err != SG_OK)
        return refuse_grant(ask, err);
    err = reply(ask->r, &grant, grant.session.has_dpop, false);
    secret_wipe(&grant, sizeof grant);
    return err;
}

/* -- exchange ---------------------------------------------------------------------------------- */

static void note_exchange(struct request *r, const struct inspected *what)
{
    char scope[SG_CLAIM_SIZE];
    struct audit_act act;

    identity_scopes_format(what->who.scopes, scope);
    audit_act_fill(r, SG_AUDIT_TOKEN_EXCHANGED, what->audience, SG_OK, &act);
    act.actor = what->who.user;
    act.session = what->who.scripted ? NULL : what->who.session_id;
    audit_act_text(&act, "scope", scope);
    if (what->actor_count > 0)
        audit_act_text(&act, "acting", what->actor[0]);
    audit_act_note(r, &act);
}

static enum sg_err exchange(const struct ask *ask)
{
    const struct api *api = request_app(ask->r);
    const struct form_field *f = ask->field;
    const struct oauth_exchange what = {.subject_token = f[SUBJECT_TOKEN].value,
                                        .subject_token_type = f[SUBJECT_TYPE].value,
                                        .actor_token = f[ACTOR_TOKEN].value,
                                        .actor_token_type = f[ACTOR_TYPE].value,
                                        .requested_token_type = f[REQUESTED_TYPE].value,
                                        .audience = f[AUDIENCE].value,
                                        .resource = f[RESOURCE].value,
                                        .scope = f[SCOPE].value,
                                        .with = ask->with,
                                        .client = ask->client};
    struct inspected made;
    struct grant grant;
    enum sg_err err = oauth_exchange(api->oauth, &what, &grant, &made, ask->refusal);

    if (err != SG_OK)
        return err;
    note_exchange(ask->r, &made);
    err = reply(ask->r, &grant, made.who.confirmation == SG_CONFIRM_DPOP, true);
    secret_wipe(&grant, sizeof grant);
    return err;
}

/* -- devices ----------------------------------------------------------------------------------- */

static void note_login(struct request *r, const struct grant *grant)
{
    struct audit_act act;

    audit_act_fill(r, SG_AUDIT_LOGIN, grant->user.name, SG_OK, &act);
    act.actor = grant->user.name;
    act.session = grant->session.id;
    audit_act_text(&act, "method", "device");
    audit_act_text(&act, "client", grant->session.client_id);
    audit_act_note(r, &act);
}

static enum sg_err device(const struct ask *ask)
{
    const struct api *api = request_app(ask->r);
    const char *code = ask->field[DEVICE_CODE].value;
    struct grant grant;
    enum sg_err err;

    if (code == NULL)
        return refuse(ask, "invalid_request", "device_code is missing.");
    if (ask->client == NULL)
        return refuse(ask, "invalid_client", "client_id is missing.");
    err = oauth_device_token(api->oauth, code, ask->client, ask->with, &grant, ask->refusal);
    if (err != SG_OK)
        return err;
    note_login(ask->r, &grant);
    err = reply(ask->r, &grant, grant.session.has_dpop, false);
    secret_wipe(&grant, sizeof grant);
    return err;
}

/* -- all of them ------------------------------------------------------------------------------- */

static enum sg_err serve(struct ask *ask)
{
    const char *type = ask->field[GRANT_TYPE].value;
    bool given = false;
    unsigned grant = 0;
    enum sg_err err;

    if (type == NULL)
        return refuse(ask, "invalid_request", "grant_type is missing.");
    if (oauth_grant_parse(type, &grant) != SG_OK)
        return refuse(ask, "unsupported_grant_type",
                      "Supported are refresh_token, token-exchange and device_code.");
    err = oauth_client_of(ask->r, ask->field[CLIENT_ID].value, ask->field[CLIENT_SECRET].value,
                          &ask->named, &given, ask->refusal);
    if (err == SG_OK && given && (ask->named.grants & grant) == 0)
        return refuse(ask, "unauthorized_client", "The client may not use this grant type.");
    if (err == SG_OK)
        err = oauth_presented(ask->r, &ask->shown, ask->refusal);
    if (err != SG_OK)
        return err;
    ask->client = given ? &ask->named : NULL;
    ask->with = &ask->shown.client.with;
    return grant == SG_GRANT_REFRESH    ? refresh(ask)
           : grant == SG_GRANT_EXCHANGE ? exchange(ask)
                                        : device(ask);
}

static enum sg_err run(struct request *r)
{
    struct form_field fields[FIELDS] = {[GRANT_TYPE] = {.name = "grant_type"},
                                        [CLIENT_ID] = {.name = "client_id"},
                                        [CLIENT_SECRET] = {.name = "client_secret"},
                                        [REFRESH_TOKEN] = {.name = "refresh_token"},
                                        [DEVICE_CODE] = {.name = "device_code"},
                                        [SCOPE] = {.name = "scope"},
                                        [AUDIENCE] = {.name = "audience"},
                                        [RESOURCE] = {.name = "resource"},
                                        [REQUESTED_TYPE] = {.name = "requested_token_type"},
                                        [SUBJECT_TOKEN] = {.name = "subject_token"},
                                        [SUBJECT_TYPE] = {.name = "subject_token_type"},
                                        [ACTOR_TOKEN] = {.name = "actor_token"},
                                        [ACTOR_TYPE] = {.name = "actor_token_type"}};
    struct oauth_refusal refusal = {0};
    struct ask ask = {.r = r, .field = fields, .refusal = &refusal};
    enum sg_err err = oauth_form(r, fields, FIELDS, &refusal);

    if (err == SG_OK)
        err = serve(&ask);
    oauth_form_wipe(fields, FIELDS);
    return oauth_answer(r, err, &refusal);
}

const struct operation oauth_token_operation = {.run = run};
