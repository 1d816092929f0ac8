/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/users/me: the user of the token; it never shows another one. */
#include <string.h>

#include "api/operations.h"
#include "api/records.h"
#include "http/request.h"

/* The guard has just read all of it, or remembers it from since it last changed. */
static enum sg_err run(struct request *r)
{
    const struct principal *who = request_principal(r);
    struct user_record user = {.role = who->role, .created_ns = who->user_created_ns};
    struct json_out o;

    memcpy(user.name, who->user, sizeof user.name);
    json_out_init(&o, SG_RECORD_MAX);
    records_user(&o, NULL, &user);
    return json_out_reply(r, 200, &o);
}

const struct operation users_me_operation = {.run = run};
