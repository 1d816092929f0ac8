/* SPDX-License-Identifier: Apache-2.0 */
/* secctl tail: shows the newest messages of a space and, with -f, those that follow. */
#include "base/buf.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/eventline.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"

#include "cli/term.h"
#include "cli/watch.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SG_TAIL_COUNT     10
#define SG_TAIL_COUNT_MAX 100000
#define SG_TAIL_TYPES     "message,message.updated,message.deleted"

struct tail {
    bool json;
    struct eventline_style style;
};

static bool show(void *context, struct json_object *event)
{
    struct tail *tail = context;
    SG_BUF_CLEANUP struct buf line = {0};

    if (tail->json)
        return watch_event(NULL, event);
    buf_init(&line, (size_t)1 << 20);
    if (tail->style.now) {
        tail->style.now = clock_now_s();
        tail->style.columns = term_columns(STDOUT_FILENO);
    }
    eventline_append(&line, event, &tail->style);
    term_write(buf_str(&line), line.len);
    return fflush(stdout) == 0;
}

static bool show_gap(void *context, const struct feed_gap *gap)
{
    struct tail *tail = context;

    if (tail->json)
        return watch_gap(NULL, gap);
    term_warn("secctl: %s", feed_explain(gap->code));
    return true;
}

static enum cli_status parse_count(const struct args *args, size_t *ret)
{
    const char *text = args_get(args, 'n');
    char *end = NULL;
    long count = text ? strtol(text, &end, 10) : SG_TAIL_COUNT;

    if (text && (end == text || *end || count < 0 || count > SG_TAIL_COUNT_MAX))
        return report_error(SG_CLI_USAGE, "-n 20", "-n takes a number of messages up to %d",
                            SG_TAIL_COUNT_MAX);
    *ret = (size_t)count;
    return SG_CLI_OK;
}

static enum cli_status follow(struct cli *cli, struct tail *tail, const char *space,
                              const char *cursor)
{
    struct feed_sink sink = {.context = tail, .event = show, .gap = show_gap};
    struct feed feed;

    watch_connection(&sink);
    enum cli_status status = feed_init(&feed, cli, &sink, space, SG_TAIL_TYPES, cursor);
    if (status == SG_CLI_OK)
        status = feed_run(&feed);
    feed_fini(&feed);
    return status;
}

enum cli_status cmd_tail(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *messages = NULL;
    SG_BUF_CLEANUP struct buf space = {0};
    struct tail tail = {.json = cli->options.json};
    char cursor[SG_FEED_CURSOR_SIZE] = "";
    size_t count = 0;
    enum cli_status status = args_expect(args, 1, 1, "SPACE");

    if (status == SG_CLI_OK)
        status = parse_count(args, &count);
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    tail.style.colour = eventline_has_colour();
    tail.style.numbers = true;
    /* In a pipe there is a date on each line, and a line of a text is one line. */
    tail.style.now = term_stdout_is_tty() ? clock_now_s() : 0;
    buf_init(&space, SG_REMOTE_PATH_MAX);
    message_space(&space, args->operands[0]);
    status = message_newest(cli, buf_str(&space), count, &messages, cursor, sizeof(cursor));
    if (status != SG_CLI_OK)
        return status;
    for (size_t i = 0; i < json_object_array_length(messages); i++) {
        if (!show(&tail, json_object_array_get_idx(messages, i)))
            return SG_CLI_USAGE;
    }
    return args_has(args, 'f') ? follow(cli, &tail, buf_str(&space), cursor) : SG_CLI_OK;
}
