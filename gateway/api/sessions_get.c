/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/sessions/{id}: one session of the user; never another user's. */
#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "api/session_request.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    uint8_t id[SG_SESSION_ID_SIZE];
    struct session_record session;
    struct json_out o;
    enum sg_err err = session_request_mine(r, id);

    if (err == SG_OK)
        err = identity_session(api->identity, who, id, &session);
    if (err != SG_OK)
        return err;
    json_out_init(&o, SG_RECORD_MAX);
    records_session(&o, NULL, &session, who->session_id);
    return json_out_reply(r, 200, &o);
}

const struct operation sessions_get_operation = {.run = run};
