/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what a command needs to talk to a gateway: profile, trust, connection, session. */
#ifndef SG_CLI_CONNECT_H
#define SG_CLI_CONNECT_H

#include "cli/cli.h"

/*
 * Fills in cli->profile, cli->http and cli->session. `url` is the address that the command names
 * (NULL: --url, the profile's, the default). With `renew` (login, signup) the profile may move to
 * another address or CA, which needs trust anew and forgets the old session; all other commands
 * refuse that. Everything is reported.
 */
enum cli_status connect_open(struct cli *cli, const char *url, bool renew) SG_CLI_MUST_CHECK;

/* As connect_open, for the session of the sealed channel; with `channel` everything goes through
 * that. */
enum cli_status connect_open_sealed(struct cli *cli, bool channel) SG_CLI_MUST_CHECK;

/* Closes whatever is open. */
void connect_close(struct cli *cli);

#endif
