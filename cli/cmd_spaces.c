/* SPDX-License-Identifier: Apache-2.0 */
/* secctl spaces: lists spaces, makes, changes and deletes them. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* From so many on the gateway does not count. */
#define SG_SPACES_UNREAD_MAX 1000

static void add_row(struct table *table, struct json_object *s)
{
    int64_t unread = json_int(s, "unread", 0);
    char count[24];

    snprintf(count, sizeof(count), "%lld%s", (long long)unread,
             unread >= SG_SPACES_UNREAD_MAX ? "+" : "");
    table_row(table,
              (const char *[]){json_text(s, "kind", "?"), json_text(s, "role", "?"), count,
                               json_text(s, "name", "?"), json_text(s, "description", "")},
              NULL);
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {
        .key = "spaces",
        .titles = {"KIND", "ROLE", "UNREAD", "NAME", "DESCRIPTION"},
        .right = "2",
        .row = add_row};

    (void)args;
    return list_show(cli, "/v1/spaces", NULL, &view);
}

static void print_space(struct cli *cli, struct json_object *space, const char *done)
{
    if (cli->options.json)
        json_print(space);
    else if (!cli->options.quiet)
        term_line("%s %s", json_text(space, "name", "?"), done);
}

static enum cli_status create(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object(), *space = NULL;
    const char *description = args_get(args, SG_ARG_DESCRIPTION), *name = args->operands[1];

    if (!json_put_text(body, "name", name) ||
        (description && !json_put_text(body, "description", description)))
        return report_no_memory();
    enum cli_status status = api_call(cli, SG_API_USER, "POST", "/v1/spaces", body, name, &space);
    if (status == SG_CLI_OK)
        print_space(cli, space, "is there, and you own it");
    return status;
}

static enum cli_status space_target(const char *typed, struct buf *name, struct buf *target)
{
    buf_init(name, SG_REMOTE_PATH_MAX);
    buf_init(target, 4 * SG_REMOTE_PATH_MAX);
    message_space(name, typed);
    message_target(target, "/v1/spaces/", buf_str(name), "");
    return name->failed || target->failed ? report_error(SG_CLI_USAGE, NULL, "that is no space")
                                          : SG_CLI_OK;
}

/* --retention and --keep as members of the body; "default" is null. */
static enum cli_status add_retention(struct json_object *body, const struct args *args)
{
    const char *time = args_get(args, SG_ARG_RETENTION), *keep = args_get(args, SG_ARG_KEEP);
    struct json_object *retention = time || keep ? json_object_new_object() : NULL;
    int64_t seconds = 0, count = 0;
    bool ok = true;

    if (!retention)
        return SG_CLI_OK;
    if (!json_put(body, "retention", retention))
        return report_no_memory();
    if (time && strcmp(time, "default") == 0)
        ok = json_put_text(retention, "seconds", NULL);
    else if (time && !text_parse_duration(time, &seconds))
        return report_error(SG_CLI_USAGE, "such as 12h, 30d, 52w, or default",
                            "\"%s\" is no time to keep events", time);
    else if (time)
        ok = json_put_int(retention, "seconds", seconds);
    if (keep && strcmp(keep, "default") == 0)
        ok = ok && json_put_text(retention, "count", NULL);
    else if (keep && !message_number(keep, &count))
        return report_error(SG_CLI_USAGE, "such as 100000, or default",
                            "\"%s\" is no number of events to keep", keep);
    else if (keep)
        ok = ok && json_put_int(retention, "count", count);
    return ok ? SG_CLI_OK : report_no_memory();
}

static enum cli_status set(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object(), *space = NULL;
    SG_BUF_CLEANUP struct buf name = {0}, target = {0};
    const char *description = args_get(args, SG_ARG_DESCRIPTION);
    enum cli_status status = space_target(args->operands[1], &name, &target);

    if (status == SG_CLI_OK && description && !json_put_text(body, "description", description))
        status = report_no_memory();
    if (status == SG_CLI_OK)
        status = add_retention(body, args);
    if (status == SG_CLI_OK && json_object_object_length(body) == 0)
        status = report_error(SG_CLI_USAGE, "--description, --retention or --keep",
                              "what is to be changed?");
    if (status == SG_CLI_OK)
        status =
            api_call(cli, SG_API_USER, "PATCH", buf_str(&target), body, buf_str(&name), &space);
    if (status == SG_CLI_OK)
        print_space(cli, space, "is changed");
    return status;
}

static enum cli_status confirm(const struct args *args, const char *name)
{
    char answer[SG_TERM_LINE_MAX];

    if (args_has(args, 'y'))
        return SG_CLI_OK;
    if (!term_can_ask())
        return report_error(SG_CLI_USAGE, "add --yes",
                            "its files and messages are deleted, too; be sure");
    term_warn("The space %s will be deleted with all its files and messages.", name);
    enum cli_status status = term_ask("Go on (yes/no)? ", answer, sizeof(answer));
    if (status == SG_CLI_OK && strcasecmp(answer, "yes") == 0)
        return SG_CLI_OK;
    return status == SG_CLI_INTERRUPTED ? status
                                        : report_error(SG_CLI_USAGE, NULL, "nothing was deleted");
}

static enum cli_status delete_space(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf name = {0}, target = {0};
    enum cli_status status = space_target(args->operands[1], &name, &target);

    if (status == SG_CLI_OK)
        status = confirm(args, buf_str(&name));
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "DELETE", buf_str(&target), NULL, buf_str(&name), NULL);
    if (status == SG_CLI_OK && cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "name", buf_str(&name)) && json_put_bool(json, "deleted", true))
            json_print(json);
    }
    return status;
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL, NULL, list},
    {"create", false, 1, 1, "NAME", SG_VERB_OPTIONS(SG_ARG_DESCRIPTION), create},
    {"set", false, 1, 1, "NAME", SG_VERB_OPTIONS(SG_ARG_DESCRIPTION, SG_ARG_RETENTION, SG_ARG_KEEP),
     set},
    {"rm", false, 1, 1, "NAME", SG_VERB_OPTIONS('y'), delete_space},
    {.name = NULL}};

enum cli_status cmd_spaces(struct cli *cli, const struct args *args)
{
    return verb_run(cli, args, verbs);
}
