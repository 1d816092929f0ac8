/* SPDX-License-Identifier: Apache-2.0 */
/* secctl chat: talks in a space, and verifies what was said there. */
#include "base/buf.h"
#include "cli/chat.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/eventline.h"
#include "cli/feed.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/verify.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SG_CHAT_HISTORY     20
#define SG_CHAT_HISTORY_MAX 10000

static enum cli_status verify(struct cli *cli, const struct args *args)
{
    struct verify_options options = {.after = args_get(args, SG_ARG_AFTER),
                                     .chain = args_get(args, SG_ARG_CHAIN),
                                     .forget = args_has(args, SG_ARG_FORGET)};

    if (args_has(args, 'n'))
        return report_error(SG_CLI_USAGE, "secctl chat verify SPACE",
                            "-n does not belong to verify");
    if (!options.after != !options.chain)
        return report_error(SG_CLI_USAGE, "both are in an event: id and chain",
                            "--after and --chain go together");
    enum cli_status status = connect_open(cli, NULL, false);
    return status == SG_CLI_OK ? verify_space(cli, args->operands[1], &options) : status;
}

/* How many messages come first: on a terminal a few, in a pipe none unless asked for. */
static enum cli_status parse_count(const struct args *args, bool terminal, size_t *ret)
{
    const char *text = args_get(args, 'n');
    char *end = NULL;
    long count = text ? strtol(text, &end, 10) : terminal ? SG_CHAT_HISTORY : 0;

    if (text && (end == text || *end || count < 0 || count > SG_CHAT_HISTORY_MAX))
        return report_error(SG_CLI_USAGE, "-n 20", "-n takes a number of messages up to %d",
                            SG_CHAT_HISTORY_MAX);
    *ret = (size_t)count;
    return SG_CLI_OK;
}

static enum cli_status talk(struct chat *c, const char *space, size_t count)
{
    SG_JSON_CLEANUP struct json_object *history = NULL;
    char cursor[SG_FEED_CURSOR_SIZE] = "";
    bool terminal = isatty(STDIN_FILENO) && term_stdout_is_tty() && !c->json;
    enum cli_status status = message_newest(c->cli, space, count, &history, cursor, sizeof(cursor));

    if (status == SG_CLI_OK)
        status = talk_open(c->cli, space, cursor, &c->talk);
    if (status != SG_CLI_OK)
        return status;
    status = terminal ? chat_terminal(c, history) : chat_pipe(c, history);
    talk_close(c->talk);
    if (c->last_words)
        (void)fputs(c->last_words, stderr);
    free(c->last_words);
    return status;
}

enum cli_status cmd_chat(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf space = {0};
    struct chat c = {.cli = cli, .json = cli->options.json};
    bool terminal = isatty(STDIN_FILENO) && term_stdout_is_tty() && !c.json;
    size_t count = 0;
    enum cli_status status = args_expect(args, 1, 2, "SPACE");

    if (status != SG_CLI_OK)
        return status;
    if (args->n_operands == 2 && strcmp(args->operands[0], "verify") == 0)
        return verify(cli, args);
    status = args_expect(args, 1, 1, "SPACE");
    if (status == SG_CLI_OK && (args_has(args, SG_ARG_AFTER) || args_has(args, SG_ARG_CHAIN) ||
                                args_has(args, SG_ARG_FORGET)))
        status = report_error(SG_CLI_USAGE, "secctl chat verify SPACE",
                              "--after, --chain and --forget belong to verify");
    if (status == SG_CLI_OK)
        status = parse_count(args, terminal, &count);
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    buf_init(&space, SG_REMOTE_PATH_MAX);
    message_space(&space, args->operands[0]);
    char *self = cli->session->username ? strdup(cli->session->username) : NULL;
    c.space = buf_str(&space);
    c.style =
        (struct eventline_style){.colour = eventline_has_colour(), .numbers = true, .self = self};
    status = talk(&c, c.space, count);
    free(self);
    return status;
}
