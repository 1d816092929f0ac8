/* SPDX-License-Identifier: Apache-2.0 */
/* What login, signup and session open share: whose name it is, and making the session. */
#ifndef SG_CLI_LOGIN_H
#define SG_CLI_LOGIN_H

#include "cli/cli.h"

#define SG_LOGIN_NAME_SIZE 257

struct json_object;

/* How to log in. */
struct login {
    const char *username; /* NULL: by the profile's certificate */
    const char *password;
    const char *code_file; /* of the second factor, if one is wanted; NULL: asked on a terminal */
    bool sealed;           /* with a sealed channel */
    bool forget_identity;  /* take the gateway's identity key as it is now */
};

/*
 * The user's name: `given` (-u), else the profile's last one, else asked on a terminal.
 * `use_last` is false where another name than the last is wanted (signup).
 */
enum cli_status login_username(struct cli *cli, const char *given, bool use_last,
                               char ret[SG_LOGIN_NAME_SIZE]) SG_CLI_MUST_CHECK;

/* Makes a session, keeps it in the profile and says so. */
enum cli_status login_create(struct cli *cli, const struct login *login) SG_CLI_MUST_CHECK;

/* Keeps a session that was made, ends the one that was there before, and says so. `client_id`: as
 * of session_store. */
enum cli_status login_keep(struct cli *cli, struct json_object *created,
                           const char *client_id) SG_CLI_MUST_CHECK;

/* The code of the second factor: the first line of `file`, or with NULL asked on a terminal. */
enum cli_status login_code(const char *file, const char *question,
                           char ret[SG_LOGIN_NAME_SIZE]) SG_CLI_MUST_CHECK;

#endif
