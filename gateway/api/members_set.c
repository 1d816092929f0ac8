/* SPDX-License-Identifier: Apache-2.0 */
/* PUT /v1/spaces/{space}/members/{user}: adds a member of a shared space or changes its role. */
#include <stdio.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/space_request.h"
#include "http/request.h"

static enum sg_err read_role(struct request *r, enum space_role *ret)
{
    char *role = NULL;
    const struct json_field fields[] = {
        {NULL, "role", SG_JSON_STRING, true, 1, 16, {.string = &role}, NULL}};
    enum sg_err err = json_in_read(r, fields, 1);

    if (err == SG_OK && spaces_role_parse(role, ret) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "role: must be reader, writer or owner");
    return err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char location[SG_SPACE_NAME_SIZE + SG_USER_NAME_SIZE + 32];
    enum space_role role = SG_SPACE_NONE;
    struct member_record member;
    const char *space, *user;
    bool created;
    enum sg_err err = space_request_member(r, &space, &user);

    if (err == SG_OK)
        err = read_role(r, &role);
    if (err == SG_OK)
        err = spaces_member_set(api->spaces, request_principal(r), space, user, role, &member,
                                &created);
    if (err != SG_OK)
        return err;
    audit_act_member(r, space, member.name, spaces_role_name(role));
    if (created) {
        (void)snprintf(location, sizeof location, "/v1/spaces/%s/members/%s", space, member.name);
        reply_header(r, "Location", location);
    }
    return space_request_reply_member(r, created ? 201 : 200, &member);
}

const struct operation members_set_operation = {.run = run};
