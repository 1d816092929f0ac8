/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines typed at a prompt, with editing and history (libedit), while other lines appear above. One
 * at a time; its signal handlers are the process's until it is closed.
 */
#ifndef SG_CLI_PROMPT_H
#define SG_CLI_PROMPT_H

#include "cli/cli.h"

#include <stddef.h>

struct buf;
struct prompt;

/* Lines of history that are kept, and bytes of a line. */
#define SG_PROMPT_HISTORY  1000
#define SG_PROMPT_LINE_MAX ((size_t)65536)

/*
 * Takes over the terminal that standard input and output are. `text` (safe for a terminal) is the
 * prompt; `fd` is watched while a line is typed and `ready` called when it is readable, which may
 * print by prompt_print and end the line by prompt_cancel. SG_CLI_USAGE, reported.
 */
enum cli_status prompt_open(const char *text, int fd, void (*ready)(void *context), void *context,
                            struct prompt **ret) SG_CLI_MUST_CHECK;
/* Gives the terminal back as it was. NULL is legal. */
void prompt_close(struct prompt *p);

/* Reads history from `path`; one that is not there is fine. */
void prompt_load(struct prompt *p, const char *path);
/* Appends the history, oldest line first, each with a newline. */
void prompt_history(struct prompt *p, struct buf *ret);

/*
 * Reads one line into `ret`, without its newline, and takes it off the screen. False at the end:
 * Ctrl-D on an empty line, a signal, prompt_cancel.
 */
bool prompt_read(struct prompt *p, struct buf *ret);

/* Prints whole lines above what is being typed. They are safe for a terminal. */
void prompt_print(struct prompt *p, const char *lines, size_t len);

/* Ends the current prompt_read. */
void prompt_cancel(struct prompt *p);

#endif
