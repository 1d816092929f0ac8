/* SPDX-License-Identifier: Apache-2.0 */
/* secctl whoami: shows who is logged in. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/term.h"

enum cli_status cmd_whoami(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *user = NULL;
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "GET", "/v1/users/me", NULL, "whoami", &user);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(user);
    else
        term_line("%s (%s)", json_text(user, "username", "?"), json_text(user, "role", "?"));
    return SG_CLI_OK;
}
