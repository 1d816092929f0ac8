/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/introspect: what a token is worth now (RFC 7662), for the client that has it or
 * whose service it is for, and for admins. */
#include <string.h>
#include <strings.h>

#include "api/dpop_request.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "base/encode.h"
#include "http/enclose.h"
#include "http/request.h"

#define ANSWER_MAX 8192 /* bytes */

/* Who acts for whom, outermost the one who acts now (RFC 8693, section 4.1). */
static void put_actors(struct json_out *o, const struct inspected *token)
{
    for (size_t i = 0; i < token->actor_count; i++) {
        json_out_object(o, "act");
        json_out_string(o, "sub", token->actor[i]);
    }
    for (size_t i = 0; i < token->actor_count; i++)
        json_out_close(o, '}');
}

static void put_confirmation(struct json_out *o, const struct principal *who)
{
    if (who->confirmation == SG_CONFIRM_NOTHING)
        return;
    json_out_object(o, "cnf");
    json_out_base64url(o, who->confirmation == SG_CONFIRM_DPOP ? "jkt" : "x5t#S256",
                       who->confirmation_sha256, sizeof who->confirmation_sha256);
    json_out_close(o, '}');
}

static void put_active(struct json_out *o, const struct inspected *token, const char *issuer)
{
    const struct principal *who = &token->who;
    char scope[SG_CLAIM_SIZE];

    identity_scopes_format(who->scopes, scope);
    json_out_string(o, "scope", scope);
    if (who->client_id[0] != '\0')
        json_out_string(o, "client_id", who->client_id);
    json_out_string(o, "username", who->user);
    if (token->kind != SG_TOKEN_REFRESH)
        json_out_string(o, "token_type", who->confirmation == SG_CONFIRM_DPOP ? "DPoP" : "Bearer");
    json_out_integer(o, "exp", token->expires_s);
    json_out_integer(o, "iat", token->issued_s);
    json_out_string(o, "sub", who->user);
    json_out_string(o, "aud", token->audience);
    json_out_string(o, "iss", issuer);
    if (who->jti[0] != '\0')
        json_out_string(o, "jti", who->jti);
    if (!who->scripted)
        json_out_hex(o, "sid", who->session_id, sizeof who->session_id);
    put_actors(o, token);
    put_confirmation(o, who);
}

static enum sg_err reply(struct request *r, const char *token, const struct oauth_client *client)
{
    const struct api *api = request_app(r);
    struct inspected found;
    struct json_out o;
    bool active = false;
    enum sg_err err = oauth_introspect(api->oauth, token, client, &found, &active);

    if (err != SG_OK)
        return err;
    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_boolean(&o, "active", active);
    if (active)
        put_active(&o, &found, oauth_issuer(api->oauth));
    json_out_close(&o, '}');
    reply_header(r, "Pragma", "no-cache");
    return json_out_reply(r, 200, &o);
}

static bool may_ask(const struct principal *who)
{
    return who->role == SG_ROLE_ADMIN && (who->scopes & SG_SCOPE_ADMIN) != 0;
}

/* An admin asks with a token of its own: *ret false when there is none that is good for it.
 * SG_ERR_PROOF_NONCE. */
static enum sg_err is_admin(struct request *r, bool *ret)
{
    const struct api *api = request_app(r);
    const char *value = request_header(r, "Authorization");
    bool dpop = value != NULL && strncasecmp(value, "DPoP ", 5) == 0;
    struct dpop_proof proof;
    struct client_request client;
    struct principal who;
    enum sg_err err = SG_OK;

    *ret = false;
    /* The other request, around this one, has shown the token. */
    if (value == NULL && request_is_enclosed(r) && request_principal(r) != NULL)
        *ret = may_ask(request_principal(r));
    if (value == NULL || request_header_repeated(r, "Authorization") ||
        (!dpop && strncasecmp(value, "Bearer ", 7) != 0))
        return SG_OK;
    value += dpop ? 5 : 7;
    value += strspn(value, " ");
    if (client_request(r, &client) != SG_OK)
        return SG_OK;
    if (dpop)
        err = dpop_request_shown(r, value, strlen(value), &proof);
    if (err != SG_OK)
        return err == SG_ERR_PROOF_NONCE ? err : SG_OK;
    if (dpop)
        client.with.dpop_sha256 = proof.key_sha256;
    *ret =
        identity_authenticate(api->identity, value, strlen(value), &client.with, &who) == SG_OK &&
        may_ask(&who) && (who.confirmation == SG_CONFIRM_DPOP) == dpop &&
        (!dpop || dpop_request_use(r, &proof) == SG_OK);
    return SG_OK;
}

static enum sg_err refuse(struct oauth_refusal *ret, const char *error, const char *description)
{
    ret->error = error;
    ret->description = description;
    return SG_ERR_BAD_REQUEST;
}

static enum sg_err serve(struct request *r, const struct form_field *fields,
                         struct oauth_refusal *refusal)
{
    struct oauth_client client;
    bool given = false, may = false;
    enum sg_err err =
        oauth_client_of(r, fields[1].value, fields[2].value, &client, &given, refusal);

    if (err == SG_OK && given)
        may = client.confidential;
    else if (err == SG_OK)
        err = is_admin(r, &may);
    if (err == SG_ERR_PROOF_NONCE)
        return refuse(refusal, "use_dpop_nonce", "The DPoP proof must hold the nonce given here.");
    if (err != SG_OK)
        return err;
    if (!may)
        return refuse(refusal, "invalid_client",
                      "Only clients with a secret, and admins, may ask.");
    if (fields[0].value == NULL)
        return refuse(refusal, "invalid_request", "token is missing.");
    return reply(r, fields[0].value, given ? &client : NULL);
}

static enum sg_err run(struct request *r)
{
    struct form_field fields[] = {
        {.name = "token"}, {.name = "client_id"}, {.name = "client_secret"}};
    struct oauth_refusal refusal = {0};
    enum sg_err err = oauth_form(r, fields, 3, &refusal);

    if (err == SG_OK)
        err = serve(r, fields, &refusal);
    oauth_form_wipe(fields, 3);
    return oauth_answer(r, err, &refusal);
}

const struct operation oauth_introspect_operation = {.run = run};
