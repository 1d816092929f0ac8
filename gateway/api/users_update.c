/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH /v1/users/{name}: role, disabling, and help for who lost the second factor, by an admin; a
 * name that cannot exist is not found. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/secondfactor.h"
#include "http/request.h"

struct input {
    enum user_role role;
    bool disabled;
    bool has_role, has_disabled, reset;
};

static enum sg_err read_input(struct request *r, struct input *ret)
{
    const struct principal *who = request_principal(r);
    char *role = NULL;
    const struct json_field fields[] = {
        {NULL, "role", SG_JSON_STRING, false, 1, 16, {.string = &role}, &ret->has_role},
        {NULL,
         "disabled",
         SG_JSON_BOOLEAN,
         false,
         0,
         0,
         {.boolean = &ret->disabled},
         &ret->has_disabled},
        {NULL, "reset_second_factor", SG_JSON_BOOLEAN, false, 0, 0, {.boolean = &ret->reset}, NULL},
    };
    enum sg_err err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);

    if (err != SG_OK)
        return err;
    if (!ret->has_role && !ret->has_disabled && !ret->reset)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "role, disabled or reset_second_factor must be given");
    if (ret->has_role && identity_role_parse(role, &ret->role) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "role: must be admin, member or guest");
    if (who->authority == SG_AUTHORITY_LOGIN && !who->narrowed)
        return SG_OK;
    if (ret->reset)
        return request_fail(r, SG_ERR_LOGIN_NEEDED,
                            "reset_second_factor: is for tokens of a login with all scopes");
    /* As with invitations. */
    if (ret->has_role && ret->role == SG_ROLE_ADMIN)
        return request_fail(r, SG_ERR_LOGIN_NEEDED,
                            "role: admins are made with tokens of a login with all scopes");
    return SG_OK;
}

static void note(struct request *r, const struct input *in, const struct user_record *user)
{
    struct audit_act act;

    audit_act_fill(r, SG_AUDIT_USER_UPDATED, user->name, SG_OK, &act);
    if (in->has_role)
        audit_act_text(&act, "role", identity_role_name(user->role));
    if (in->has_disabled)
        audit_act_text(&act, "disabled", user->disabled ? "true" : "false");
    if (in->reset)
        audit_act_text(&act, "second_factor", "reset");
    audit_act_note(r, &act);
}

struct reset {
    struct secondfactor *factors;
    int64_t user_id;
};

static enum sg_err reset_factors(void *ctx)
{
    const struct reset *reset = ctx;

    return secondfactor_reset(reset->factors, reset->user_id);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.has_role = false};
    struct user_record user;
    struct json_out o;
    const char *name;
    enum sg_err err = request_param(r, "name", &name);

    if (err == SG_OK)
        err = read_input(r, &in);
    if (err != SG_OK)
        return err;
    if (!identity_user_name_ok(name))
        return SG_ERR_NOT_FOUND;
    err = identity_update_user(api->identity, name, in.has_role ? &in.role : NULL,
                               in.has_disabled ? &in.disabled : NULL, &user);
    if (err != SG_OK)
        return err;
    if (in.reset) /* sessions end with the passkeys that opened them */
        err = identity_ending_by(api->identity, user.id, reset_factors,
                                 &(struct reset){.factors = api->factors, .user_id = user.id});
    in.reset = in.reset && err == SG_OK;
    if (in.has_role || in.has_disabled || in.reset)
        note(r, &in, &user); /* what was done, even if the rest was not */
    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_RECORD_MAX);
    records_user(&o, NULL, &user);
    return json_out_reply(r, 200, &o);
}

const struct operation users_update_operation = {.run = run};
