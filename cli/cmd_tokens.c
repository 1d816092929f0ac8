/* SPDX-License-Identifier: Apache-2.0 */
/* secctl tokens: tokens for scripts. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SG_TOKENS_EXPIRES "30d"

/* "a,b" of an array of texts. */
static void join(struct json_object *array, struct buf *ret)
{
    buf_init(ret, 4096);
    for (size_t i = 0; array && i < json_object_array_length(array); i++) {
        struct json_object *item = json_object_array_get_idx(array, i);

        buf_printf(ret, "%s%s", i ? "," : "", json_object_get_string(item));
    }
}

static void add_row(struct table *table, struct json_object *t)
{
    SG_BUF_CLEANUP struct buf scopes = {0}, limits = {0}, keys = {0};
    char used[SG_TEXT_SIZE], expires[SG_TEXT_SIZE];

    join(json_array(t, "scopes"), &scopes);
    join(json_array(t, "spaces"), &limits);
    join(json_array(t, "keys"), &keys);
    if (limits.len && keys.len)
        buf_putc(&limits, ' ');
    buf_puts(&limits, buf_str(&keys));
    list_time(t, "last_used_at", used);
    list_time(t, "expires_at", expires);
    table_row(table,
              (const char *[]){json_text(t, "id", "?"), expires, used,
                               json_text(t, "last_address", "-"), buf_str(&scopes),
                               limits.len ? buf_str(&limits) : "-", json_text(t, "name", "?")},
              NULL);
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {
        .key = "tokens",
        .titles = {"TOKEN", "EXPIRES", "LAST USED", "FROM", "SCOPES", "LIMITS", "NAME"},
        .row = add_row};

    (void)args;
    return list_show(cli, "/v1/tokens", NULL, &view);
}

/* Adds the parts of a list with commas or blanks as an array; an empty list is none. */
static bool put_list(struct json_object *body, const char *key, const char *list)
{
    struct json_object *array = json_object_new_array();
    char *copy = strdup(list), *rest = NULL;
    bool ok = array && copy;

    for (char *part = copy ? strtok_r(copy, ", ", &rest) : NULL; ok && part;
         part = strtok_r(NULL, ", ", &rest)) {
        struct json_object *text = json_object_new_string(part);

        ok = text && json_object_array_add(array, text) == 0;
    }
    free(copy);
    if (ok)
        return json_put(body, key, array);
    (void)json_object_put(array);
    return false;
}

static enum cli_status create(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    SG_JSON_CLEANUP struct json_object *made = NULL;
    const char *scopes = args_get(args, SG_ARG_SCOPES), *spaces = args_get(args, SG_ARG_SPACES);
    const char *keys = args_get(args, SG_ARG_KEYS), *expires = args_get(args, SG_ARG_EXPIRES);
    int64_t seconds;

    if (!text_parse_duration(expires ? expires : SG_TOKENS_EXPIRES, &seconds))
        return report_error(SG_CLI_USAGE, "for example 12h, 30d, 52w",
                            "\"%s\" is no length of time", expires);
    if (!json_put_text(body, "name", args->operands[1]) || !put_list(body, "scopes", scopes) ||
        (spaces && !put_list(body, "spaces", spaces)) || (keys && !put_list(body, "keys", keys)) ||
        !json_put_int(body, "expires_in", seconds))
        return report_no_memory();
    enum cli_status status =
        api_call(cli, SG_API_USER, "POST", "/v1/tokens", body, "tokens", &made);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        json_print(made);
        return SG_CLI_OK;
    }
    term_note("secctl: this is the only time that it is shown; it is good until %.10s",
              json_text(made, "expires_at", "?"));
    term_line("%s", json_text(made, "token", "?"));
    return SG_CLI_OK;
}

static enum cli_status delete_tokens(struct cli *cli, const struct args *args)
{
    enum cli_status status = SG_CLI_OK;

    for (size_t i = 1; i < args->n_operands; i++)
        status = cli_worse(status, list_delete(cli, "/v1/tokens/", args->operands[i]));
    return status;
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL, NULL, list},
    {"create", false, 1, 1, "NAME",
     SG_VERB_OPTIONS(SG_ARG_SCOPES, SG_ARG_SPACES, SG_ARG_KEYS, SG_ARG_EXPIRES), create},
    {"rm", false, 1, SG_VERB_ANY, "ID", NULL, delete_tokens},
    {.name = NULL}};

enum cli_status cmd_tokens(struct cli *cli, const struct args *args)
{
    const struct verb *verb = NULL;
    enum cli_status status = verb_choose(cli, args, verbs, &verb);

    if (status == SG_CLI_OK && verb->run == create && !args_has(args, SG_ARG_SCOPES))
        status = report_error(SG_CLI_USAGE, "secctl tokens create NAME --scopes files:read",
                              "--scopes is missing");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? verb->run(cli, args) : status;
}
