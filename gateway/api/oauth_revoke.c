/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/oauth/revoke: the end of a token (RFC 7009). Whoever has it may end it; a client that
 * names itself must be the one it was given to. */
#include "api/audit_act.h"
#include "api/oauth_request.h"
#include "api/operations.h"
#include "http/request.h"

static void note(struct request *r, const struct inspected *what)
{
    static const char *const kinds[] = {
        [SG_TOKEN_ACCESS] = "access", [SG_TOKEN_REFRESH] = "refresh", [SG_TOKEN_SCRIPT] = "script"};
    struct audit_act act;

    audit_act_fill(r, SG_AUDIT_TOKEN_REVOKED, what->who.user, SG_OK, &act);
    act.actor = what->who.user;
    act.session = what->who.scripted ? NULL : what->who.session_id;
    audit_act_text(&act, "kind", kinds[what->kind]);
    audit_act_text(&act, "audience", what->audience);
    audit_act_note(r, &act);
}

static enum sg_err serve(struct request *r, const struct form_field *fields,
                         struct oauth_refusal *refusal)
{
    const struct api *api = request_app(r);
    struct oauth_client client;
    struct inspected what;
    bool given = false, done = false;
    enum sg_err err =
        oauth_client_of(r, fields[1].value, fields[2].value, &client, &given, refusal);

    if (err != SG_OK)
        return err;
    if (fields[0].value == NULL) {
        refusal->error = "invalid_request";
        refusal->description = "token is missing.";
        return SG_ERR_BAD_REQUEST;
    }
    err = oauth_revoke(api->oauth, fields[0].value, given ? &client : NULL, &what, &done, refusal);
    if (err != SG_OK)
        return err;
    if (done)
        note(r, &what);
    reply_header(r, "Cache-Control", "no-store");
    reply_empty(r, 200);
    return SG_OK;
}

static enum sg_err run(struct request *r)
{
    struct form_field fields[] = {
        {.name = "token"}, {.name = "client_id"}, {.name = "client_secret"}};
    struct oauth_refusal refusal = {0};
    enum sg_err err = oauth_form(r, fields, 3, &refusal);

    if (err == SG_OK)
        err = serve(r, fields, &refusal);
    oauth_form_wipe(fields, 3);
    return oauth_answer(r, err, &refusal);
}

const struct operation oauth_revoke_operation = {.run = run};
