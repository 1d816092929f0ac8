/* SPDX-License-Identifier: Apache-2.0 */
/* secctl invite: makes an invitation that works once. */
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <stdio.h>

static void show(struct cli *cli, struct json_object *invite)
{
    char until[SG_TEXT_SIZE] = "?";
    int64_t when;

    if (text_parse_time(json_text(invite, "expires_at", ""), &when))
        text_datetime(when, until);
    term_line("%s", json_text(invite, "code", "?"));
    term_note("  for one %s, until %s; to use it:", json_text(invite, "role", "?"), until);
    term_note("  secctl signup %s --code %s", cli->profile->url, json_text(invite, "code", "?"));
}

enum cli_status cmd_invite(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    SG_JSON_CLEANUP struct json_object *invite = NULL;
    const char *role = args_get(args, SG_ARG_ROLE), *expires = args_get(args, SG_ARG_EXPIRES);
    int64_t seconds = 0;
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK && expires && !text_parse_duration(expires, &seconds))
        status = report_error(SG_CLI_USAGE, "write it as 90s, 15m, 12h, 7d or 2w",
                              "\"%s\" is no length of time", expires);
    if (status == SG_CLI_OK && ((role && !json_put_text(body, "role", role)) ||
                                (expires && !json_put_int(body, "expires_in", seconds))))
        status = report_no_memory();
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "POST", "/v1/invites", body, "invite", &invite);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(invite);
    else
        show(cli, invite);
    return SG_CLI_OK;
}
