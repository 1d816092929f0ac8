/* SPDX-License-Identifier: Apache-2.0 */
/* secctl audit: shows, follows and verifies the audit log (admins). */
#include "base/buf.h"
#include "base/clock.h"
#include "cli/api.h"
#include "cli/auditcheck.h"
#include "cli/commands.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define SG_AUDIT_LINES    20
#define SG_AUDIT_PAGE     1000
#define SG_AUDIT_PAUSE_NS (2 * SG_NS_PER_S)
#define SG_AUDIT_STALL_S  30L

static void print_entry(const struct cli *cli, struct json_object *e)
{
    struct json_object *details = json_member(e, "details");
    SG_BUF_CLEANUP struct buf rest = {0};

    if (cli->options.json) {
        json_print(e);
        return;
    }
    buf_init(&rest, 65536);
    if (*json_text(e, "subject", ""))
        buf_printf(&rest, "  %s", json_text(e, "subject", ""));
    if (*json_text(e, "address", ""))
        buf_printf(&rest, "  from %s", json_text(e, "address", ""));
    if (strcmp(json_text(e, "result", "ok"), "ok") != 0)
        buf_printf(&rest, "  %s", json_text(e, "result", ""));
    if (details) {
        json_object_object_foreach(details, name, value)
        {
            buf_printf(&rest, "  %s=%s", name, json_object_get_string(value));
        }
    }
    term_line("%6lld  %s  %-20s  %s%s", (long long)json_int(e, "seq", 0), json_text(e, "at", "?"),
              json_text(e, "type", "?"), json_text(e, "actor", "-"), buf_str(&rest));
}

/* Prints a page; *last is the number of the last entry that was shown. */
static void print_page(const struct cli *cli, struct json_object *page, int64_t *last)
{
    struct json_object *entries = json_array(page, "entries");

    for (size_t i = 0; entries && i < json_object_array_length(entries); i++) {
        struct json_object *entry = json_object_array_get_idx(entries, i);

        print_entry(cli, entry);
        if (json_int(entry, "seq", 0) > *last)
            *last = json_int(entry, "seq", 0);
    }
    (void)fflush(stdout);
}

static void put_number(struct buf *target, const char *key, int64_t number)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)number);
    remote_query(target, key, text);
}

/* --since or --until as a time of the gateway's. */
static enum cli_status put_moment(struct buf *target, const struct args *args, int option,
                                  const char *key)
{
    const char *typed = args_get(args, option);
    char time[SG_RFC3339_SIZE];
    int64_t when;

    if (!typed)
        return SG_CLI_OK;
    if (!text_parse_moment(typed, clock_now_s(), &when) || when < 0 ||
        when > INT64_MAX / SG_NS_PER_S)
        return report_error(SG_CLI_USAGE, "2026-11-20, 2026-11-20T16:00:00Z, or 2h ago as: 2h",
                            "\"%s\" is no time", typed);
    clock_format_rfc3339(when * SG_NS_PER_S, time);
    remote_query(target, key, time);
    return SG_CLI_OK;
}

/* What is asked for, with times as they are now: they stay the same for who follows for long. */
static enum cli_status put_filter(struct buf *target, const struct args *args)
{
    buf_init(target, 8192);
    buf_puts(target, "/v1/audit");
    if (args_has(args, SG_ARG_TYPE))
        remote_query(target, "type", args_get(args, SG_ARG_TYPE));
    if (args_has(args, SG_ARG_ACTOR))
        remote_query(target, "actor", args_get(args, SG_ARG_ACTOR));
    enum cli_status status = put_moment(target, args, SG_ARG_SINCE, "since");
    return status == SG_CLI_OK ? put_moment(target, args, SG_ARG_UNTIL, "until") : status;
}

/* Asks for `limit` entries at most: the last ones, or with `after` >= 0 those behind that one. With
 * `retry` it is tried again. */
static enum cli_status fetch(struct cli *cli, const struct buf *filter, struct retry *retry,
                             int64_t limit, int64_t after, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf target = {0};

    buf_init(&target, 8192);
    buf_append(&target, filter->data, filter->len);
    put_number(&target, "limit", limit);
    if (after >= 0)
        put_number(&target, "after", after);
    if (filter->failed || target.failed)
        return report_error(SG_CLI_USAGE, NULL, "that is too long");
    if (!retry)
        return api_call(cli, SG_API_USER, "GET", buf_str(&target), NULL, "audit", ret);
    struct http_request request = {
        .method = "GET", .target = buf_str(&target), .stall_s = SG_AUDIT_STALL_S};
    return api_persist(cli, retry, &request, "audit", ret);
}

/* What comes after `last`, until Ctrl-C; a connection that breaks costs nothing but time. */
static enum cli_status follow(struct cli *cli, const struct buf *filter, int64_t last)
{
    struct retry retry = {.failures = 0};
    enum cli_status status = SG_CLI_OK;

    while (status == SG_CLI_OK) {
        SG_JSON_CLEANUP struct json_object *page = NULL;

        term_wait_until(clock_monotonic_ns() + SG_AUDIT_PAUSE_NS);
        if (term_interrupted())
            return SG_CLI_INTERRUPTED;
        status = fetch(cli, filter, &retry, SG_AUDIT_PAGE, last, &page);
        if (status != SG_CLI_OK)
            break;
        int64_t head = json_int(json_member(page, "head"), "seq", 0);
        if (head < last) {
            term_warn("secctl: the audit log has lost entries that were shown here; check it: "
                      "secctl audit verify");
            last = head;
        }
        print_page(cli, page, &last);
    }
    return status;
}

static enum cli_status list(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *page = NULL;
    SG_BUF_CLEANUP struct buf filter = {0};
    const char *lines = args_get(args, 'n');
    int64_t count = SG_AUDIT_LINES, last = 0;

    if (lines && (!message_number(lines, &count) || count > SG_AUDIT_PAGE))
        return report_error(SG_CLI_USAGE, NULL, "-n takes a number from 1 to %d", SG_AUDIT_PAGE);
    if (args_has(args, 'f') && args_has(args, SG_ARG_UNTIL))
        return report_error(SG_CLI_USAGE, NULL, "-f and --until exclude each other");
    enum cli_status status = put_filter(&filter, args);
    if (status == SG_CLI_OK)
        status = fetch(cli, &filter, NULL, count, -1, &page);
    if (status != SG_CLI_OK)
        return status;
    last = json_int(json_member(page, "head"), "seq", 0);
    print_page(cli, page, &last);
    return args_has(args, 'f') ? follow(cli, &filter, last) : SG_CLI_OK;
}

static enum cli_status verify(struct cli *cli, const struct args *args)
{
    return auditcheck_run(cli, args_has(args, SG_ARG_FORGET));
}

static const struct verb verbs[] = {
    {"list", true, 0, 0, NULL,
     SG_VERB_OPTIONS('n', 'f', SG_ARG_TYPE, SG_ARG_ACTOR, SG_ARG_SINCE, SG_ARG_UNTIL), list},
    {"verify", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_FORGET), verify},
    {.name = NULL}};

enum cli_status cmd_audit(struct cli *cli, const struct args *args)
{
    return verb_run(cli, args, verbs);
}
