/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/tokens/{id}: a token for scripts ends at once; never another user's. */
#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "api/token_request.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct token_record token;
    uint8_t id[SG_TOKEN_ID_SIZE];
    enum sg_err err = token_request_id(r, id);

    if (err == SG_OK)
        err = scripttokens_remove(api->identity, request_principal(r), id, &token);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_TOKEN_REVOKED, token.name, SG_OK);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation tokens_delete_operation = {.run = run};
