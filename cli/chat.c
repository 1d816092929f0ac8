/* SPDX-License-Identifier: Apache-2.0 */
/* What a conversation shows, on a terminal and in a pipe. It never prints unescaped text. */
#include "cli/chat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/json.h"
#include "cli/prompt.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SG_CHAT_LINES_MAX ((size_t)4 << 20)

/* Prints whole lines that are safe, where lines of others go. */
static void print(struct chat *c, const struct buf *lines)
{
    if (c->prompt)
        prompt_print(c->prompt, buf_str(lines), lines->len);
    else
        term_write(buf_str(lines), lines->len);
}

void chat_show(struct chat *c, struct json_object *event)
{
    SG_BUF_CLEANUP struct buf lines = {0};
    int64_t seq = json_int(event, "seq", 0);

    if (seq > c->shown)
        c->shown = seq;
    buf_init(&lines, SG_CHAT_LINES_MAX);
    if (c->json) {
        json_append(&lines, event);
        buf_putc(&lines, '\n');
    } else {
        if (c->prompt) {
            c->style.now = clock_now_s();
            c->style.columns = term_columns(STDOUT_FILENO);
        }
        eventline_append(&lines, event, &c->style);
    }
    print(c, &lines);
}

/* A line of our own: on the terminal above the prompt, else on standard error. */
static void note(struct chat *c, const char *text)
{
    SG_BUF_CLEANUP struct buf line = {0};

    if (!c->prompt) {
        term_note("secctl: %s", text);
        return;
    }
    buf_init(&line, SG_CHAT_LINES_MAX);
    buf_puts(&line, c->style.colour ? "\033[2m* " : "* ");
    text_escape(&line, text, strlen(text));
    buf_puts(&line, c->style.colour ? "\033[0m\n" : "\n");
    print(c, &line);
}

static void show_present(struct chat *c, struct json_object *answer)
{
    struct json_object *present = json_array(answer, "present");
    SG_BUF_CLEANUP struct buf text = {0};

    buf_init(&text, SG_CHAT_LINES_MAX);
    buf_puts(&text, "here:");
    for (size_t i = 0; present && i < json_object_array_length(present); i++)
        buf_printf(&text, "%s %s", i ? "," : "",
                   json_text(json_object_array_get_idx(present, i), "username", "?"));
    note(c, buf_str(&text));
}

static void refused(struct chat *c, const struct talk_item *item)
{
    c->status = cli_worse(c->status, item->status);
    if (c->prompt)
        note(c, item->text);
    else
        (void)report_error(item->status, NULL, "%s", item->text);
}

static void handle(struct chat *c, struct talk_item *item)
{
    int64_t seq = json_int(item->json, "seq", 0);

    c->moved_ns = item->kind == SG_TALK_EVENT ? c->moved_ns : clock_monotonic_ns();
    switch (item->kind) {
    case SG_TALK_EVENT:
        chat_show(c, item->json);
        break;
    case SG_TALK_NOTICE:
        note(c, item->text);
        break;
    case SG_TALK_SAID:
        if (seq > c->said)
            c->said = seq;
        break;
    case SG_TALK_ANSWER:
        show_present(c, item->json);
        break;
    case SG_TALK_REFUSED:
        refused(c, item);
        break;
    case SG_TALK_END:
        c->ended = true;
        c->status = cli_worse(c->status, item->status);
        c->last_words = item->text;
        item->text = NULL;
        break;
    }
}

void chat_drain(struct chat *c)
{
    struct talk_item *item;

    while (!c->ended && (item = talk_take(c->talk)) != NULL) {
        handle(c, item);
        talk_item_free(item);
    }
    if (!c->prompt)
        (void)fflush(stdout);
}
