/* SPDX-License-Identifier: Apache-2.0 */
/* secctl log: shows the transparency log and follows it. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/logcheck.h"
#include "cli/logfollow.h"
#include "cli/message.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdint.h>
#include <string.h>

#define SG_LOG_LINES 20

static enum cli_status show(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *log = NULL;

    (void)args;
    enum cli_status status = api_call(cli, SG_API_PUBLIC, "GET", "/v1/log", NULL, "log", &log);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        json_print(log);
        return SG_CLI_OK;
    }
    term_line("log       %s", json_text(log, "origin", "?"));
    term_line("key       %s", json_text(log, "key", "?"));
    term_line("time key  %s", json_text(log, "time_key", "?"));
    term_line("entries   %lld", (long long)json_int(log, "size", 0));
    term_line("root      %s", json_text(log, "root", "?"));
    return SG_CLI_OK;
}

static void print_entry(uint64_t index, struct json_object *record)
{
    const char *package = json_text(record, "package", ""), *vrmf = json_text(record, "vrmf", "");

    term_line("%8llu  %s  %s v%lld  %.16s  %s%s%s%s%s", (unsigned long long)index,
              json_text(record, "timestamp", "?"), json_text(record, "key", "?"),
              (long long)json_int(record, "key_version", 0),
              json_text(json_member(record, "digest"), "sha256", "?"),
              json_text(record, "name", "?"), *package ? "  " : "", package, *vrmf ? " " : "",
              vrmf);
}

/* Prints the entries of a bundle from `from` on, or adds them to `all`. */
static enum cli_status take_bundle(const struct tile *tile, const struct buf *bundle, uint64_t from,
                                   struct json_object *all)
{
    const uint8_t *at = bundle->data, *entry;
    size_t left = bundle->len, len;

    for (uint64_t index = tile->index * SG_TILE_WIDTH; logfollow_entry(&at, &left, &entry, &len);
         index++) {
        if (index < from)
            continue;
        SG_JSON_CLEANUP struct json_object *record = json_parse((const char *)entry, len);

        if (!record)
            return report_error(SG_CLI_REFUSED, NULL, "entry %llu of the log is no record",
                                (unsigned long long)index);
        if (!all) {
            print_entry(index, record);
            continue;
        }
        struct json_object *item = json_object_new_object();
        if (!json_put_int(item, "index", (int64_t)index) ||
            !json_put(item, "record", json_object_get(record)) ||
            json_object_array_add(all, item) != 0)
            return report_no_memory();
    }
    return SG_CLI_OK;
}

/* Which entries: the last N, or N from an index on. */
static enum cli_status range(struct cli *cli, const struct args *args, uint64_t *ret_from,
                             uint64_t *ret_end)
{
    SG_JSON_CLEANUP struct json_object *log = NULL;
    const char *lines = args_get(args, 'n'), *from = args_get(args, SG_ARG_FROM);
    int64_t count = SG_LOG_LINES, first = 0;

    if ((lines && !message_number(lines, &count)) ||
        (from && strcmp(from, "0") != 0 && !message_number(from, &first)))
        return report_error(SG_CLI_USAGE, NULL, "-n and --from take numbers");
    enum cli_status status = api_call(cli, SG_API_PUBLIC, "GET", "/v1/log", NULL, "log", &log);
    int64_t size = json_int(log, "size", 0);
    if (!from)
        first = size > count ? size - count : 0;
    *ret_from = (uint64_t)first;
    *ret_end = (uint64_t)(count < size - first ? first + count : size);
    return status;
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *json = NULL;
    struct json_object *all = NULL;
    uint64_t from = 0, end = 0;
    enum cli_status status = range(cli, args, &from, &end);

    if (cli->options.json) {
        json = json_object_new_object();
        all = json_object_new_array();
        if (!json_put(json, "entries", all))
            return report_no_memory();
    }
    while (status == SG_CLI_OK && from < end && !term_interrupted()) {
        SG_BUF_CLEANUP struct buf bundle = {0};
        uint64_t start = from / SG_TILE_WIDTH * SG_TILE_WIDTH;
        struct tile tile = {.level = SG_TILE_ENTRIES,
                            .index = from / SG_TILE_WIDTH,
                            .width = end - start < SG_TILE_WIDTH ? (unsigned)(end - start)
                                                                 : SG_TILE_WIDTH};

        status = logcheck_fetch(cli, &tile, &bundle);
        if (status == SG_CLI_OK)
            status = take_bundle(&tile, &bundle, from, all);
        from = start + SG_TILE_WIDTH;
    }
    if (status == SG_CLI_OK && json)
        json_print(json);
    return status;
}

static enum cli_status check(struct cli *cli, const struct args *args)
{
    return logcheck_run(cli, args_get(args, SG_ARG_LOG_KEY), args_has(args, SG_ARG_FORGET));
}

static const struct verb verbs[] = {
    {"show", true, 0, 0, NULL, NULL, show},
    {"list", false, 0, 0, NULL, SG_VERB_OPTIONS('n', SG_ARG_FROM), list},
    {"check", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_LOG_KEY, SG_ARG_FORGET), check},
    {"entries", false, 0, 0, NULL, SG_VERB_OPTIONS('n', SG_ARG_FROM), list},
    {.name = NULL}};

enum cli_status cmd_log(struct cli *cli, const struct args *args)
{
    return verb_run(cli, args, verbs);
}
