/* SPDX-License-Identifier: Apache-2.0 */
/* secctl members and leave: who is in a space. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <string.h>

/* The members of a space, or with `user` one of them. */
static enum cli_status member_target(const char *typed, const char *user, struct buf *space,
                                     struct buf *target)
{
    buf_init(space, SG_REMOTE_PATH_MAX);
    buf_init(target, 8 * SG_REMOTE_PATH_MAX);
    message_space(space, typed);
    message_target(target, "/v1/spaces/", buf_str(space), "/members");
    if (user)
        message_target(target, "/", user, "");
    return space->failed || target->failed
               ? report_error(SG_CLI_USAGE, NULL, "there is no such space or user")
               : SG_CLI_OK;
}

static void add_row(struct table *table, struct json_object *m)
{
    char added[SG_TEXT_SIZE];

    list_time(m, "added_at", added);
    table_row(table,
              (const char *[]){json_text(m, "role", "?"), added, json_text(m, "username", "?")},
              NULL);
}

static enum cli_status list(struct cli *cli, const char *typed)
{
    static const struct list_view view = {
        .key = "members", .paged = true, .titles = {"ROLE", "ADDED", "NAME"}, .row = add_row};
    SG_BUF_CLEANUP struct buf space = {0}, target = {0};
    enum cli_status status = member_target(typed, NULL, &space, &target);

    return status == SG_CLI_OK ? list_show(cli, buf_str(&target), buf_str(&space), &view) : status;
}

static enum cli_status put(struct cli *cli, const char *typed, const char *user, const char *role)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object(), *member = NULL;
    SG_BUF_CLEANUP struct buf space = {0}, target = {0};
    enum cli_status status = member_target(typed, user, &space, &target);

    if (status == SG_CLI_OK && !json_put_text(body, "role", role))
        status = report_no_memory();
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "PUT", buf_str(&target), body, user, &member);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(member);
    else if (!cli->options.quiet)
        term_line("%s is %s in %s", json_text(member, "username", user),
                  json_text(member, "role", "?"), buf_str(&space));
    return SG_CLI_OK;
}

static enum cli_status take_out(struct cli *cli, const char *typed, const char *user)
{
    SG_BUF_CLEANUP struct buf space = {0}, target = {0};
    enum cli_status status = member_target(typed, user, &space, &target);

    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "DELETE", buf_str(&target), NULL,
                          strcmp(user, "me") == 0 ? buf_str(&space) : user, NULL);
    if (status == SG_CLI_OK && cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "space", buf_str(&space)) &&
            json_put_text(json, "username", user) && json_put_bool(json, "removed", true))
            json_print(json);
    }
    return status;
}

static const struct {
    const char *name;
    size_t operands;
    bool has_role, needs_role;
} verbs[] = {{"list", 1, false, false},
             {"add", 2, true, false},
             {"set", 2, true, true},
             {"rm", 2, false, false}};

static enum cli_status expect_no_role(const struct args *args)
{
    if (!args_has(args, SG_ARG_ROLE))
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "secctl members set SPACE USER --role ROLE",
                        "--role belongs to add and set");
}

static enum cli_status check(const struct args *args, size_t verb)
{
    enum cli_status status = args_expect(args, verbs[verb].operands + 1, verbs[verb].operands + 1,
                                         verbs[verb].operands == 1 ? "SPACE" : "SPACE or USER");

    if (status != SG_CLI_OK)
        return status;
    if (verbs[verb].needs_role && !args_has(args, SG_ARG_ROLE))
        return report_error(SG_CLI_USAGE, "secctl members set SPACE USER --role reader",
                            "--role is missing");
    return SG_CLI_OK;
}

enum cli_status cmd_members(struct cli *cli, const struct args *args)
{
    const size_t count = sizeof(verbs) / sizeof(verbs[0]);
    const char *role = args_get(args, SG_ARG_ROLE);
    enum cli_status status = args_expect(args, 1, 3, "SPACE");
    size_t verb = 0;

    if (status != SG_CLI_OK)
        return status;
    while (verb < count && strcmp(verbs[verb].name, args->operands[0]) != 0)
        verb++;
    /* Without a verb it is a space; `members SPACE list` is taken, too. */
    if (verb == count && args->n_operands == 2 && strcmp(args->operands[1], "list") != 0)
        return report_error(SG_CLI_USAGE, "see: secctl members --help",
                            "members can be listed, add, set and rm, not \"%s\"",
                            args->operands[0]);
    status = verb < count ? check(args, verb) : args_expect(args, 1, 2, NULL);
    if (status == SG_CLI_OK && (verb == count || !verbs[verb].has_role))
        status = expect_no_role(args);
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    if (verb == count)
        return list(cli, args->operands[0]);
    if (verb == 0)
        return list(cli, args->operands[1]);
    if (verbs[verb].has_role)
        return put(cli, args->operands[1], args->operands[2], role ? role : "writer");
    return take_out(cli, args->operands[1], args->operands[2]);
}

enum cli_status cmd_leave(struct cli *cli, const struct args *args)
{
    enum cli_status status = args_expect(args, 1, 1, "SPACE");

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? take_out(cli, args->operands[0], "me") : status;
}
