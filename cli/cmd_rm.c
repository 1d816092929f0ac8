/* SPDX-License-Identifier: Apache-2.0 */
/* secctl rm: deletes files and, with -r, directories. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdint.h>

static enum cli_status remove_one(struct cli *cli, const char *typed, bool recursive)
{
    SG_BUF_CLEANUP struct buf path = {0}, target = {0};
    enum cli_status status;

    buf_init(&path, SG_REMOTE_PATH_MAX);
    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    remote_resolve(&path, typed);
    remote_target(&target, buf_str(&path));
    if (recursive)
        remote_query(&target, "recursive", "true");
    if (path.failed || target.failed)
        return report_error(SG_CLI_USAGE, NULL, "the path is too long");
    if (path.len == 0)
        return report_error(SG_CLI_USAGE, "name a path in one of them", "spaces cannot be deleted");
    status = api_call(cli, SG_API_USER, "DELETE", buf_str(&target), NULL, buf_str(&path), NULL);
    if (status == SG_CLI_OK && cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "path", buf_str(&path)) && json_put_bool(json, "deleted", true))
            json_print(json);
    }
    return status;
}

enum cli_status cmd_rm(struct cli *cli, const struct args *args)
{
    enum cli_status status = args_expect(args, 1, SIZE_MAX, "PATH");

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    for (size_t i = 0; i < args->n_operands && !term_interrupted(); i++)
        status = cli_worse(status, remove_one(cli, args->operands[i], args_has(args, 'r')));
    return status;
}
