/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/clients: registers a client; its secret is told once. */
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "base/secret.h"
#include "http/request.h"

struct input {
    char *id, *name;
    struct json_strings grants;
    bool confidential, has_grants;
};

static enum sg_err read_grants(struct request *r, const struct input *in, unsigned *ret)
{
    unsigned grants = in->has_grants ? 0 : SG_GRANTS_ALL, bit;

    for (size_t i = 0; i < in->grants.count; i++) {
        if (oauth_grant_parse(in->grants.items[i], &bit) != SG_OK)
            return request_fail(r, SG_ERR_BAD_FIELD, "grants: unknown");
        grants |= bit;
    }
    *ret = grants;
    return SG_OK;
}

static enum sg_err reply(struct request *r, const struct oauth_client *client, const char *secret)
{
    struct json_out o;

    json_out_init(&o, SG_OAUTH_RECORD_MAX);
    oauth_put_client(&o, NULL, client, secret);
    return json_out_reply(r, 201, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.confidential = true};
    const struct json_field fields[] = {
        {NULL, "id", SG_JSON_STRING, false, 1, 63, {.string = &in.id}, NULL},
        {NULL, "name", SG_JSON_STRING, true, 1, 64, {.string = &in.name}, NULL},
        {NULL, "grants", SG_JSON_STRINGS, false, 0, 8, {.strings = &in.grants}, &in.has_grants},
        {NULL, "confidential", SG_JSON_BOOLEAN, false, 0, 0, {.boolean = &in.confidential}, NULL},
    };
    char secret[SG_OAUTH_SECRET_SIZE];
    const char *reason = "";
    struct oauth_client client;
    unsigned grants = 0;
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK)
        err = read_grants(r, &in, &grants);
    if (err != SG_OK)
        return err;
    err = oauth_client_create(api->oauth, in.id, in.name, in.confidential, grants, &client, secret,
                              &reason);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "%s", reason);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_CLIENT_CREATED, client.id, SG_OK);
    err = reply(r, &client, secret);
    secret_wipe(secret, sizeof secret);
    return err;
}

const struct operation oauth_clients_create_operation = {.run = run};
