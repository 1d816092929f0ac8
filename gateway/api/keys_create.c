/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/keys: a new key, made in the keyring. */
#include <stdio.h>
#include <stdlib.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/key_request.h"
#include "api/operations.h"
#include "http/request.h"

struct input {
    char *name, *type, *uri;
    int64_t expires_in;
    enum sig_key_type kind;
};

static enum sg_err read_input(struct request *r, struct input *in)
{
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, true, 1, 64, {.string = &in->name}, NULL},
        {NULL, "type", SG_JSON_STRING, true, 1, 16, {.string = &in->type}, NULL},
        {NULL, "uri", SG_JSON_STRING, false, 1, SG_KEY_URI_SIZE - 1, {.string = &in->uri}, NULL},
        {NULL,
         "expires_in",
         SG_JSON_INTEGER,
         false,
         1,
         SG_KEY_LIFETIME_MAX,
         {.integer = &in->expires_in},
         NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK && sig_key_type_parse(in->type, &in->kind) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "type: must be ed25519, ecdsa-p256 or rsa-3072");
    return err == SG_OK ? key_request_uri(r, in->uri) : err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct key_info *info = calloc(1, sizeof *info);
    char location[SG_KEY_NAME_SIZE + 16];
    struct input in = {.name = NULL};
    const char *reason = "";
    enum sg_err err = info != NULL ? read_input(r, &in) : SG_ERR_NO_MEMORY;

    if (err == SG_OK) {
        err = keys_create(api->keys, request_principal(r), in.name, in.kind,
                          in.uri != NULL ? in.uri : "", in.expires_in, info, &reason);
        err = key_request_error(r, err, reason);
    }
    if (err == SG_OK) {
        audit_act_detail(r, SG_AUDIT_KEY_CREATED, info->key.name, SG_OK, "type", in.type);
        (void)snprintf(location, sizeof location, "/v1/keys/%s", info->key.name);
        reply_header(r, "Location", location);
        err = key_request_reply(r, 201, info);
    }
    free(info);
    return err;
}

const struct operation keys_create_operation = {.run = run};
