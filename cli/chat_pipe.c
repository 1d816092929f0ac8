/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation in a pipe: lines of standard input are said, events are printed. It never ends
 * before every line was acknowledged or refused, unless a signal says so.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "cli/chat.h"
#include "cli/message.h"
#include "cli/report.h"
#include "cli/term.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Lines that wait for the gateway; more are not read. */
#define SG_PIPE_PENDING_MAX 64
#define SG_PIPE_POLL_MS     1000
/* How long the last own lines may take to come back as events, while these arrive at all. */
#define SG_PIPE_LINGER_S  5
#define SG_PIPE_INPUT_MAX (SG_MESSAGE_TEXT_MAX + (size_t)65536)

struct input {
    struct buf bytes; /* read, not said yet */
    bool over;        /* end of file */
    bool skipping;    /* the rest of a line that was too long */
};

static enum cli_status say(struct chat *c, struct input *in, const char *line, size_t len)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (in->skipping || len > SG_MESSAGE_TEXT_MAX) {
        in->skipping = false;
        c->status = cli_worse(c->status, report_error(SG_CLI_USAGE, NULL,
                                                      "a line has more than %d bytes; left out",
                                                      SG_MESSAGE_TEXT_MAX));
        return SG_CLI_OK;
    }
    if (len == 0)
        return SG_CLI_OK;
    c->moved_ns = clock_monotonic_ns();
    return talk_ask(c->talk, SG_TALK_ASK_SAY, line, len, 0);
}

/* Says the whole lines that are there, while there is room. */
static enum cli_status say_lines(struct chat *c, struct input *in)
{
    enum cli_status status = SG_CLI_OK;

    while (status == SG_CLI_OK && talk_pending(c->talk) < SG_PIPE_PENDING_MAX) {
        const char *start = (const char *)in->bytes.data;
        const char *end = in->bytes.len ? memchr(start, '\n', in->bytes.len) : NULL;
        size_t len = end ? (size_t)(end - start) : in->bytes.len;

        if (!end && !in->over && len <= SG_MESSAGE_TEXT_MAX + 1)
            break;
        if (!end && !in->over) {
            in->skipping = true;
            buf_consume(&in->bytes, len);
            break;
        }
        if (len == 0 && !end)
            break;
        status = say(c, in, start, len);
        buf_consume(&in->bytes, end ? len + 1 : len);
    }
    return status;
}

static enum cli_status fill(struct input *in)
{
    char piece[16384];
    ssize_t got = read(STDIN_FILENO, piece, sizeof(piece));

    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? SG_CLI_OK
                                                 : report_errno("read", "standard input");
    in->over = got == 0;
    if (got > 0)
        buf_append(&in->bytes, piece, (size_t)got);
    return in->bytes.failed ? report_no_memory() : SG_CLI_OK;
}

/* Whether everything was said and has been shown, too. */
static bool is_done(struct chat *c, const struct input *in)
{
    if (!in->over || in->bytes.len > 0 || talk_pending(c->talk) > 0)
        return false;
    return c->shown >= c->said ||
           clock_monotonic_ns() - c->moved_ns > SG_PIPE_LINGER_S * SG_NS_PER_S;
}

static enum cli_status turn(struct chat *c, struct input *in)
{
    bool reads = !in->over && talk_pending(c->talk) < SG_PIPE_PENDING_MAX &&
                 in->bytes.len <= SG_MESSAGE_TEXT_MAX + 1;
    struct pollfd fds[] = {{.fd = talk_fd(c->talk), .events = POLLIN},
                           {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN}};
    enum cli_status status = SG_CLI_OK;

    (void)poll(fds, 2, SG_PIPE_POLL_MS);
    if (fds[1].revents)
        status = fill(in);
    /* Before the events are taken: the time to wait for them begins when they can come again. */
    if (talk_is_behind(c->talk))
        c->moved_ns = clock_monotonic_ns();
    chat_drain(c);
    return status == SG_CLI_OK ? say_lines(c, in) : status;
}

enum cli_status chat_pipe(struct chat *c, struct json_object *history)
{
    struct input in = {.over = false};
    enum cli_status status = SG_CLI_OK;

    buf_init(&in.bytes, SG_PIPE_INPUT_MAX);
    for (size_t i = 0; i < json_object_array_length(history); i++)
        chat_show(c, json_object_array_get_idx(history, i));
    while (status == SG_CLI_OK && !c->ended && !term_interrupted() && !is_done(c, &in))
        status = turn(c, &in);
    buf_fini(&in.bytes);
    return term_interrupted() ? SG_CLI_INTERRUPTED : cli_worse(status, c->status);
}
