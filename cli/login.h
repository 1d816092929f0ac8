/* SPDX-License-Identifier: Apache-2.0 */
/* What login and signup share: whose name it is, and making the session. */
#ifndef SG_CLI_LOGIN_H
#define SG_CLI_LOGIN_H

#include "cli/cli.h"

#define SG_LOGIN_NAME_SIZE 257

/*
 * The user's name: `given` (-u), else the profile's last one, else asked on a terminal.
 * `use_last` is false where another name than the last is wanted (signup).
 */
enum cli_status login_username(struct cli *cli, const char *given, bool use_last,
                               char ret[SG_LOGIN_NAME_SIZE]) SG_CLI_MUST_CHECK;

/* Makes a session, keeps it in the profile and says so. */
enum cli_status login_create(struct cli *cli, const char *username,
                             const char *password) SG_CLI_MUST_CHECK;

#endif
