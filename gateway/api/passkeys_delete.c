/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/passkeys/{id}: nobody logs in with it any more. */
#include <string.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "base/encode.h"
#include "core/identity.h"
#include "core/passkeys.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    uint8_t id[SG_PASSKEY_ID_MAX];
    const char *text;
    size_t len = 0;
    enum sg_err err = request_param(r, "id", &text);

    if (err != SG_OK)
        return err;
    if (encode_unbase64url(text, strlen(text), id, sizeof id, &len) != SG_OK || len == 0)
        return SG_ERR_NOT_FOUND;
    err = passkeys_remove(api->passkeys, who->user_id, id, len);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_PASSKEY_REMOVED, text, SG_OK);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation passkeys_delete_operation = {.run = run};
