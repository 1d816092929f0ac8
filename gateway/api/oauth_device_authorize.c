/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/device_authorization: a device without a browser asks to be let in (RFC 8628,
 * section 3.1). */
#include <stdio.h>

#include "api/answer.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "base/secret.h"
#include "http/request.h"

#define ANSWER_MAX 4096
#define URI_MAX    1024

static enum sg_err reply(struct request *r, const struct device_codes *codes)
{
    const struct api *api = request_app(r);
    char uri[URI_MAX], path[64];
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "device_code", codes->device_code);
    json_out_string(&o, "user_code", codes->user_code);
    oauth_uri(api->oauth, "/#device", uri, sizeof uri);
    json_out_string(&o, "verification_uri", uri);
    (void)snprintf(path, sizeof path, "/#device?code=%s", codes->user_code);
    oauth_uri(api->oauth, path, uri, sizeof uri);
    json_out_string(&o, "verification_uri_complete", uri);
    json_out_integer(&o, "expires_in", SG_DEVICE_LIFETIME_S);
    json_out_integer(&o, "interval", SG_DEVICE_INTERVAL_S);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
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
    const struct api *api = request_app(r);
    struct device_codes codes;
    struct oauth_client client;
    unsigned scopes = 0;
    bool given = false;
    enum sg_err err =
        oauth_client_of(r, fields[1].value, fields[2].value, &client, &given, refusal);

    if (err != SG_OK)
        return err;
    if (!given)
        return refuse(refusal, "invalid_client", "client_id is missing.");
    if ((client.grants & SG_GRANT_DEVICE) == 0)
        return refuse(refusal, "unauthorized_client", "The client may not use this grant type.");
    if (fields[0].value != NULL && oauth_scopes_parse(fields[0].value, &scopes) != SG_OK)
        return refuse(refusal, "invalid_scope", "The scope is not known.");
    err = oauth_device_begin(api->oauth, &client, scopes, request_address(r), &codes);
    if (err == SG_ERR_THROTTLED)
        return answer_error(r, err, SG_DEVICE_LIFETIME_S);
    if (err != SG_OK)
        return err;
    err = reply(r, &codes);
    secret_wipe(&codes, sizeof codes);
    return err;
}

static enum sg_err run(struct request *r)
{
    struct form_field fields[] = {
        {.name = "scope"}, {.name = "client_id"}, {.name = "client_secret"}};
    struct oauth_refusal refusal = {0};
    enum sg_err err = oauth_form(r, fields, 3, &refusal);

    if (err == SG_OK)
        err = serve(r, fields, &refusal);
    oauth_form_wipe(fields, 3);
    return oauth_answer(r, err, &refusal);
}

const struct operation oauth_device_authorize_operation = {.run = run};
