/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/token: a refresh token for new tokens (RFC 6749, section 6); all of them are wiped
 * once used. */
#include <string.h>

#include "api/api.h"
#include "api/form_in.h"
#include "api/json_in.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "base/secret.h"
#include "core/identity.h"
#include "http/request.h"

#define ANSWER_MAX (SG_TOKEN_SIZE + SG_REFRESH_TOKEN_SIZE + 2048) /* bytes */

/* The errors of RFC 6749, section 5.2: these are answers, not failures. */
static enum sg_err refuse(struct request *r, const char *error, const char *description)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "error", error);
    json_out_string(&o, "error_description", description);
    json_out_close(&o, '}');
    reply_header(r, "Pragma", "no-cache");
    return json_out_reply(r, 400, &o);
}

static enum sg_err reply(struct request *r, const struct grant *grant)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "access_token", grant->access_token);
    json_out_string(&o, "token_type", "Bearer");
    json_out_integer(&o, "expires_in", grant->expires_in_s);
    json_out_string(&o, "refresh_token", grant->refresh_token);
    json_out_string(&o, "scope", grant->scope);
    json_out_close(&o, '}');
    reply_header(r, "Pragma", "no-cache");
    return json_out_reply(r, 200, &o);
}

/* What is wrong with the grant is the client's business; all else goes its usual way. */
static enum sg_err refuse_grant(struct request *r, enum sg_err err)
{
    if (err == SG_ERR_SESSION_ENDED || err == SG_ERR_ADDRESS_MISMATCH)
        return refuse(r, "invalid_grant", "The session has ended.");
    if (err == SG_ERR_SESSION_EXPIRED)
        return refuse(r, "invalid_grant", "The session has expired.");
    if (err == SG_ERR_TOKEN_MISMATCH)
        return refuse(r, "invalid_grant", "The token is bound to something that was not shown.");
    if (err == SG_ERR_USER_DISABLED)
        return refuse(r, "invalid_grant", "The user is disabled.");
    if (err == SG_ERR_TOKEN_INVALID || err == SG_ERR_TOKEN_EXPIRED || err == SG_ERR_NOT_FOUND)
        return refuse(r, "invalid_grant", "The refresh token is not valid.");
    return err;
}

static enum sg_err refresh(struct request *r, const char *token)
{
    const struct api *api = request_app(r);
    const struct presented with = {.address = request_address(r)};
    struct grant grant;
    enum sg_err err = SG_ERR_TOKEN_INVALID;

    if (strlen(token) < SG_REFRESH_TOKEN_SIZE)
        err = identity_refresh(api->identity, token, &with, NULL, 0, &grant);
    if (err != SG_OK)
        return refuse_grant(r, err);
    err = reply(r, &grant);
    secret_wipe(&grant, sizeof grant);
    return err;
}

static enum sg_err run(struct request *r)
{
    struct form_field fields[] = {{.name = "grant_type"}, {.name = "refresh_token"}};
    const char *reason = "", *type;
    size_t len;
    const uint8_t *body = request_body(r, &len);
    enum sg_err err =
        form_in_parse(body != NULL ? body : (const uint8_t *)"", len, request_arena(r), fields,
                      sizeof fields / sizeof fields[0], &reason);

    json_in_wipe_body(r);
    type = fields[0].value;
    if (err == SG_ERR_BAD_FIELD)
        err = refuse(r, "invalid_request", reason);
    else if (err == SG_OK && type == NULL)
        err = refuse(r, "invalid_request", "grant_type is missing.");
    else if (err == SG_OK && strcmp(type, "refresh_token") != 0)
        err = refuse(r, "unsupported_grant_type", "Only refresh_token is supported.");
    else if (err == SG_OK && fields[1].value == NULL)
        err = refuse(r, "invalid_request", "refresh_token is missing.");
    else if (err == SG_OK)
        err = refresh(r, fields[1].value);
    json_in_wipe(fields[1].value);
    return err;
}

const struct operation oauth_token_operation = {.run = run};
