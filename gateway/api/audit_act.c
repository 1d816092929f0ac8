/* SPDX-License-Identifier: Apache-2.0 */
/* Makes notes for the audit log of requests. It decides nothing and answers nothing. */
#include "api/audit_act.h"

#include <string.h>

#include "api/api.h"
#include "base/encode.h"
#include "core/identity.h"
#include "http/request.h"

#define OWN_CLIENT "secgate" /* of tokens that no client asked for */

void audit_act_text(struct audit_act *act, const char *name, const char *text)
{
    if (text != NULL && act->detail_count < SG_AUDIT_DETAILS)
        act->detail[act->detail_count++] = (struct audit_detail){.name = name, .text = text};
}

void audit_act_number(struct audit_act *act, const char *name, int64_t number)
{
    if (act->detail_count < SG_AUDIT_DETAILS)
        act->detail[act->detail_count++] = (struct audit_detail){.name = name, .number = number};
}

/* Who acts with less than a login is told apart. */
static void fill_authority(struct request *r, const struct principal *who, struct audit_act *act)
{
    char *id;

    if (who->scripted) { /* or was exchanged for a token that is */
        id = arena_alloc(request_arena(r), SG_HEX_SIZE(SG_TOKEN_ID_SIZE));
        if (id != NULL)
            encode_hex(who->token_id, SG_TOKEN_ID_SIZE, id);
        audit_act_text(act, "token", id);
    } else {
        act->session = who->session_id;
    }
    if (who->actor[0] != 0)
        audit_act_text(act, "acting", who->actor);
    if (who->client_id[0] != 0 && strcmp(who->client_id, OWN_CLIENT) != 0)
        audit_act_text(act, "client", who->client_id);
}

void audit_act_fill(struct request *r, enum audit_type type, const char *subject,
                    enum sg_err result, struct audit_act *ret)
{
    const struct principal *who = request_principal(r);

    memset(ret, 0, sizeof *ret);
    ret->type = type;
    ret->actor = who != NULL ? who->user : "";
    ret->subject = subject;
    ret->address = request_address(r);
    ret->request_id = request_id(r);
    ret->result = result;
    if (who != NULL)
        fill_authority(r, who, ret);
}

void audit_act_note(struct request *r, const struct audit_act *act)
{
    const struct api *api = request_app(r);

    if (act->result == SG_OK)
        audit_note(api->audit, act);
    else if (request_principal(r) != NULL)
        audit_note_attempt(api->audit, act);
    else
        audit_note_failure(api->audit, act);
}

void audit_act_detail(struct request *r, enum audit_type type, const char *subject,
                      enum sg_err result, const char *name, const char *text)
{
    struct audit_act act;

    audit_act_fill(r, type, subject, result, &act);
    audit_act_text(&act, name, text);
    audit_act_note(r, &act);
}

void audit_act(struct request *r, enum audit_type type, const char *subject, enum sg_err result)
{
    audit_act_detail(r, type, subject, result, "", NULL);
}

void audit_act_member(struct request *r, const char *space, const char *user, const char *role)
{
    struct audit_act act;

    audit_act_fill(r, SG_AUDIT_MEMBER_CHANGED, user, SG_OK, &act);
    audit_act_text(&act, "space", space);
    audit_act_text(&act, "role", role);
    audit_act_note(r, &act);
}
