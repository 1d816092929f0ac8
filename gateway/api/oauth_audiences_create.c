/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/audiences: another service that tokens may be for. */
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err read_scopes(struct request *r, const struct json_strings *words, unsigned *ret)
{
    unsigned scopes = 0, bit;

    for (size_t i = 0; i < words->count; i++) {
        if (oauth_scopes_parse(words->items[i], &bit) != SG_OK)
            return request_fail(r, SG_ERR_BAD_FIELD, "scopes: unknown");
        scopes |= bit;
    }
    *ret = scopes;
    return SG_OK;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char *audience = NULL, *name = NULL, *client = NULL;
    struct json_strings words = {0};
    const struct json_field fields[] = {
        {NULL, "audience", SG_JSON_STRING, true, 1, 255, {.string = &audience}, NULL},
        {NULL, "name", SG_JSON_STRING, true, 1, 64, {.string = &name}, NULL},
        {NULL, "scopes", SG_JSON_STRINGS, true, 1, 16, {.strings = &words}, NULL},
        {NULL, "client", SG_JSON_STRING, false, 1, 63, {.string = &client}, NULL},
    };
    struct oauth_audience record;
    const char *reason = "";
    struct json_out o;
    unsigned scopes = 0;
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK)
        err = read_scopes(r, &words, &scopes);
    if (err != SG_OK)
        return err;
    err = oauth_audience_create(api->oauth, audience, name, scopes, client, &record, &reason);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "%s", reason);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_AUDIENCE_CREATED, record.audience, SG_OK);
    json_out_init(&o, SG_OAUTH_RECORD_MAX);
    oauth_put_audience(&o, NULL, &record);
    return json_out_reply(r, 201, &o);
}

const struct operation oauth_audiences_create_operation = {.run = run};
