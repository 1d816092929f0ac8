/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal: lines, the status line, questions, passwords, signals. It never lets a control
 * character of somebody else's text through, and never leaves echo off.
 */
#include "cli/term.h"

#include "base/buf.h"
#include "base/clock.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SG_TERM_MESSAGE_MAX (size_t)65536
#define SG_TERM_SLICE_MS    100

static struct {
    bool quiet;
    bool status_allowed;
    bool status_shown;
    bool failed;
} state;

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

void term_setup(bool quiet, bool progress)
{
    struct sigaction action = {.sa_handler = on_signal};

    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        (void)setlocale(LC_CTYPE, "");
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    const char *kind = getenv("TERM");
    state.quiet = quiet;
    state.status_allowed = progress && isatty(STDERR_FILENO) && !(kind && !strcmp(kind, "dumb"));
}

int term_interrupted(void)
{
    return interrupted;
}

void term_wait_until(int64_t until_ns)
{
    struct timespec slice = {.tv_nsec = SG_TERM_SLICE_MS * SG_NS_PER_MS};

    while (!interrupted && clock_monotonic_ns() < until_ns)
        (void)nanosleep(&slice, NULL);
}

void term_forgive_interrupt(void)
{
    interrupted = 0;
}

bool term_can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool term_stdout_is_tty(void)
{
    return isatty(STDOUT_FILENO);
}

bool term_has_status(void)
{
    return state.status_allowed;
}

size_t term_columns(int fd)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static void __attribute__((format(printf, 2, 0))) print(FILE *file, const char *format, va_list ap)
{
    SG_BUF_CLEANUP struct buf raw = {0}, safe = {0};

    buf_init(&raw, SG_TERM_MESSAGE_MAX);
    buf_init(&safe, SG_TERM_MESSAGE_MAX * 8);
    buf_vprintf(&raw, format, ap);
    text_escape(&safe, buf_str(&raw), raw.len);
    buf_putc(&safe, '\n');
    term_clear_status();
    if (fwrite(safe.data, 1, safe.len, file) != safe.len)
        state.failed = true;
}

void term_line(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    print(stdout, format, ap);
    va_end(ap);
}

void term_note(const char *format, ...)
{
    va_list ap;

    if (state.quiet)
        return;
    va_start(ap, format);
    print(stderr, format, ap);
    va_end(ap);
}

void term_warn(const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    print(stderr, format, ap);
    va_end(ap);
}

void term_write(const char *text, size_t len)
{
    term_clear_status();
    if (fwrite(text, 1, len, stdout) != len)
        state.failed = true;
}

void term_status(const char *text)
{
    if (!state.status_allowed)
        return;
    fflush(stdout);
    fprintf(stderr, "\r%.*s\033[K", (int)text_fit(text, term_columns(STDERR_FILENO) - 1), text);
    fflush(stderr);
    state.status_shown = true;
}

void term_clear_status(void)
{
    if (!state.status_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    state.status_shown = false;
}

enum cli_status term_read_line(int fd, char *ret, size_t size)
{
    size_t len = 0;

    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);

        if (got < 0 && errno == EINTR && !interrupted)
            continue;
        if (got < 0)
            return interrupted ? SG_CLI_INTERRUPTED : SG_CLI_USAGE;
        if (got == 0 && len == 0)
            return SG_CLI_USAGE;
        if (got == 0 || c == '\n')
            break;
        if (len + 1 >= size)
            return SG_CLI_USAGE;
        ret[len++] = c;
    }
    if (len > 0 && ret[len - 1] == '\r')
        len--;
    ret[len] = 0;
    return SG_CLI_OK;
}

enum cli_status term_ask(const char *question, char *ret, size_t size)
{
    term_clear_status();
    fflush(stdout);
    fputs(question, stderr);
    fflush(stderr);
    enum cli_status status = term_read_line(STDIN_FILENO, ret, size);
    if (status != SG_CLI_OK)
        fputc('\n', stderr);
    return status;
}

enum cli_status term_ask_secret(const char *question, char *ret, size_t size)
{
    struct termios before, silent;
    bool changed = tcgetattr(STDIN_FILENO, &before) == 0;

    if (changed) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
        changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    enum cli_status status = term_ask(question, ret, size);
    if (changed)
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (status == SG_CLI_OK)
        fputc('\n', stderr);
    return status;
}

enum cli_status term_finish(void)
{
    term_clear_status();
    if (fflush(stdout) == 0 && !ferror(stdout) && !state.failed)
        return SG_CLI_OK;
    fprintf(stderr, "secctl: standard output: %s\n", strerror(errno));
    return SG_CLI_USAGE;
}
