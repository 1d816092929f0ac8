/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE /v1/passkeys/{id}: nobody logs in with it any more, and the sessions that it opened end.
 */
#include <string.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "api/operations.h"
#include "base/encode.h"
#include "core/identity.h"
#include "core/passkeys.h"
#include "http/request.h"

struct removal {
    struct passkeys *passkeys;
    int64_t user_id;
    uint8_t id[SG_PASSKEY_ID_MAX];
    size_t len;
};

static enum sg_err remove_it(void *ctx)
{
    const struct removal *removal = ctx;

    return passkeys_remove(removal->passkeys, removal->user_id, removal->id, removal->len);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct removal removal = {.passkeys = api->passkeys, .user_id = who->user_id};
    const char *text;
    enum sg_err err = request_param(r, "id", &text);

    if (err != SG_OK)
        return err;
    if (encode_unbase64url(text, strlen(text), removal.id, sizeof removal.id, &removal.len) !=
            SG_OK ||
        removal.len == 0)
        return SG_ERR_NOT_FOUND;
    err = identity_ending_by(api->identity, who->user_id, remove_it, &removal);
    if (err != SG_OK)
        return err;
    audit_act(r, SG_AUDIT_PASSKEY_REMOVED, text, SG_OK);
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation passkeys_delete_operation = {.run = run};
