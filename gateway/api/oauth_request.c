/* SPDX-License-Identifier: Apache-2.0 */
/* Forms, clients and answers of OAuth; no secret of a client stays behind. */
#include "api/oauth_request.h"

#include <string.h>
#include <strings.h>

#include "api/dpop_request.h"
#include "api/json_in.h"
#include "http/request.h"

#define ERROR_MAX 1024 /* bytes of an error's answer */

static enum sg_err refuse(struct oauth_refusal *ret, const char *error, const char *description)
{
    ret->error = error;
    ret->description = description;
    return SG_ERR_BAD_REQUEST;
}

enum sg_err oauth_form(struct request *r, struct form_field *fields, size_t count,
                       struct oauth_refusal *refusal)
{
    const char *reason = "";
    size_t len;
    const uint8_t *body = request_body(r, &len);
    enum sg_err err = form_in_parse(body != NULL ? body : (const uint8_t *)"", len,
                                    request_arena(r), fields, count, &reason);

    json_in_wipe_body(r);
    return err == SG_ERR_BAD_FIELD ? refuse(refusal, "invalid_request", reason) : err;
}

void oauth_form_wipe(struct form_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_in_wipe(fields[i].value);
}

/* -- clients ----------------------------------------------------------------------------------- */

/* *ret_id NULL: the header is not there, or of another scheme. */
static enum sg_err read_basic(struct request *r, char **ret_id, char **ret_secret,
                              struct oauth_refusal *refusal)
{
    static const char scheme[] = "Basic ";
    const char *value = request_header(r, "Authorization");
    enum sg_err err;

    *ret_id = NULL;
    if (request_header_repeated(r, "Authorization"))
        return refuse(refusal, "invalid_request", "Authorization is given more than once.");
    if (value == NULL || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return SG_OK;
    value += sizeof scheme - 1;
    value += strspn(value, " ");
    err = form_in_basic(value, request_arena(r), ret_id, ret_secret);
    return err == SG_ERR_BAD_FIELD
               ? refuse(refusal, "invalid_client", "Authorization: Basic is malformed.")
               : err;
}

enum sg_err oauth_client_of(struct request *r, const char *client_id, const char *client_secret,
                            struct oauth_client *ret, bool *ret_given,
                            struct oauth_refusal *refusal)
{
    const struct api *api = request_app(r);
    char *basic_id = NULL, *basic_secret = NULL;
    const char *id, *secret;
    enum sg_err err = read_basic(r, &basic_id, &basic_secret, refusal);

    if (err != SG_OK)
        return err;
    id = basic_id;
    secret = basic_secret;
    if (id != NULL &&
        (client_secret != NULL || (client_id != NULL && strcmp(client_id, id) != 0))) {
        json_in_wipe(basic_secret);
        return refuse(refusal, "invalid_request", "The client is named in two ways.");
    }
    if (id == NULL) {
        id = client_id;
        secret = client_secret;
    }
    *ret_given = id != NULL;
    if (id == NULL)
        return secret == NULL
                   ? SG_OK
                   : refuse(refusal, "invalid_request", "client_secret comes without client_id.");
    err = oauth_client_check(api->oauth, id, secret, ret);
    json_in_wipe(basic_secret);
    return err == SG_ERR_BAD_CREDENTIALS
               ? refuse(refusal, "invalid_client", "The client is not known by these credentials.")
               : err;
}

/* -- what tokens are bound to ------------------------------------------------------------------ */

enum sg_err oauth_presented(struct request *r, struct oauth_presented *ret,
                            struct oauth_refusal *refusal)
{
    bool given = false;
    enum sg_err err = client_request(r, &ret->client);

    if (err == SG_OK)
        err = dpop_request(r, ret->dpop_sha256, &given);
    if (err == SG_ERR_BAD_PROOF)
        return refuse(refusal, "invalid_dpop_proof", "The DPoP proof is not valid here and now.");
    if (err == SG_ERR_PROOF_NONCE)
        return refuse(refusal, "use_dpop_nonce", "The DPoP proof must hold the nonce given here.");
    if (err != SG_OK)
        return err;
    if (given)
        ret->client.with.dpop_sha256 = ret->dpop_sha256;
    return SG_OK;
}

/* -- answers ----------------------------------------------------------------------------------- */

enum sg_err oauth_answer(struct request *r, enum sg_err err, const struct oauth_refusal *refusal)
{
    struct json_out o;
    bool client;

    if (err != SG_ERR_BAD_REQUEST || refusal->error == NULL)
        return err;
    client = strcmp(refusal->error, "invalid_client") == 0;
    json_out_init(&o, ERROR_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "error", refusal->error);
    json_out_string(&o, "error_description", refusal->description);
    json_out_close(&o, '}');
    reply_header(r, "Pragma", "no-cache");
    if (client)
        reply_header(r, "WWW-Authenticate", "Basic realm=\"secgate\"");
    return json_out_reply(r, client ? 401 : 400, &o);
}

void oauth_put_scopes(struct json_out *o, const char *name, unsigned scopes)
{
    char text[SG_CLAIM_SIZE];
    const char *p = text;

    identity_scopes_format(scopes, text);
    json_out_array(o, name);
    while (*p != '\0') {
        size_t len = strcspn(p, " ");

        json_out_text(o, NULL, p, len);
        p += len;
        p += strspn(p, " ");
    }
    json_out_close(o, ']');
}

void oauth_put_client(struct json_out *o, const char *name, const struct oauth_client *client,
                      const char *secret)
{
    json_out_object(o, name);
    json_out_string(o, "id", client->id);
    json_out_string(o, "name", client->name);
    json_out_array(o, "grants");
    for (unsigned bit = 1; bit <= SG_GRANTS_ALL; bit <<= 1)
        if ((client->grants & bit) != 0)
            json_out_string(o, NULL, oauth_grant_name(bit));
    json_out_close(o, ']');
    json_out_boolean(o, "confidential", client->confidential);
    if (secret != NULL && secret[0] != '\0')
        json_out_string(o, "secret", secret);
    json_out_time(o, "created_at", client->created_ns);
    json_out_close(o, '}');
}

void oauth_put_audience(struct json_out *o, const char *name, const struct oauth_audience *audience)
{
    json_out_object(o, name);
    json_out_string(o, "audience", audience->audience);
    json_out_string(o, "name", audience->name);
    oauth_put_scopes(o, "scopes", audience->scopes);
    if (audience->client_id[0] != '\0')
        json_out_string(o, "client", audience->client_id);
    json_out_time(o, "created_at", audience->created_ns);
    json_out_close(o, '}');
}
