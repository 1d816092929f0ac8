/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/invites: makes an invitation, by an admin; its code is shown this once. */
#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "base/secret.h"
#include "http/request.h"

struct input {
    enum user_role role;
    int64_t expires_in;
};

static enum sg_err read_input(struct request *r, struct input *ret)
{
    const struct principal *who = request_principal(r);
    char *role = NULL;
    const struct json_field fields[] = {
        {NULL, "role", SG_JSON_STRING, false, 1, 16, {.string = &role}, NULL},
        {NULL,
         "expires_in",
         SG_JSON_INTEGER,
         false,
         60,
         31536000,
         {.integer = &ret->expires_in},
         NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err == SG_OK && role != NULL && identity_role_parse(role, &ret->role) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "role: must be admin, member or guest");
    /* Else a token that has little, or ends soon, would make somebody who has all, for good. */
    if (err == SG_OK && ret->role == SG_ROLE_ADMIN &&
        (who->authority != SG_AUTHORITY_LOGIN || who->narrowed))
        return request_fail(r, SG_ERR_LOGIN_NEEDED,
                            "role: admins are made with tokens of a login with all scopes");
    return err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.role = SG_ROLE_MEMBER, .expires_in = 604800};
    char code[SG_CODE_SIZE];
    int64_t expires_ns;
    struct json_out o;
    enum sg_err err = read_input(r, &in);

    if (err == SG_OK)
        err = identity_invite(api->identity, request_principal(r), in.role, (unsigned)in.expires_in,
                              code, &expires_ns);
    if (err != SG_OK)
        return answer_error(r, err, 0);
    audit_act_detail(r, SG_AUDIT_INVITE_CREATED, NULL, SG_OK, "role", identity_role_name(in.role));
    json_out_init(&o, SG_RECORD_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "code", code);
    json_out_string(&o, "role", identity_role_name(in.role));
    json_out_time(&o, "expires_at", expires_ns);
    json_out_close(&o, '}');
    secret_wipe(code, sizeof code);
    return json_out_reply(r, 201, &o);
}

const struct operation invites_create_operation = {.run = run};
