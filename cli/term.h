/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal: lines on standard output and error, a status line that is redrawn in place,
 * questions, passwords without echo, signals. Single threaded; its state is the process's.
 */
#ifndef SG_CLI_TERM_H
#define SG_CLI_TERM_H

#include "cli/cli.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Longest password or answer that is read, in bytes. */
#define SG_TERM_LINE_MAX 1024

/* Sets locale and signal handlers. `quiet` silences term_note, `progress` allows the status line.
 */
void term_setup(bool quiet, bool progress);

/* The signal that asked the program to stop, 0 while none has. */
int term_interrupted(void);

/* Waits until clock_monotonic_ns() says `until_ns`, or Ctrl-C. */
void term_wait_until(int64_t until_ns);

/* Ctrl-C was how something was meant to end: the program goes on. */
void term_forgive_interrupt(void);

/* Whether a person can be asked: standard input and error are terminals. */
bool term_can_ask(void);
bool term_stdout_is_tty(void);
/* Whether a status line is wanted: standard error is a terminal and nothing forbids it. */
bool term_has_status(void);
/* Columns of the terminal at `fd`, 80 when unknown. */
size_t term_columns(int fd);

/*
 * One line on standard output (term_line), or on standard error (term_warn, and term_note unless
 * quiet). Everything that a terminal could take as a command is escaped; a newline is added.
 */
void term_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void term_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void term_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes bytes that are safe already to standard output, after the status line is gone. */
void term_write(const char *text, size_t len);

/* Draws or replaces the status line on standard error; `text` is cut to the terminal's width. */
void term_status(const char *text);
void term_clear_status(void);

/*
 * Asks on standard error and reads one line from standard input without its newline.
 * SG_CLI_USAGE at the end of input, SG_CLI_INTERRUPTED on Ctrl-C; nothing is reported.
 */
enum cli_status term_ask(const char *question, char *ret, size_t size) SG_CLI_MUST_CHECK;

/* As term_ask, with echo off. The caller wipes `ret`. */
enum cli_status term_ask_secret(const char *question, char *ret, size_t size) SG_CLI_MUST_CHECK;

/*
 * Reads one line from `fd` byte by byte, so that a later read goes on behind it. SG_CLI_USAGE at
 * the end of input, without memory for it or for a line that is too long.
 */
enum cli_status term_read_line(int fd, char *ret, size_t size) SG_CLI_MUST_CHECK;

/* Flushes standard output; reports and returns SG_CLI_USAGE if anything could not be written. */
enum cli_status term_finish(void) SG_CLI_MUST_CHECK;

#endif
