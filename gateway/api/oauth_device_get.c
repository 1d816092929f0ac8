/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/oauth/device?user_code=: which device waits to be let in. */
#include "api/answer.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

#define ANSWER_MAX 4096

static enum sg_err reply(struct request *r, const struct device_grant *grant)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    char name[SG_OAUTH_NAME_SIZE];
    struct json_out o;

    oauth_client_name(api->oauth, grant->client_id, name);
    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "client_id", grant->client_id);
    json_out_string(&o, "client_name", name);
    /* What it would get, if this user let it in. */
    oauth_put_scopes(&o, "scopes", (grant->scopes != 0 ? grant->scopes : ~0U) & who->scopes);
    json_out_string(&o, "address", grant->address);
    json_out_time(&o, "created_at", grant->created_ns);
    json_out_time(&o, "expires_at", grant->expires_ns);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const char *code = NULL;
    struct device_grant grant;
    unsigned wait_s = 0;
    enum sg_err err = request_query(r, "user_code", &code);

    if (err == SG_OK && code == NULL)
        return request_fail(r, SG_ERR_BAD_FIELD, "user_code: missing");
    if (err == SG_OK)
        err = oauth_device_get(api->oauth, code, request_address(r), &grant, &wait_s);
    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, err, "No device waits with this code.");
    return err == SG_OK ? reply(r, &grant) : answer_error(r, err, wait_s);
}

const struct operation oauth_device_get_operation = {.run = run};
