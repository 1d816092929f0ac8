/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/users/me: the user of the token; it never shows another one. */
#include "api/answer.h"
#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct user_record user;
    struct json_out o;
    enum sg_err err = identity_user(api->identity, who->user, &user);

    /* Removed since the guard looked, or removed and made anew. */
    if (err == SG_ERR_NOT_FOUND || (err == SG_OK && user.id != who->user_id))
        return answer_error(r, SG_ERR_SESSION_ENDED, 0);
    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_RECORD_MAX);
    records_user(&o, NULL, &user);
    return json_out_reply(r, 200, &o);
}

const struct operation users_me_operation = {.run = run};
