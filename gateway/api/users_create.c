/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/users: sign-up; the password and the code are wiped once they have been used. */
#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "http/request.h"

struct input {
    char *username, *password, *code;
};

static enum sg_err read_input(struct request *r, struct input *ret)
{
    const struct json_field fields[] = {
        {NULL, "username", SG_JSON_STRING, true, 1, 32, {.string = &ret->username}, NULL},
        {NULL, "password", SG_JSON_STRING, true, 10, 256, {.string = &ret->password}, NULL},
        {NULL, "code", SG_JSON_STRING, false, 1, 128, {.string = &ret->code}, NULL},
    };

    return json_in_read(r, fields, sizeof fields / sizeof fields[0]);
}

/* Whoever signs up is the actor. A code that is guessed is a failure of a stranger. */
static void note(struct request *r, const struct input *in, const struct user_record *user,
                 enum sg_err result)
{
    struct audit_act act;

    if (result != SG_OK && result != SG_ERR_BAD_CODE && result != SG_ERR_THROTTLED)
        return;
    audit_act_fill(r, result == SG_OK ? SG_AUDIT_USER_CREATED : SG_AUDIT_SIGNUP_FAILED,
                   in->username, result, &act);
    if (result == SG_OK) {
        act.actor = user->name;
        audit_act_text(&act, "role", identity_role_name(user->role));
        audit_act_text(&act, "by", in->code != NULL ? "code" : NULL);
    }
    audit_act_note(r, &act);
}

static enum sg_err sign_up(struct request *r, const struct input *in, struct user_record *ret)
{
    const struct api *api = request_app(r);
    const char *reason = "";
    unsigned wait_s = 0;
    enum sg_err err;

    if (!identity_user_name_ok(in->username))
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "username: must be 1 to 32 of a-z, 0-9, '.', '_' and '-', begin with a "
                            "letter or digit, and not be \"me\"");
    err = identity_password_ok(in->username, in->password, &reason);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "%s", reason);
    if (err != SG_OK)
        return err;
    err = identity_signup(api->identity, in->username, in->password, in->code, request_address(r),
                          ret, &wait_s);
    note(r, in, ret, err);
    if (err == SG_ERR_SIGNUP_CLOSED && in->code == NULL &&
        identity_signup_mode(api->identity) == SG_SIGNUP_INVITE)
        (void)request_fail(r, err, "Sign-up needs the code of an invitation, given as code.");
    return answer_error(r, err, wait_s);
}

static enum sg_err reply(struct request *r, const struct user_record *user)
{
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX);
    records_user(&o, NULL, user);
    reply_header(r, "Location", "/v1/users/me");
    return json_out_reply(r, 201, &o);
}

static enum sg_err run(struct request *r)
{
    struct input in = {NULL, NULL, NULL};
    struct user_record user;
    enum sg_err err = read_input(r, &in);

    if (err == SG_OK)
        err = sign_up(r, &in, &user);
    json_in_wipe(in.password);
    json_in_wipe(in.code);
    return err == SG_OK ? reply(r, &user) : err;
}

const struct operation users_create_operation = {.run = run};
