/* SPDX-License-Identifier: Apache-2.0 */
/* secctl mv: moves or renames a file or directory. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/remote.h"
#include "cli/report.h"

#include <json-c/json.h>

/* Where it goes: TARGET, or TARGET/NAME when that ends in "/". */
static enum cli_status destination(const char *typed, const char *source, struct buf *ret)
{
    const char *name = NULL;
    size_t len = 0;

    remote_resolve(ret, typed);
    if (ret->len == 0)
        return report_error(SG_CLI_USAGE, "name a path in one of them",
                            "nothing can be moved to the list of spaces");
    if (remote_is_directory_name(buf_str(ret))) {
        remote_basename(source, &name, &len);
        buf_append(ret, name, len);
    }
    return ret->failed ? report_error(SG_CLI_USAGE, NULL, "the path is too long") : SG_CLI_OK;
}

static enum cli_status move(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf source = {0}, target = {0}, address = {0};
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object(), *entry = NULL;

    buf_init(&source, SG_REMOTE_PATH_MAX);
    buf_init(&target, SG_REMOTE_PATH_MAX);
    buf_init(&address, 4 * SG_REMOTE_PATH_MAX);
    remote_resolve(&source, args->operands[0]);
    while (source.len > 0 && buf_str(&source)[source.len - 1] == '/')
        source.data[--source.len] = 0;
    enum cli_status status = destination(args->operands[1], buf_str(&source), &target);
    if (status != SG_CLI_OK)
        return status;
    remote_target(&address, buf_str(&source));
    if (address.failed || source.failed)
        return report_error(SG_CLI_USAGE, NULL, "the path is too long");
    if (!json_put_text(body, "path", buf_str(&target)) ||
        !json_put_bool(body, "overwrite", args_has(args, 'f')))
        return report_no_memory();
    status = api_call(cli, SG_API_USER, "PATCH", buf_str(&address), body, buf_str(&source), &entry);
    if (status == SG_CLI_OK && cli->options.json)
        json_print(entry);
    return status;
}

enum cli_status cmd_mv(struct cli *cli, const struct args *args)
{
    enum cli_status status = args_expect(args, 2, 2, "SOURCE or TARGET");

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? move(cli, args) : status;
}
