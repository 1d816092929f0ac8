/* SPDX-License-Identifier: Apache-2.0 */
/* secctl who: shows who is listening. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>

static enum cli_status fetch(struct cli *cli, const char *space, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf target = {0};

    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    message_target(&target, "/v1/chat/", space, "/presence");
    if (target.failed)
        return report_error(SG_CLI_USAGE, NULL, "that is no space");
    return api_call(cli, SG_API_USER, "GET", buf_str(&target), NULL, space, ret);
}

static void add_rows(struct table *table, const char *space, struct json_object *answer)
{
    struct json_object *present = json_array(answer, "present");

    for (size_t i = 0; present && i < json_object_array_length(present); i++) {
        struct json_object *p = json_object_array_get_idx(present, i);
        char since[SG_TEXT_SIZE] = "?";
        int64_t when;

        if (text_parse_time(json_text(p, "since", ""), &when))
            text_datetime(when, since);
        table_row(table, (const char *[]){space, since, json_text(p, "username", "?")}, NULL);
    }
}

static enum cli_status one(struct cli *cli, const char *space, struct table *table)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status = fetch(cli, space, &answer);

    if (status != SG_CLI_OK)
        return status;
    if (!cli->options.json) {
        add_rows(table, space, answer);
        return SG_CLI_OK;
    }
    SG_JSON_CLEANUP struct json_object *line = json_object_new_object();
    if (!json_put_text(line, "space", space) ||
        !json_put(line, "present", json_object_get(json_array(answer, "present"))) ||
        !json_put_int(line, "count", json_int(answer, "count", 0)))
        return report_no_memory();
    json_print(line);
    return SG_CLI_OK;
}

static enum cli_status all(struct cli *cli, struct table *table)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status =
        api_call(cli, SG_API_USER, "GET", "/v1/spaces", NULL, "spaces", &answer);
    struct json_object *spaces = json_array(answer, "spaces");

    for (size_t i = 0; status == SG_CLI_OK && spaces && i < json_object_array_length(spaces); i++) {
        struct json_object *space = json_object_array_get_idx(spaces, i);

        status = one(cli, json_text(space, "name", ""), table);
        if (term_interrupted())
            break;
    }
    return status;
}

enum cli_status cmd_who(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf space = {0};
    struct table table;
    enum cli_status status = args_expect(args, 0, 1, NULL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    table_init(&table, 3, "");
    buf_init(&space, SG_REMOTE_PATH_MAX);
    if (args->n_operands)
        message_space(&space, args->operands[0]);
    if (!cli->options.json)
        table_row(&table, (const char *[]){"SPACE", "SINCE", "NAME"}, NULL);
    status = args->n_operands ? one(cli, buf_str(&space), &table) : all(cli, &table);
    /* Beside an error, a heading alone says nothing. */
    if (status == SG_CLI_OK || table.rows > 1)
        table_print(&table);
    table_fini(&table);
    return status;
}
