/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation on a terminal: a prompt below, events above. It never sends a line that begins
 * with a slash, unless there are two.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "cli/chat.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/profile.h"
#include "cli/prompt.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_TERMINAL_HISTORY_MAX ((size_t)8 << 20)
/* How long lines that were said may still be sent after the user has left. */
#define SG_TERMINAL_LEAVE_S 5
#define SG_TERMINAL_LOOK_MS 20
/* How often the gateway is told what has been read. */
#define SG_TERMINAL_READ_S 5

static const char help[] = "/who             who is here\n"
                           "/reply N TEXT    answer message N\n"
                           "/edit N TEXT     change your message N\n"
                           "/del N           delete your message N\n"
                           "/help            this\n"
                           "/quit or Ctrl-D  leave\n"
                           "//TEXT           say something that begins with a slash\n"
                           "Ctrl-R           look for an earlier line\n";

static void tell_read(struct chat *c, bool now)
{
    int64_t time = clock_monotonic_ns();

    if (c->shown <= c->read || c->ended)
        return;
    if (!now && c->told_ns && time - c->told_ns < SG_TERMINAL_READ_S * SG_NS_PER_S)
        return;
    c->read = c->shown;
    c->told_ns = time;
    if (talk_ask(c->talk, SG_TALK_ASK_READ, NULL, 0, c->shown) != SG_CLI_OK)
        c->ended = true;
}

static void on_ready(void *context)
{
    struct chat *c = context;

    chat_drain(c);
    tell_read(c, false);
    if (c->ended)
        prompt_cancel(c->prompt);
}

static void print(struct chat *c, const char *text)
{
    prompt_print(c->prompt, text, strlen(text));
}

/* Reads the number in front of `rest`, which moves behind it. */
static bool take_number(const char **rest, int64_t *ret)
{
    char number[24] = "";
    size_t len = strcspn(*rest, " ");

    if (len == 0 || len >= sizeof(number))
        return false;
    memcpy(number, *rest, len);
    *rest += len + strspn(*rest + len, " ");
    return message_number(number, ret);
}

static const struct {
    const char *name;
    enum talk_ask what;
    bool number, text;
} commands[] = {{"who", SG_TALK_ASK_WHO, false, false},
                {"reply", SG_TALK_ASK_SAY, true, true},
                {"edit", SG_TALK_ASK_CHANGE, true, true},
                {"del", SG_TALK_ASK_DELETE, true, false}};

/* Runs what comes after the slash. False leaves. */
static bool run_command(struct chat *c, const char *line, enum cli_status *status)
{
    size_t len = strcspn(line, " ");
    const char *rest = line + len + strspn(line + len, " ");
    int64_t seq = 0;

    if (len == 4 && strncmp(line, "quit", 4) == 0)
        return false;
    if (len == 4 && strncmp(line, "help", 4) == 0) {
        print(c, help);
        return true;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strlen(commands[i].name) != len || strncmp(commands[i].name, line, len) != 0)
            continue;
        if ((commands[i].number && !take_number(&rest, &seq)) || (*rest != 0) != commands[i].text)
            break;
        *status =
            talk_ask(c->talk, commands[i].what, commands[i].text ? rest : NULL, strlen(rest), seq);
        return *status == SG_CLI_OK;
    }
    print(c, "* that is no command; /help shows them\n");
    return true;
}

/* Says or does what was typed. False leaves. */
static bool take_line(struct chat *c, const struct buf *line, enum cli_status *status)
{
    const char *text = buf_str(line);

    if (strspn(text, " ") == line->len)
        return true;
    if (text[0] == '/' && text[1] != '/')
        return run_command(c, text + 1, status);
    text += text[0] == '/';
    if (strlen(text) > SG_MESSAGE_TEXT_MAX) {
        print(c, "* that is too long for a message\n");
        return true;
    }
    *status = talk_ask(c->talk, SG_TALK_ASK_SAY, text, strlen(text), 0);
    return *status == SG_CLI_OK;
}

/* Waits a little for lines that are still under way. */
static enum cli_status leave(struct chat *c)
{
    int64_t deadline = clock_monotonic_ns() + SG_TERMINAL_LEAVE_S * SG_NS_PER_S;

    tell_read(c, true);
    while (!c->ended && !term_interrupted() && !talk_is_idle(c->talk) &&
           clock_monotonic_ns() < deadline) {
        struct pollfd fd = {.fd = talk_fd(c->talk), .events = POLLIN};

        /* That something was read is answered without an item. */
        (void)poll(&fd, 1, SG_TERMINAL_LOOK_MS);
        chat_drain(c);
    }
    size_t left = talk_pending(c->talk);
    if (left > 0 && !c->ended)
        return report_error(SG_CLI_NETWORK, "see what has arrived with: secctl tail",
                            "%zu line%s not acknowledged by the gateway", left,
                            left == 1 ? " was" : "s were");
    return SG_CLI_OK;
}

static enum cli_status save_history(struct chat *c, const char *path)
{
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, SG_TERMINAL_HISTORY_MAX);
    prompt_history(c->prompt, &text);
    if (text.len == 0 || text.failed)
        return SG_CLI_OK;
    return profile_write(c->cli->profile, path, buf_str(&text), text.len);
}

static enum cli_status converse(struct chat *c)
{
    enum cli_status status = SG_CLI_OK;
    bool more = true;

    while (more) {
        SG_BUF_CLEANUP struct buf line = {0};

        buf_init(&line, SG_PROMPT_LINE_MAX);
        more = prompt_read(c->prompt, &line) && take_line(c, &line, &status);
    }
    return status;
}

enum cli_status chat_terminal(struct chat *c, struct json_object *history)
{
    SG_BUF_CLEANUP struct buf text = {0};
    char *path = profile_path(c->cli->profile, "history");
    enum cli_status status = path ? SG_CLI_OK : report_no_memory();

    buf_init(&text, 4096);
    text_escape(&text, c->space, strlen(c->space));
    buf_puts(&text, "> ");
    if (status == SG_CLI_OK)
        status = prompt_open(buf_str(&text), talk_fd(c->talk), on_ready, c, &c->prompt);
    if (status == SG_CLI_OK) {
        prompt_load(c->prompt, path);
        for (size_t i = 0; i < json_object_array_length(history); i++)
            chat_show(c, json_object_array_get_idx(history, i));
        status = converse(c);
        status = cli_worse(status, save_history(c, path));
        prompt_close(c->prompt);
        c->prompt = NULL;
        fputc('\n', stdout);
        status = cli_worse(status, leave(c));
        /* What the gateway refused was told at once; it is no failure of the program. */
        if (c->ended)
            status = cli_worse(status, c->status);
    }
    free(path);
    return term_interrupted() ? SG_CLI_INTERRUPTED : status;
}
