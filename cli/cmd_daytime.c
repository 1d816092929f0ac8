/* SPDX-License-Identifier: Apache-2.0 */
/* secctl daytime: shows the gateway's time. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"

enum cli_status cmd_daytime(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *time = NULL;
    SG_BUF_CLEANUP struct buf target = {0};
    const char *zone = args_get(args, SG_ARG_TZ);
    enum cli_status status = args_expect(args, 0, 0, NULL);

    buf_init(&target, 4096);
    buf_puts(&target, "/v1/daytime");
    if (zone)
        remote_query(&target, "tz", zone);
    if (status == SG_CLI_OK && target.failed)
        status = report_error(SG_CLI_USAGE, NULL, "that is no time zone");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_PUBLIC, "GET", buf_str(&target), NULL, "daytime", &time);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(time);
    else
        term_line("%s", json_text(time, "daytime", "?"));
    return SG_CLI_OK;
}
