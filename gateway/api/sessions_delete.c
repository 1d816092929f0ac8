/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/sessions/{id}: logout (CLOSE), at once; never of another user's session. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "api/session_request.h"
#include "base/encode.h"
#include "core/identity.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    char hex[SG_HEX_SIZE(SG_SESSION_ID_SIZE)];
    uint8_t id[SG_SESSION_ID_SIZE];
    enum sg_err err = session_request_mine(r, id);

    if (err == SG_OK)
        err = identity_logout(api->identity, request_principal(r), id);
    if (err != SG_OK)
        return err;
    encode_hex(id, sizeof id, hex);
    audit_act(r, SG_AUDIT_LOGOUT, hex, SG_OK);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation sessions_delete_operation = {.run = run};
