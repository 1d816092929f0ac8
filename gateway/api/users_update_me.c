/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH /v1/users/me: change of password; both passwords are wiped once they have been used. */
#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "http/request.h"

struct input {
    char *old_password, *new_password;
};

static enum sg_err read_input(struct request *r, struct input *ret)
{
    const struct json_field fields[] = {
        {NULL, "old_password", SG_JSON_STRING, true, 1, 256, {.string = &ret->old_password}, NULL},
        {NULL, "new_password", SG_JSON_STRING, true, 10, 256, {.string = &ret->new_password}, NULL},
    };

    return json_in_read(r, fields, sizeof fields / sizeof fields[0]);
}

static enum sg_err change(struct request *r, const struct input *in, struct user_record *ret)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    const char *reason = "";
    unsigned wait_s = 0;
    enum sg_err err = identity_password_ok(who->user, in->new_password, &reason);

    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "%s", reason);
    if (err == SG_OK)
        err = identity_change_password(api->identity, who, in->old_password, in->new_password,
                                       request_address(r), &wait_s);
    if (err == SG_OK || err == SG_ERR_BAD_CREDENTIALS || err == SG_ERR_THROTTLED)
        audit_act(r, SG_AUDIT_PASSWORD_CHANGED, who->user, err);
    if (err == SG_OK)
        err = identity_user(api->identity, who->user, ret);
    if (err == SG_ERR_NOT_FOUND)
        err = SG_ERR_SESSION_ENDED;
    if (err == SG_ERR_BAD_CREDENTIALS)
        (void)request_fail(r, err, "old_password: is wrong");
    return answer_error(r, err, wait_s);
}

static enum sg_err run(struct request *r)
{
    struct input in = {NULL, NULL};
    struct user_record user;
    struct json_out o;
    enum sg_err err = read_input(r, &in);

    if (err == SG_OK)
        err = change(r, &in, &user);
    json_in_wipe(in.old_password);
    json_in_wipe(in.new_password);
    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_RECORD_MAX);
    records_user(&o, NULL, &user);
    return json_out_reply(r, 200, &o);
}

const struct operation users_update_me_operation = {.run = run};
