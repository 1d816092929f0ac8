/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a profile: its tokens, kept in session.json, renewed before they expire and when
 * the gateway does not take them any more. Renewal is under a lock, so that processes that run at
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
};

/* Reads the profile's session; a new one without tokens when there is none. NULL: no memory. */
struct session *session_open(const struct profile *profile);
void session_close(struct session *session);

/* Whether somebody is logged in, as far as this machine knows. */
bool session_exists(const struct session *session);

/*
 * The token to use, renewed if need be. `rejected` is one that the gateway has just refused (NULL:
 * none); it is never returned again. Borrowed until the next call. SG_CLI_REFUSED when nobody is
 * logged in or the session is over; all is reported.
 */
enum cli_status session_token(struct cli *cli, const char *rejected,
                              const char **ret) SG_CLI_MUST_CHECK;

/* Keeps what sessions_create has answered. */
enum cli_status session_store(struct cli *cli, struct json_object *created) SG_CLI_MUST_CHECK;

/* Forgets the session on this machine. */
enum cli_status session_forget(struct cli *cli) SG_CLI_MUST_CHECK;

#endif
