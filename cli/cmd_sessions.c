/* SPDX-License-Identifier: Apache-2.0 */
/* secctl sessions: shows and ends the user's sessions. */
#include "base/buf.h"
#include "base/encode.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdint.h>
#include <string.h>

static enum cli_status fetch(struct cli *cli, struct json_object **ret)
{
    return api_call(cli, SG_API_USER, "GET", "/v1/sessions", NULL, "sessions", ret);
}

static void add_row(struct table *table, struct json_object *s)
{
    char created[SG_TEXT_SIZE], used[SG_TEXT_SIZE], expires[SG_TEXT_SIZE];

    list_time(s, "created_at", created);
    list_time(s, "last_used_at", used);
    list_time(s, "expires_at", expires);
    table_row(table,
              (const char *[]){json_truth(s, "current", false) ? "*" : "",
                               json_text(s, "session_id", "?"), json_text(s, "address", "?"),
                               created, used, expires,
                               json_text(json_member(s, "device"), "name", "-")},
              NULL);
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {
        .key = "sessions",
        .titles = {"", "SESSION", "ADDRESS", "CREATED", "LAST USED", "EXPIRES", "DEVICE"},
        .row = add_row};

    (void)args;
    return list_show(cli, "/v1/sessions", NULL, &view);
}

static enum cli_status end_one(struct cli *cli, const char *id)
{
    SG_BUF_CLEANUP struct buf target = {0};
    bool own = strcmp(id, "current") == 0 ||
               (session_exists(cli->session) && strcmp(id, cli->session->id) == 0);
    enum cli_status status;

    buf_init(&target, 4096);
    buf_puts(&target, "/v1/sessions/");
    encode_percent(&target, id, strlen(id), 0);
    if (target.failed)
        return report_error(SG_CLI_USAGE, NULL, "that is no session");
    status = api_call(cli, SG_API_USER, "DELETE", buf_str(&target), NULL, id, NULL);
    if (status == SG_CLI_OK && own)
        status = session_forget(cli);
    if (status == SG_CLI_OK && cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "session_id", id) && json_put_bool(json, "ended", true))
            json_print(json);
    }
    return status;
}

static enum cli_status end_others(struct cli *cli)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status = fetch(cli, &answer);
    struct json_object *sessions = json_array(answer, "sessions");
    size_t ended = 0;

    for (size_t i = 0; sessions && i < json_object_array_length(sessions); i++) {
        struct json_object *s = json_object_array_get_idx(sessions, i);

        if (json_truth(s, "current", false))
            continue;
        enum cli_status one = end_one(cli, json_text(s, "session_id", ""));
        ended += one == SG_CLI_OK;
        status = cli_worse(status, one);
    }
    if (status == SG_CLI_OK && !cli->options.json && !cli->options.quiet)
        term_line("%zu other session%s ended.", ended, ended == 1 ? "" : "s");
    return status;
}

static enum cli_status end(struct cli *cli, const struct args *args)
{
    enum cli_status status = SG_CLI_OK;

    if (args_has(args, SG_ARG_OTHERS))
        return end_others(cli);
    for (size_t i = 1; i < args->n_operands; i++)
        status = cli_worse(status, end_one(cli, args->operands[i]));
    return status;
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL, NULL, list},
    {"end", false, 0, SG_VERB_ANY, "session ID", SG_VERB_OPTIONS(SG_ARG_OTHERS), end},
    {.name = NULL}};

enum cli_status cmd_sessions(struct cli *cli, const struct args *args)
{
    bool others = args_has(args, SG_ARG_OTHERS);
    const struct verb *verb = NULL;
    enum cli_status status = verb_choose(cli, args, verbs, &verb);

    if (status == SG_CLI_OK && verb->run == end)
        status = args_expect(args, others ? 1 : 2, others ? 1 : SIZE_MAX, "session ID");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? verb->run(cli, args) : status;
}
