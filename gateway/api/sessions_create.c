/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/sessions: login by password, client certificate or passkey, with a sealed channel if one
 * is asked for; passwords, codes and tokens are wiped once they have been used. */
#include <string.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/audit_act.h"
#include "api/channel_json.h"
#include "api/client_request.h"
#include "api/json_in.h"
#include "api/login_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "base/secret.h"
#include "core/channels.h"
#include "core/dpop.h"
#include "core/secondfactor.h"
#include "http/request.h"

#define ANSWER_MAX                                                                                 \
    (SG_TOKEN_SIZE + SG_REFRESH_TOKEN_SIZE + SG_RECORD_MAX + SG_CHANNEL_JSON_MAX) /* bytes */

static enum sg_err reply(struct request *r, const struct grant *grant,
                         const struct channel_offer *offer)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_hex(&o, "session_id", grant->session.id, sizeof grant->session.id);
    json_out_string(&o, "method", identity_method_name(grant->session.method));
    json_out_string(&o, "token", grant->access_token);
    json_out_string(&o, "token_type", grant->session.has_dpop ? "DPoP" : "Bearer");
    json_out_integer(&o, "expires_in", grant->expires_in_s);
    json_out_string(&o, "refresh_token", grant->refresh_token);
    json_out_time(&o, "expires_at", grant->session.expires_ns);
    json_out_integer(&o, "sequence", (int64_t)grant->session.sequence);
    records_user(&o, "user", &grant->user);
    if (offer != NULL)
        channel_json_offer(&o, "channel", offer);
    json_out_close(&o, '}');
    return json_out_reply(r, 201, &o);
}

/* Which second factors the user has, who has shown the right password. */
static void put_methods(struct request *r, const char *username)
{
    const struct api *api = request_app(r);
    struct secondfactor_state state;
    struct user_record user;

    if (identity_user(api->identity, username, &user) != SG_OK ||
        secondfactor_state(api->factors, user.id, &state) != SG_OK)
        return;
    if (state.passkeys > 0)
        request_problem(r, state.recovery_codes > 0
                               ? "\"methods\":[\"totp\",\"recovery\",\"passkey\"]"
                               : "\"methods\":[\"totp\",\"passkey\"]");
    else
        request_problem(r, state.recovery_codes > 0 ? "\"methods\":[\"totp\",\"recovery\"]"
                                                    : "\"methods\":[\"totp\"]");
}

/* Only names that can be names: people type passwords there. Without a name, who it was is known
 * of proofs that were right: of somebody who is disabled, with a passkey that may be a copy. */
static void note_failure(struct request *r, const struct login *login, enum sg_err err)
{
    const struct api *api = request_app(r);
    const char *name = login->username;
    struct user_record user;
    struct audit_act act;

    if (name == NULL && login->user_id > 0 &&
        identity_user_by_id(api->identity, login->user_id, &user) == SG_OK)
        name = user.name;
    audit_act_fill(r, SG_AUDIT_LOGIN_FAILED,
                   name != NULL && identity_user_name_ok(name) ? name : NULL, err, &act);
    audit_act_text(&act, "method", identity_method_name(login->method));
    audit_act_note(r, &act);
}

static void note_act(struct request *r, const struct grant *grant, enum audit_type type,
                     const char *method)
{
    struct audit_act act;

    audit_act_fill(r, type, NULL, SG_OK, &act);
    act.actor = grant->user.name;
    act.session = grant->session.id;
    audit_act_text(&act, "method", method);
    audit_act_note(r, &act);
}

static enum sg_err refuse(struct request *r, const struct login *login, enum sg_err err,
                          unsigned wait_s)
{
    if (err == SG_ERR_FACTOR_NEEDED)
        put_methods(r, login->username);
    else if (err_status(err) == 401 || err_status(err) == 403 || err == SG_ERR_THROTTLED)
        note_failure(r, login, err);
    return answer_error(r, err, wait_s);
}

/* The session is there: its channel, if one was asked for, and the answer. */
static enum sg_err open_channel(struct request *r, const struct login_in *in,
                                const struct grant *grant)
{
    const struct api *api = request_app(r);
    struct channel_offer offer;
    enum sg_err err;

    if (!in->has_channel)
        return reply(r, grant, NULL);
    err = channels_open(api->channels, &grant->session, in->has_public_key ? in->public_key : NULL,
                        &offer);
    if (err == SG_OK) {
        err = reply(r, grant, &offer);
        secret_wipe(&offer, sizeof offer);
    } else if (err == SG_ERR_BAD_FIELD) {
        err = request_fail(r, err, "channel.public_key: is not a key of X25519");
    }
    return err;
}

static enum sg_err log_in(struct request *r, const struct login_in *in, const struct login *login)
{
    const struct api *api = request_app(r);
    struct grant grant;
    unsigned wait_s = 0;
    enum sg_err err = identity_login(api->identity, login, &grant, &wait_s);

    if (err != SG_OK)
        return refuse(r, login, err, wait_s);
    if (grant.recovery_used) /* whatever becomes of the session */
        note_act(r, &grant, SG_AUDIT_RECOVERY_USED, NULL);
    err = open_channel(r, in, &grant);
    if (err == SG_OK) {
        note_act(r, &grant, SG_AUDIT_LOGIN, identity_method_name(grant.session.method));
    } else {
        enum sg_err ended =
            identity_end_session(api->identity, grant.session.id, grant.session.user_id);
        (void)ended; /* its tokens were not given out */
    }
    secret_wipe(&grant, sizeof grant);
    return err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct login_in in = {.username = NULL};
    struct login login = {.method = SG_METHOD_PASSWORD};
    struct client_request client;
    enum sg_err err = login_in_read(r, &in);

    if (err == SG_OK)
        err = login_in_who(r, &in, &client, &login);
    if (err == SG_OK && in.has_channel) {
        login.lifetime_s = channels_session_s(api->channels);
        login.bind_address = channels_bind_address(api->channels, in.has_bind, in.bind_address);
    }
    if (err == SG_OK)
        err = log_in(r, &in, &login);
    else if (err == SG_ERR_PROOF_NONCE) /* nobody has failed yet */
        err = answer_error(r, err, 0);
    else if (err_status(err) == 401 || err_status(err) == 403 || err == SG_ERR_THROTTLED)
        err = refuse(r, &login, err, SG_DPOP_AGE_S);
    json_in_wipe(in.password);
    json_in_wipe(in.code);
    return err;
}

const struct operation sessions_create_operation = {.run = run};
