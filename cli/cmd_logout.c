/* SPDX-License-Identifier: Apache-2.0 */
/* secctl logout: ends the session on the gateway and forgets it here. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"

#include <json-c/json.h>

static enum cli_status tell_gateway(struct cli *cli)
{
    struct http_call call = {0};
    struct http_request request = {.method = "DELETE", .target = "/v1/sessions/current"};
    enum cli_status status = api_perform(cli, SG_API_USER, &request, &call);

    /* A session that is over already is what was wanted. */
    if (status == SG_CLI_OK && !http_call_ok(&call) && call.status != 401 && call.status != 404)
        status = report_call(cli, &call, "logout");
    http_call_fini(&call);
    return status;
}

enum cli_status cmd_logout(struct cli *cli, const struct args *args)
{
    enum cli_status status = args_expect(args, 0, 0, NULL);
    bool local = args_has(args, SG_ARG_LOCAL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = session_expect(cli->session, "logout");
    if (status == SG_CLI_OK && !local)
        status = tell_gateway(cli);
    /* Nothing is left to end when the session is over; it was reported. */
    if (status == SG_CLI_OK || (status == SG_CLI_REFUSED && !session_exists(cli->session)))
        status = cli_worse(status, session_forget(cli));
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "logged_out", true))
            json_print(json);
    } else if (!cli->options.quiet) {
        term_line("Logged out of %s.", cli->profile->url);
    }
    return SG_CLI_OK;
}
