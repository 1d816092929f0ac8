/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/sessions: the live sessions of the user, newest first; never another user's. */
#include <stdlib.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/records.h"
#include "http/request.h"

#define SESSIONS_MAX 1000 /* shown at most: the newest */

static enum sg_err reply(struct request *r, const struct session_record *sessions, size_t count)
{
    const struct principal *who = request_principal(r);
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX * (count + 1));
    json_out_object(&o, NULL);
    json_out_array(&o, "sessions");
    for (size_t i = 0; i < count; i++)
        records_session(&o, NULL, &sessions[i], who->session_id);
    json_out_close(&o, ']');
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct session_record *sessions = calloc(SESSIONS_MAX, sizeof *sessions);
    size_t count;
    enum sg_err err;

    if (sessions == NULL)
        return SG_ERR_NO_MEMORY;
    err = identity_sessions(api->identity, request_principal(r), SESSIONS_MAX, sessions, &count);
    if (err == SG_OK)
        err = reply(r, sessions, count);
    free(sessions);
    return err;
}

const struct operation sessions_list_operation = {.run = run};
