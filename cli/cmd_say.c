/* SPDX-License-Identifier: Apache-2.0 */
/* secctl say: posts one message. It may send it several times, but the gateway takes it once. */
#include "base/buf.h"
#include "base/clock.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/message.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/term.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a message that gets no answer is tried again. */
#define SG_SAY_PATIENCE_S 20

/* All of standard input without the newline at its end. */
static enum cli_status read_input(struct buf *text)
{
    char piece[4096];
    ssize_t got;

    while ((got = read(STDIN_FILENO, piece, sizeof(piece))) != 0) {
        if (term_interrupted())
            return SG_CLI_INTERRUPTED;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return report_errno("read", "standard input");
        buf_append(text, piece, (size_t)got);
        if (text->failed)
            break;
    }
    if (text->len > 0 && text->data[text->len - 1] == '\n')
        text->data[--text->len] = 0;
    return SG_CLI_OK;
}

static enum cli_status get_text(const struct args *args, struct buf *text)
{
    const char *given = args->n_operands > 1 ? args->operands[1] : NULL;
    enum cli_status status = SG_CLI_OK;

    buf_init(text, SG_MESSAGE_TEXT_MAX + 1);
    if (!given && isatty(STDIN_FILENO))
        return report_error(SG_CLI_USAGE, "secctl say SPACE TEXT", "TEXT is missing");
    if (!given || strcmp(given, "-") == 0)
        status = read_input(text);
    else
        buf_puts(text, given);
    if (status != SG_CLI_OK)
        return status;
    if (text->failed || text->len > SG_MESSAGE_TEXT_MAX)
        return report_error(SG_CLI_USAGE, "store it as a file: secctl put, then --file",
                            "a message has at most %d bytes", SG_MESSAGE_TEXT_MAX);
    return text->len ? SG_CLI_OK : report_error(SG_CLI_USAGE, NULL, "there is no text to say");
}

static enum cli_status make_body(const struct args *args, const struct buf *text, struct buf *body)
{
    const char *files[SG_MESSAGE_FILES_MAX], *reply = args_get(args, SG_ARG_REPLY);
    int64_t reply_to = 0;
    size_t count = 0;

    if (reply && !message_number(reply, &reply_to))
        return report_error(SG_CLI_USAGE, "secctl tail shows them",
                            "\"%s\" is not the number of a message", reply);
    for (size_t i = 0; i < args->n_given; i++) {
        if (args->given[i].key != SG_ARG_FILE)
            continue;
        if (count == SG_MESSAGE_FILES_MAX)
            return report_error(SG_CLI_USAGE, NULL, "a message names at most %d files",
                                SG_MESSAGE_FILES_MAX);
        files[count++] = args->given[i].value;
    }
    buf_init(body, SG_MESSAGE_BODY_MAX);
    message_body(body, buf_str(text), text->len, reply_to, files, count);
    return body->failed ? report_no_memory() : SG_CLI_OK;
}

static enum cli_status post(struct cli *cli, const char *space, const struct buf *body,
                            struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf target = {0};
    char key[SG_MESSAGE_KEY_SIZE], header[64];
    struct retry retry = {.until_ns = clock_monotonic_ns() + SG_SAY_PATIENCE_S * SG_NS_PER_S};

    buf_init(&target, 4 * SG_REMOTE_PATH_MAX);
    message_target(&target, "/v1/chat/", space, "/messages");
    message_key(key);
    snprintf(header, sizeof(header), "Idempotency-Key: %s", key);
    struct http_request request = {.method = "POST",
                                   .target = buf_str(&target),
                                   .headers = {header},
                                   .content_type = "application/json",
                                   .body = buf_str(body),
                                   .body_len = body->len};
    return api_persist(cli, &retry, &request, space, ret);
}

enum cli_status cmd_say(struct cli *cli, const struct args *args)
{
    SG_BUF_CLEANUP struct buf text = {0}, body = {0}, space = {0};
    SG_JSON_CLEANUP struct json_object *event = NULL;
    enum cli_status status = args_expect(args, 1, 2, "SPACE");

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = get_text(args, &text);
    if (status == SG_CLI_OK)
        status = make_body(args, &text, &body);
    if (status != SG_CLI_OK)
        return status;
    buf_init(&space, SG_REMOTE_PATH_MAX);
    message_space(&space, args->operands[0]);
    status = post(cli, buf_str(&space), &body, &event);
    if (status == SG_CLI_OK && cli->options.json)
        json_print(event);
    return status;
}
