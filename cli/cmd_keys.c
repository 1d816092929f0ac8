/* SPDX-License-Identifier: Apache-2.0 */
/* secctl keys: shows, makes and changes the keys that sign. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* "a, b" of an array of texts. */
static void join(struct buf *ret, struct json_object *array)
{
    buf_init(ret, 65536);
    for (size_t i = 0; array && i < json_object_array_length(array); i++)
        buf_printf(ret, "%s%s", i ? ", " : "",
                   json_object_get_string(json_object_array_get_idx(array, i)));
}

/* "[a,b]" from "a,b"; "" is the empty list. NULL without memory. */
static struct json_object *split(const char *list)
{
    struct json_object *array = json_object_new_array();

    for (const char *at = list; array && *at;) {
        size_t len = strcspn(at, ",");

        if (json_object_array_add(array, json_object_new_string_len(at, (int)len)) != 0)
            json_cleanup(&array);
        at += len + (at[len] == ',');
    }
    return array;
}

static enum cli_status target_of(struct buf *target, const char *name, const char *rest)
{
    buf_init(target, 4 * SG_REMOTE_PATH_MAX);
    message_target(target, "/v1/keys/", name, rest);
    return target->failed || !*name ? report_error(SG_CLI_USAGE, NULL, "that is no name of a key")
                                    : SG_CLI_OK;
}

static enum cli_status call_key(struct cli *cli, const char *method, const char *name,
                                const char *rest, struct json_object *body,
                                struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf target = {0};
    enum cli_status status = target_of(&target, name, rest);

    return status == SG_CLI_OK
               ? api_call(cli, SG_API_USER, method, buf_str(&target), body, name, ret)
               : status;
}

static void add_row(struct table *table, struct json_object *key)
{
    SG_BUF_CLEANUP struct buf signers = {0};
    char version[24];

    join(&signers, json_array(key, "signers"));
    snprintf(version, sizeof(version), "%lld", (long long)json_int(key, "current_version", 0));
    table_row(table,
              (const char *[]){json_text(key, "name", "?"), json_text(key, "type", "?"), version,
                               json_truth(key, "disabled", false) ? "disabled" : "enabled",
                               buf_str(&signers)},
              NULL);
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {.key = "keys",
                                          .titles = {"NAME", "TYPE", "VERSION", "STATE", "SIGNERS"},
                                          .right = "2",
                                          .row = add_row};

    (void)args;
    return list_show(cli, "/v1/keys", NULL, &view);
}

static void print_list(const char *label, struct json_object *array)
{
    SG_BUF_CLEANUP struct buf text = {0};

    join(&text, array);
    term_line("%-10s %s", label, text.len ? buf_str(&text) : "-");
}

static void print_versions(struct json_object *key)
{
    struct json_object *versions = json_array(key, "versions");
    int64_t oldest = json_int(key, "oldest_version", 1);

    for (size_t i = 0; versions && i < json_object_array_length(versions); i++) {
        struct json_object *v = json_object_array_get_idx(versions, i);
        const char *end = json_text(v, "expires_at", NULL);
        int64_t number = json_int(v, "version", 0);

        term_line("version %lld: keyid %s, made %s%s%s, %lld signature%s%s", (long long)number,
                  json_text(v, "keyid", "?"), json_text(v, "created_at", "?"),
                  end ? ", signs until " : "", end ? end : "", (long long)json_int(v, "uses", 0),
                  json_int(v, "uses", 0) == 1 ? "" : "s",
                  number < oldest ? ", counts no more" : "");
    }
}

static void print_key(struct cli *cli, struct json_object *key)
{
    struct json_object *witnesses = json_array(key, "witnesses");

    if (cli->options.json) {
        json_print(key);
        return;
    }
    if (cli->options.quiet)
        return;
    term_line("%-10s %s%s", "key", json_text(key, "name", "?"),
              json_truth(key, "disabled", false) ? " (disabled)" : "");
    term_line("%-10s %s", "type", json_text(key, "type", "?"));
    if (json_text(key, "uri", NULL))
        term_line("%-10s %s", "token", json_text(key, "uri", ""));
    print_list("formats", json_array(key, "formats"));
    print_list("signers", json_array(key, "signers"));
    print_list("managers", json_array(key, "managers"));
    if (json_int(key, "quorum", 0) > 0)
        term_line("%-10s %lld", "quorum", (long long)json_int(key, "quorum", 0));
    for (size_t i = 0; witnesses && i < json_object_array_length(witnesses); i++) {
        struct json_object *w = json_object_array_get_idx(witnesses, i);

        term_line("%-10s %s at %s", "witness", json_text(w, "key", "?"), json_text(w, "url", "?"));
    }
    print_versions(key);
}

/* Makes an exchange and shows the key that comes back. */
static enum cli_status change(struct cli *cli, const char *method, const char *name,
                              const char *rest, struct json_object *body)
{
    SG_JSON_CLEANUP struct json_object *key = NULL;
    enum cli_status status = call_key(cli, method, name, rest, body, &key);

    if (status == SG_CLI_OK)
        print_key(cli, key);
    return status;
}

static enum cli_status show(struct cli *cli, const struct args *args)
{
    return change(cli, "GET", args->operands[1], "", NULL);
}

/* --uri and --expires as members of the body. */
static enum cli_status add_version_options(struct json_object *body, const struct args *args)
{
    const char *uri = args_get(args, SG_ARG_URI), *expires = args_get(args, SG_ARG_EXPIRES);
    int64_t seconds;

    if (uri && !json_put_text(body, "uri", uri))
        return report_no_memory();
    if (!expires)
        return SG_CLI_OK;
    if (!text_parse_duration(expires, &seconds))
        return report_error(SG_CLI_USAGE, "such as 90d, 52w", "\"%s\" is no time to sign", expires);
    return json_put_int(body, "expires_in", seconds) ? SG_CLI_OK : report_no_memory();
}

static enum cli_status create(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object(), *key = NULL;
    const char *type = args_get(args, SG_ARG_TYPE), *name = args->operands[1];

    if (!json_put_text(body, "name", name) || !json_put_text(body, "type", type ? type : "ed25519"))
        return report_no_memory();
    enum cli_status status = add_version_options(body, args);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "POST", "/v1/keys", body, name, &key);
    if (status == SG_CLI_OK)
        print_key(cli, key);
    return status;
}

static enum cli_status rotate(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    enum cli_status status = body ? add_version_options(body, args) : report_no_memory();

    return status == SG_CLI_OK ? change(cli, "POST", args->operands[1], "/rotate", body) : status;
}

static enum cli_status add_number(struct json_object *body, const struct args *args, int option,
                                  const char *member)
{
    const char *text = args_get(args, option);
    int64_t value = 0;

    if (!text)
        return SG_CLI_OK;
    /* 0 is a quorum, but no number of a message. */
    if (strcmp(text, "0") != 0 && !message_number(text, &value))
        return report_error(SG_CLI_USAGE, NULL, "\"%s\" is no number", text);
    return json_put_int(body, member, value) ? SG_CLI_OK : report_no_memory();
}

static enum cli_status add_lists(struct json_object *body, const struct args *args)
{
    static const struct {
        int option;
        const char *member;
    } lists[] = {
        {SG_ARG_FORMAT, "formats"}, {SG_ARG_SIGNERS, "signers"}, {SG_ARG_MANAGERS, "managers"}};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const char *text = args_get(args, lists[i].option);
        struct json_object *array = text ? split(text) : NULL;

        if (text && (!array || !json_put(body, lists[i].member, array)))
            return report_no_memory();
    }
    return SG_CLI_OK;
}

/* A verifier key may have "=" at its end, so that the address begins at the last "=http". */
static enum cli_status add_witness(struct json_object *array, const char *text)
{
    struct json_object *witness = json_object_new_object();
    const char *at = strstr(text, "=http");
    SG_BUF_CLEANUP struct buf key = {0};

    if (!at || at == text) {
        json_cleanup(&witness);
        return report_error(SG_CLI_USAGE, "--witness VKEY=https://...", "\"%s\" is no witness",
                            text);
    }
    buf_init(&key, 4096);
    buf_append(&key, text, (size_t)(at - text));
    if (json_put_text(witness, "key", buf_str(&key)) && json_put_text(witness, "url", at + 1) &&
        json_object_array_add(array, witness) == 0)
        return SG_CLI_OK;
    json_cleanup(&witness);
    return report_no_memory();
}

static enum cli_status add_witnesses(struct json_object *body, const struct args *args)
{
    struct json_object *array = NULL;
    enum cli_status status = add_number(body, args, SG_ARG_QUORUM, "quorum");
    const char *quorum = args_get(args, SG_ARG_QUORUM);

    if (!quorum && !args_has(args, SG_ARG_WITNESS))
        return status;
    if (!quorum && status == SG_CLI_OK)
        return report_error(SG_CLI_USAGE, "how many of the witnesses are needed: --quorum N",
                            "--witness goes with --quorum");
    if (status != SG_CLI_OK)
        return status;
    array = json_object_new_array();
    if (!array || !json_put(body, "witnesses", array))
        return report_no_memory();
    for (size_t i = 0; i < args->n_given && status == SG_CLI_OK; i++) {
        if (args->given[i].key == SG_ARG_WITNESS)
            status = add_witness(array, args->given[i].value);
    }
    return status;
}

static enum cli_status update(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    enum cli_status status = body ? add_lists(body, args) : report_no_memory();

    if (status == SG_CLI_OK)
        status = add_number(body, args, SG_ARG_OLDEST, "oldest_version");
    if (status == SG_CLI_OK)
        status = add_witnesses(body, args);
    if (status == SG_CLI_OK && json_object_object_length(body) == 0)
        status = report_error(SG_CLI_USAGE,
                              "--format, --signers, --managers, --oldest, --quorum, --witness",
                              "what is to be changed?");
    return status == SG_CLI_OK ? change(cli, "PATCH", args->operands[1], "", body) : status;
}

static enum cli_status set_disabled(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();

    if (!json_put_bool(body, "disabled", strcmp(args->operands[0], "disable") == 0))
        return report_no_memory();
    return change(cli, "PATCH", args->operands[1], "", body);
}

static bool is_among(const char *name, char **names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

/* The list of signers with (without) the users that are named. */
static struct json_object *new_signers(struct json_object *key, const struct args *args, bool allow)
{
    struct json_object *before = json_array(key, "signers"), *after = json_object_new_array();
    bool ok = after != NULL;

    for (size_t i = 0; ok && before && i < json_object_array_length(before); i++) {
        struct json_object *user = json_object_array_get_idx(before, i);

        if (!is_among(json_object_get_string(user), args->operands + 2, args->n_operands - 2))
            ok = json_object_array_add(after, json_object_get(user)) == 0;
    }
    for (size_t i = 2; ok && allow && i < args->n_operands; i++)
        ok = json_object_array_add(after, json_object_new_string(args->operands[i])) == 0;
    if (!ok)
        json_cleanup(&after);
    return after;
}

static enum cli_status set_signers(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *key = NULL, *body = json_object_new_object();
    enum cli_status status = call_key(cli, "GET", args->operands[1], "", NULL, &key);

    if (status != SG_CLI_OK)
        return status;
    struct json_object *signers = new_signers(key, args, strcmp(args->operands[0], "allow") == 0);
    if (!signers || !json_put(body, "signers", signers))
        return report_no_memory();
    return change(cli, "PATCH", args->operands[1], "", body);
}

static enum cli_status print_public(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf target = {0};
    const char *name = args->operands[1], *version = args_get(args, SG_ARG_VERSION);
    const char *format = args_get(args, SG_ARG_FORMAT);
    struct http_call call = {0};
    enum cli_status status = target_of(&target, name, "/public");

    if (format)
        remote_query(&target, "format", format);
    if (version)
        remote_query(&target, "version", version);
    struct http_request request = {.method = "GET", .target = buf_str(&target)};
    if (status == SG_CLI_OK)
        status = api_perform(cli, SG_API_PUBLIC, &request, &call);
    if (status == SG_CLI_OK && !http_call_ok(&call))
        status = report_call(cli, &call, name);
    else if (status == SG_CLI_OK)
        term_write(buf_str(&call.body), call.body.len);
    http_call_fini(&call);
    return status;
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL, NULL, list},
    {"show", false, 1, 1, "NAME", NULL, show},
    {"create", false, 1, 1, "NAME", SG_VERB_OPTIONS(SG_ARG_TYPE, SG_ARG_URI, SG_ARG_EXPIRES),
     create},
    {"rotate", false, 1, 1, "NAME", SG_VERB_OPTIONS(SG_ARG_URI, SG_ARG_EXPIRES), rotate},
    {"update", false, 1, 1, "NAME",
     SG_VERB_OPTIONS(SG_ARG_FORMAT, SG_ARG_OLDEST, SG_ARG_SIGNERS, SG_ARG_MANAGERS, SG_ARG_QUORUM,
                     SG_ARG_WITNESS),
     update},
    {"disable", false, 1, 1, "NAME", NULL, set_disabled},
    {"enable", false, 1, 1, "NAME", NULL, set_disabled},
    {"allow", false, 2, SG_VERB_ANY, "NAME or USER", NULL, set_signers},
    {"deny", false, 2, SG_VERB_ANY, "NAME or USER", NULL, set_signers},
    {"public", false, 1, 1, "NAME", SG_VERB_OPTIONS(SG_ARG_FORMAT, SG_ARG_VERSION), print_public},
    {.name = NULL}};

enum cli_status cmd_keys(struct cli *cli, const struct args *args)
{
    return verb_run(cli, args, verbs);
}
