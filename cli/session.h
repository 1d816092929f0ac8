/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a profile: its tokens, kept in session.json, renewed before they expire and when
 * the gateway does not take them any more; when it is over and the profile has a certificate, a new
 * session is made by that. Renewal is under a lock, so that processes that run at
 * the same time use one successor.
 */
#ifndef SG_CLI_SESSION_H
#define SG_CLI_SESSION_H

#include "cli/cli.h"

#include <stdint.h>

struct json_object;

struct session {
    char *id;
    char *username;
    char *token;
    char *refresh_token;
    int64_t token_expires_at; /* seconds since 1970, by this machine's clock */
    int64_t token_renew_at;   /* when to get a new one */
    int64_t expires_at;       /* end of the session, by the gateway's clock */
    char *client_id;          /* of OAuth, when the session was made by it; else NULL */
    bool script;              /* there is no session: `token` is a script token, used as it is */
    bool may_pass;            /* what kept session_token from its token, so that it can be tried
                                 again */
};

#define SG_SESSION_SCRIPT_ADVICE "make another one: secctl tokens create NAME --scopes LIST"

/* Reads the profile's session; a new one without tokens when there is none. NULL: no memory. */
struct session *session_open(const struct profile *profile);
void session_close(struct session *session);

/* Uses the script token in `file` ("-": the next line of standard input), or with NULL in
 * $SECGATE_TOKEN, if there is one, instead of a session. SG_CLI_USAGE, reported. */
enum cli_status session_use_script_token(struct session *session,
                                         const char *file) SG_CLI_MUST_CHECK;

/* Reports SG_CLI_USAGE when a script token is in use: `what` needs a session. */
enum cli_status session_expect(const struct session *session, const char *what) SG_CLI_MUST_CHECK;

/* Whether somebody is logged in, as far as this machine knows. */
bool session_exists(const struct session *session);

/*
 * The token to use, renewed if need be. `rejected` is one that the gateway has just refused (NULL:
 * none); it is never returned again. Borrowed until the next call. SG_CLI_REFUSED when nobody is
 * logged in or the session is over; all is reported.
 */
enum cli_status session_token(struct cli *cli, const char *rejected,
                              const char **ret) SG_CLI_MUST_CHECK;

/* {"name": this machine} for sessions_create; NULL without memory. */
struct json_object *session_device(void);

/* Keeps what sessions_create has answered; or with `client_id` a token endpoint, with the members
 * of the session added. */
enum cli_status session_store(struct cli *cli, struct json_object *created,
                              const char *client_id) SG_CLI_MUST_CHECK;

/* Ends the session of `token` on the gateway, which would go on unused; false, not reported, if
 * that cannot be. */
bool session_end(struct cli *cli, const char *token);

/* What to do when there is no session any more. */
const char *session_advice(const struct cli *cli);

/* Forgets the session on this machine. */
enum cli_status session_forget(struct cli *cli) SG_CLI_MUST_CHECK;

#endif
