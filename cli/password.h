/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords, from a terminal without echo or from a file; never from arguments or environment. */
#ifndef SG_CLI_PASSWORD_H
#define SG_CLI_PASSWORD_H

#include "cli/term.h"

/*
 * Reads a password: the first line of `file` ("-": the next line of standard input), or with NULL
 * from the terminal, asking `question`. With `twice` a terminal is asked again to be sure. The
 * caller wipes `ret`. SG_CLI_USAGE, reported, without a terminal.
 */
enum cli_status password_read(const char *file, const char *question, bool twice,
                              char ret[SG_TERM_LINE_MAX]) SG_CLI_MUST_CHECK;

/* The first line of `file` ("-": the next line of standard input), which holds a `what`
 * ("password"). The caller wipes `ret`. SG_CLI_USAGE, reported. */
enum cli_status password_read_line(const char *file, const char *what,
                                   char ret[SG_TERM_LINE_MAX]) SG_CLI_MUST_CHECK;

#endif
