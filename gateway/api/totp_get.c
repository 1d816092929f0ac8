/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/users/me/totp: whether a code is asked for at my logins. */
#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/identity.h"
#include "core/secondfactor.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct secondfactor_state state;
    struct json_out o;
    enum sg_err err = secondfactor_state(api->factors, who->user_id, &state);

    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_RECORD_MAX);
    json_out_object(&o, NULL);
    json_out_boolean(&o, "enabled", state.enabled);
    if (state.enabled)
        json_out_time(&o, "created_at", state.created_ns);
    json_out_integer(&o, "recovery_codes", (int64_t)state.recovery_codes);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

const struct operation totp_get_operation = {.run = run};
