/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/spaces: a shared space, owned by who makes it. */
#include <stdio.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/space_request.h"
#include "http/request.h"

static enum sg_err create(struct request *r, const char *name, const char *description,
                          struct space_info *ret)
{
    const struct api *api = request_app(r);
    enum sg_err err;

    if (!spaces_name_ok(name))
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "name: must be 1 to 32 of a-z, 0-9, '.', '_' and '-', begin with a "
                            "letter or digit, and be neither \"common\" nor \"me\"");
    err = spaces_create(api->spaces, request_principal(r), name, description, ret);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "description: cannot be used");
    return err == SG_ERR_FORBIDDEN ? request_fail(r, err, "Guests make no spaces.") : err;
}

static enum sg_err run(struct request *r)
{
    char *name = NULL, *description = NULL, location[SG_SPACE_NAME_SIZE + 32];
    struct space_info info;
    const struct json_field fields[] = {
        {NULL, "name", SG_JSON_STRING, true, 1, 32, {.string = &name}, NULL},
        {NULL,
         "description",
         SG_JSON_STRING,
         false,
         0,
         SG_DESCRIPTION_MAX,
         {.string = &description},
         NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK)
        err = create(r, name, description != NULL ? description : "", &info);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_SPACE_CREATED, info.space.name, SG_OK);
    (void)snprintf(location, sizeof location, "/v1/spaces/%s", info.space.name);
    reply_header(r, "Location", location);
    return space_request_reply(r, 201, &info, SG_SPACE_OWNER);
}

const struct operation spaces_create_operation = {.run = run};
