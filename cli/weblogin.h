/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in with the browser of this or another machine: the device grant (RFC 8628). */
#ifndef SG_CLI_WEBLOGIN_H
#define SG_CLI_WEBLOGIN_H

#include "cli/cli.h"

/* Shows address and code, opens a browser where there is one, and waits until somebody has decided.
 * `scopes` (NULL: all) is a list with commas or spaces. */
enum cli_status weblogin(struct cli *cli, const char *scopes) SG_CLI_MUST_CHECK;

#endif
