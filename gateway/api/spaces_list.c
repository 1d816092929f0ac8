/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/spaces: the spaces that the user may read, with the role in each. */
#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/files.h"
#include "http/request.h"

#define SPACES_MAX 64                 /* shown at most */
#define ANSWER_MAX (SPACES_MAX * 256) /* bytes */

static const char *role_name(enum space_role role)
{
    return role == SG_SPACE_OWNER ? "owner" : role == SG_SPACE_WRITER ? "writer" : "reader";
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct space_record spaces[SPACES_MAX];
    enum space_role roles[SPACES_MAX];
    struct json_out o;
    size_t count;
    enum sg_err err =
        files_spaces(api->files, request_principal(r), SPACES_MAX, spaces, roles, &count);

    if (err != SG_OK)
        return err;
    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_array(&o, "spaces");
    for (size_t i = 0; i < count; i++) {
        json_out_object(&o, NULL);
        json_out_string(&o, "name", spaces[i].name);
        json_out_string(&o, "role", role_name(roles[i]));
        json_out_close(&o, '}');
    }
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation spaces_list_operation = {.run = run};
