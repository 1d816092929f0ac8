/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/keys/{name}/rotate: a new version, which signs from now on. */
#include <stdlib.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/key_request.h"
#include "api/operations.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct key_info *info = calloc(1, sizeof *info);
    const char *name, *reason = "";
    struct audit_act act;
    int64_t expires_in = 0;
    char *uri = NULL;
    const struct json_field fields[] = {
        {NULL, "uri", SG_JSON_STRING, false, 1, SG_KEY_URI_SIZE - 1, {.string = &uri}, NULL},
        {NULL,
         "expires_in",
         SG_JSON_INTEGER,
         false,
         1,
         SG_KEY_LIFETIME_MAX,
         {.integer = &expires_in},
         NULL},
    };
    enum sg_err err = info != NULL ? request_param(r, "name", &name) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);
    if (err == SG_OK)
        err = key_request_uri(r, uri);
    if (err == SG_OK) {
        err = keys_rotate(api->keys, request_principal(r), name, uri != NULL ? uri : "", expires_in,
                          info, &reason);
        err = key_request_error(r, err, reason);
    }
    if (err == SG_OK) {
        audit_act_fill(r, SG_AUDIT_KEY_ROTATED, info->key.name, SG_OK, &act);
        audit_act_number(&act, "version", info->key.versions[info->key.version_count - 1].number);
        audit_act_note(r, &act);
        err = key_request_reply(r, 201, info);
    }
    free(info);
    return err;
}

const struct operation keys_rotate_operation = {.run = run};
