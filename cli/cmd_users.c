/* SPDX-License-Identifier: Apache-2.0 */
/* secctl users: what an admin does with users. */
#include "base/buf.h"
#include "base/encode.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <string.h>
#include <strings.h>

static void add_row(struct table *table, struct json_object *u)
{
    char created[SG_TEXT_SIZE];

    list_time(u, "created_at", created);
    table_row(table,
              (const char *[]){json_text(u, "role", "?"),
                               json_truth(u, "disabled", false) ? "disabled" : "active", created,
                               json_text(u, "username", "?")},
              NULL);
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {.key = "users",
                                          .paged = true,
                                          .titles = {"ROLE", "STATE", "CREATED", "NAME"},
                                          .row = add_row};

    (void)args;
    return list_show(cli, "/v1/users", NULL, &view);
}

static void user_target(const char *name, struct buf *target)
{
    buf_init(target, 4096);
    buf_puts(target, "/v1/users/");
    encode_percent(target, name, strlen(name), 0);
}

/* Sends the change; takes `body`. */
static enum cli_status update(struct cli *cli, const char *name, struct json_object *body)
{
    SG_JSON_CLEANUP struct json_object *user = NULL;
    SG_BUF_CLEANUP struct buf target = {0};

    user_target(name, &target);
    enum cli_status status =
        api_call(cli, SG_API_USER, "PATCH", buf_str(&target), body, name, &user);
    json_cleanup(&body);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(user);
    else if (!cli->options.quiet)
        term_line("%s is %s, %s", json_text(user, "username", name), json_text(user, "role", "?"),
                  json_truth(user, "disabled", false) ? "disabled" : "active");
    return SG_CLI_OK;
}

static enum cli_status set_role(struct cli *cli, const struct args *args)
{
    struct json_object *body = json_object_new_object();
    const char *role = args_get(args, SG_ARG_ROLE);

    if (!json_put_text(body, "role", role)) {
        json_cleanup(&body);
        return report_no_memory();
    }
    return update(cli, args->operands[1], body);
}

static enum cli_status set_disabled(struct cli *cli, const char *name, bool disabled)
{
    struct json_object *body = json_object_new_object();

    if (!json_put_bool(body, "disabled", disabled)) {
        json_cleanup(&body);
        return report_no_memory();
    }
    return update(cli, name, body);
}

static enum cli_status disable(struct cli *cli, const struct args *args)
{
    return set_disabled(cli, args->operands[1], true);
}

static enum cli_status enable(struct cli *cli, const struct args *args)
{
    return set_disabled(cli, args->operands[1], false);
}

/* Takes codes, recovery codes and passkeys away: for who has lost them. */
static enum cli_status reset(struct cli *cli, const struct args *args)
{
    struct json_object *body = json_object_new_object();

    if (!json_put_bool(body, "reset_second_factor", true)) {
        json_cleanup(&body);
        return report_no_memory();
    }
    return update(cli, args->operands[1], body);
}

static enum cli_status confirm(const struct args *args)
{
    char answer[SG_TERM_LINE_MAX];

    if (args_has(args, 'y'))
        return SG_CLI_OK;
    if (!term_can_ask())
        return report_error(SG_CLI_USAGE, "add --yes",
                            "the user's own space is deleted, too; be sure");
    term_warn("The user %s and all files in ~%s will be deleted.", args->operands[1],
              args->operands[1]);
    enum cli_status status = term_ask("Go on (yes/no)? ", answer, sizeof(answer));
    if (status == SG_CLI_OK && strcasecmp(answer, "yes") == 0)
        return SG_CLI_OK;
    return status == SG_CLI_INTERRUPTED ? status
                                        : report_error(SG_CLI_USAGE, NULL, "nothing was deleted");
}

static enum cli_status delete_user(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf target = {0};
    const char *name = args->operands[1];
    enum cli_status status = confirm(args);

    user_target(name, &target);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "DELETE", buf_str(&target), NULL, name, NULL);
    if (status == SG_CLI_OK && cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "username", name) && json_put_bool(json, "deleted", true))
            json_print(json);
    }
    return status;
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL, NULL, list},
    {"set", false, 1, 1, "NAME", SG_VERB_OPTIONS(SG_ARG_ROLE), set_role},
    {"disable", false, 1, 1, "NAME", NULL, disable},
    {"enable", false, 1, 1, "NAME", NULL, enable},
    {"reset", false, 1, 1, "NAME", NULL, reset},
    {"rm", false, 1, 1, "NAME", SG_VERB_OPTIONS('y'), delete_user},
    {.name = NULL}};

enum cli_status cmd_users(struct cli *cli, const struct args *args)
{
    const struct verb *verb = NULL;
    enum cli_status status = verb_choose(cli, args, verbs, &verb);

    if (status == SG_CLI_OK && verb->run == set_role && !args_has(args, SG_ARG_ROLE))
        status =
            report_error(SG_CLI_USAGE, "secctl users set NAME --role member", "--role is missing");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? verb->run(cli, args) : status;
}
