/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation on a terminal or in a pipe; what both share. */
#ifndef SG_CLI_CHAT_H
#define SG_CLI_CHAT_H

#include "cli/cli.h"
#include "cli/eventline.h"
#include "cli/talk.h"

#include <stdint.h>

struct buf;
struct prompt;

struct chat {
    struct cli *cli;
    const char *space;
    struct talk *talk;
    struct prompt *prompt; /* NULL: in a pipe */
    struct eventline_style style;
    bool json;
    bool ended;             /* the conversation is over: `status`, `last_words` */
    enum cli_status status; /* the worst so far */
    char *last_words;       /* an error as it is to be printed; NULL: none */
    int64_t shown;          /* number of the last event that was shown */
    int64_t said;           /* number of the last own message */
    int64_t read;           /* up to what number the gateway was told that it was read */
    int64_t told_ns;        /* when */
    int64_t moved_ns;       /* when something was last heard of what was asked for */
};

/* Shows what has come. */
void chat_drain(struct chat *c);

/* Shows one event. */
void chat_show(struct chat *c, struct json_object *event);

/* The two ways to talk; they return when the user or the gateway ends it. */
enum cli_status chat_terminal(struct chat *c, struct json_object *history) SG_CLI_MUST_CHECK;
enum cli_status chat_pipe(struct chat *c, struct json_object *history) SG_CLI_MUST_CHECK;

#endif
