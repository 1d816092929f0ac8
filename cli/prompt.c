/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines typed at a prompt. It never leaves the terminal in another state than it found, whatever
 * signal ends or stops the program.
 */
#include "cli/prompt.h"

#include "base/buf.h"
#include "base/file.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define SG_PROMPT_HISTORY_MAX ((size_t)8 << 20)
#define SG_PROMPT_INPUT       4096
#define SG_PROMPT_POLL_MS     1000

struct prompt {
    EditLine *editor;
    History *history;
    char *text;
    int fd;
    void (*ready)(void *context);
    void *context;
    bool cancelled;
    bool reading;
    char input[SG_PROMPT_INPUT]; /* read, not given to the editor yet */
    size_t at, len;
    mbstate_t decoding;
    struct sigaction on_resize, on_stop; /* as they were */
};

static volatile sig_atomic_t resized, stopped;

static void on_signal(int number)
{
    if (number == SIGWINCH)
        resized = 1;
    else
        stopped = 1;
}

static char *prompt_text(EditLine *editor)
{
    struct prompt *p = NULL;

    (void)el_get(editor, EL_CLIENTDATA, &p);
    return p->text;
}

/* Rows from the top of what is being typed down to column `width` of it. */
static size_t rows_of(size_t width)
{
    return width / term_columns(STDOUT_FILENO);
}

static size_t width_of(const struct prompt *p, const char *text, size_t len)
{
    SG_BUF_CLEANUP struct buf copy = {0};

    buf_init(&copy, SG_PROMPT_LINE_MAX * 4);
    buf_puts(&copy, p->text);
    buf_append(&copy, text, len);
    return text_width(buf_str(&copy));
}

/* Puts the cursor `rows` up, at the left, and clears everything from there on. */
static void erase(size_t rows)
{
    if (rows > 0)
        printf("\r\033[%zuA\033[J", rows);
    else
        fputs("\r\033[J", stdout);
}

void prompt_print(struct prompt *p, const char *lines, size_t len)
{
    if (len == 0)
        return;
    if (p->reading) {
        const LineInfo *line = el_line(p->editor);

        erase(rows_of(width_of(p, line->buffer, (size_t)(line->cursor - line->buffer))));
    }
    (void)fwrite(lines, 1, len, stdout);
    if (p->reading)
        (void)el_set(p->editor, EL_REFRESH);
    fflush(stdout);
}

void prompt_cancel(struct prompt *p)
{
    p->cancelled = true;
}

/* Stops as the user asked, with the terminal as it was before. */
static void stop(struct prompt *p)
{
    stopped = 0;
    (void)el_set(p->editor, EL_PREP_TERM, 0);
    fputc('\n', stdout);
    fflush(stdout);
    (void)raise(SIGSTOP);
    (void)el_set(p->editor, EL_PREP_TERM, 1);
    (void)el_set(p->editor, EL_REFRESH);
}

static void handle_signals(struct prompt *p)
{
    if (resized) {
        resized = 0;
        el_resize(p->editor);
    }
    if (stopped)
        stop(p);
}

/* The next character of what was read: 1, 0 when there is none, -1 when more is needed. */
static int decode(struct prompt *p, wchar_t *ret)
{
    while (p->at < p->len) {
        size_t n = mbrtowc(ret, p->input + p->at, p->len - p->at, &p->decoding);

        if (n == (size_t)-2) {
            p->at = p->len;
            return 0;
        }
        if (n == (size_t)-1) {
            memset(&p->decoding, 0, sizeof(p->decoding));
            p->at++;
            continue;
        }
        p->at += n > 0 ? n : 1;
        return 1;
    }
    return 0;
}

/* Reads what is there. False at the end of input. */
static bool fill(struct prompt *p)
{
    ssize_t got = read(STDIN_FILENO, p->input, sizeof(p->input));

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    p->at = 0;
    p->len = got > 0 ? (size_t)got : 0;
    return got > 0;
}

/* What the editor reads by: waits for a key, while messages are printed. */
static int get_character(EditLine *editor, wchar_t *ret)
{
    struct prompt *p = NULL;

    (void)el_get(editor, EL_CLIENTDATA, &p);
    for (;;) {
        struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                               {.fd = p->fd, .events = POLLIN}};

        handle_signals(p);
        if (p->cancelled || term_interrupted())
            return 0;
        if (decode(p, ret))
            return 1;
        if (poll(fds, 2, SG_PROMPT_POLL_MS) <= 0)
            continue;
        if (fds[1].revents)
            p->ready(p->context);
        if (fds[0].revents && !p->cancelled && !fill(p))
            return 0;
    }
}

static bool set_up_editor(struct prompt *p)
{
    HistEvent event;

    p->editor = el_init("secctl", stdin, stdout, stderr);
    p->history = history_init();
    if (!p->editor || !p->history)
        return false;
    (void)history(p->history, &event, H_SETSIZE, SG_PROMPT_HISTORY);
    (void)history(p->history, &event, H_SETUNIQUE, 1);
    return el_set(p->editor, EL_CLIENTDATA, p) == 0 &&
           el_set(p->editor, EL_PROMPT, prompt_text) == 0 && el_set(p->editor, EL_SIGNAL, 0) == 0 &&
           el_set(p->editor, EL_EDITOR, "emacs") == 0 &&
           el_set(p->editor, EL_HIST, history, p->history) == 0 &&
           el_set(p->editor, EL_BIND, "^R", "em-inc-search-prev", NULL) == 0 &&
           el_set(p->editor, EL_BIND, "^W", "ed-delete-prev-word", NULL) == 0 &&
           el_set(p->editor, EL_GETCFN, get_character) == 0;
}

enum cli_status prompt_open(const char *text, int fd, void (*ready)(void *context), void *context,
                            struct prompt **ret)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct prompt *p = calloc(1, sizeof(*p));

    if (!p)
        return report_no_memory();
    (void)sigaction(SIGWINCH, NULL, &p->on_resize);
    (void)sigaction(SIGTSTP, NULL, &p->on_stop);
    p->text = strdup(text);
    p->fd = fd;
    p->ready = ready;
    p->context = context;
    fflush(stdout);
    if (!p->text || !set_up_editor(p)) {
        prompt_close(p);
        return report_error(SG_CLI_USAGE, "is $TERM right?", "the terminal cannot be used");
    }
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGWINCH, &action, NULL);
    /* A shell without job control has it ignored. */
    if (p->on_stop.sa_handler != SIG_IGN)
        (void)sigaction(SIGTSTP, &action, NULL);
    /* The user's own key bindings. */
    (void)el_source(p->editor, NULL);
    *ret = p;
    return SG_CLI_OK;
}

void prompt_close(struct prompt *p)
{
    if (!p)
        return;
    if (p->editor)
        el_end(p->editor);
    if (p->history)
        history_end(p->history);
    (void)sigaction(SIGWINCH, &p->on_resize, NULL);
    (void)sigaction(SIGTSTP, &p->on_stop, NULL);
    free(p->text);
    free(p);
}

void prompt_load(struct prompt *p, const char *path)
{
    SG_BUF_CLEANUP struct buf text = {0};
    HistEvent event;

    buf_init(&text, SG_PROMPT_HISTORY_MAX);
    if (file_read(path, &text) != SG_OK)
        return;
    for (char *line = (char *)text.data; line && *line;) {
        char *end = strchr(line, '\n');

        if (end)
            *end = 0;
        if (*line)
            (void)history(p->history, &event, H_ENTER, line);
        line = end ? end + 1 : NULL;
    }
}

void prompt_history(struct prompt *p, struct buf *ret)
{
    HistEvent event;

    for (int more = history(p->history, &event, H_LAST); more >= 0;
         more = history(p->history, &event, H_PREV)) {
        buf_append(ret, event.str, strcspn(event.str, "\r\n"));
        buf_putc(ret, '\n');
    }
}

bool prompt_read(struct prompt *p, struct buf *ret)
{
    HistEvent event;
    int count = 0;

    /* The editor shows its prompt before it sets the terminal, and what is typed in between would
     * be echoed twice. */
    (void)el_set(p->editor, EL_PREP_TERM, 1);
    p->reading = true;
    const char *line = el_gets(p->editor, &count);
    p->reading = false;
    if (!line || count <= 0 || p->cancelled || term_interrupted())
        return false;
    size_t len = (size_t)count;
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    buf_append(ret, line, len);
    /* It comes back as a message; the cursor stands below it now. */
    erase(rows_of(width_of(p, line, len)) + 1);
    fflush(stdout);
    if (len > 0)
        (void)history(p->history, &event, H_ENTER, buf_str(ret));
    return true;
}
