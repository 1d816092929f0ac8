/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH /v1/spaces/{space}: description and retention, by an owner. */
#include "api/api.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/space_request.h"
#include "core/chat.h"
#include "http/request.h"

#define SECONDS_MAX INT64_C(3155760000) /* a hundred years */
#define COUNT_MAX   INT64_C(1000000000)

struct input {
    char *description;
    int64_t seconds, count;
    bool has_retention, has_seconds, has_count;
};

static enum sg_err read_input(struct request *r, struct input *ret)
{
    const struct json_field fields[] = {
        {NULL,
         "description",
         SG_JSON_STRING,
         false,
         0,
         SG_DESCRIPTION_MAX,
         {.string = &ret->description},
         NULL},
        {NULL, "retention", SG_JSON_OBJECT, false, 0, 0, {NULL}, &ret->has_retention},
        {"retention",
         "seconds",
         SG_JSON_INTEGER_OR_NULL,
         false,
         1,
         SECONDS_MAX,
         {.integer = &ret->seconds},
         &ret->has_seconds},
        {"retention",
         "count",
         SG_JSON_INTEGER_OR_NULL,
         false,
         1,
         COUNT_MAX,
         {.integer = &ret->count},
         &ret->has_count},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK && ret->description == NULL && !ret->has_retention)
        return request_fail(r, SG_ERR_BAD_FIELD, "description or retention must be given");
    return err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct input in = {.description = NULL};
    struct space_info info;
    enum space_role role;
    uint64_t count;
    const char *name;
    enum sg_err err = request_param(r, "space", &name);

    if (err == SG_OK)
        err = read_input(r, &in);
    if (err != SG_OK)
        return err;
    count = (uint64_t)in.count;
    err = spaces_update(api->spaces, who, name,
                        &(struct space_change){.description = in.description,
                                               .retention_s = in.has_seconds ? &in.seconds : NULL,
                                               .retention_count = in.has_count ? &count : NULL},
                        &info);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "description: cannot be used");
    if (err == SG_OK && in.has_retention)
        chat_prune_soon(api->chat);
    if (err == SG_OK)
        err = spaces_info(api->spaces, who, name, &info, &role);
    return err == SG_OK ? space_request_reply(r, 200, &info, role) : err;
}

const struct operation spaces_update_operation = {.run = run};
