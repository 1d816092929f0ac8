/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as the user sees them: what happened and what to do next. It never prints what a stranger
 * wrote without escaping it.
 */
#include "cli/report.h"

#include "base/buf.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/trust.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SG_REPORT_MAX (size_t)65536

static bool as_json;
static _Thread_local struct report_capture *captured;

void report_capture(struct report_capture *capture)
{
    buf_fini(&capture->printed);
    buf_fini(&capture->message);
    buf_init(&capture->printed, SG_REPORT_MAX * 16);
    buf_init(&capture->message, SG_REPORT_MAX);
    capture->outer = captured;
    captured = capture;
}

void report_release(void)
{
    if (captured)
        captured = captured->outer;
}

void report_capture_fini(struct report_capture *capture)
{
    buf_fini(&capture->printed);
    buf_fini(&capture->message);
}

/* Where finished lines go. */
static void emit(const struct buf *lines)
{
    if (captured) {
        buf_append(&captured->printed, lines->data, lines->len);
        return;
    }
    fflush(stdout);
    term_clear_status();
    (void)fwrite(buf_str(lines), 1, lines->len, stderr);
}

void report_replay(const struct report_capture *capture)
{
    if (captured) {
        buf_clear(&captured->message);
        buf_append(&captured->message, capture->message.data, capture->message.len);
    }
    emit(&capture->printed);
}

void report_setup(bool json)
{
    as_json = json;
}

static void print_json(enum cli_status status, const char *message, const char *next,
                       struct json_object *problem)
{
    SG_JSON_CLEANUP struct json_object *root = json_object_new_object();
    struct json_object *error = json_object_new_object();
    SG_BUF_CLEANUP struct buf line = {0};

    (void)json_put_int(error, "exit", status);
    (void)json_put_text(error, "message", message);
    (void)json_put_text(error, "next", next);
    (void)json_put(error, "problem", json_object_get(problem));
    (void)json_put(root, "error", error);
    buf_init(&line, SG_REPORT_MAX * 2);
    json_append(&line, root);
    buf_putc(&line, '\n');
    emit(&line);
}

static void print(enum cli_status status, const char *message, const char *next,
                  struct json_object *problem)
{
    SG_BUF_CLEANUP struct buf lines = {0};

    if (captured) {
        buf_clear(&captured->message);
        buf_puts(&captured->message, message);
    }
    if (as_json) {
        print_json(status, message, next, problem);
        return;
    }
    buf_init(&lines, SG_REPORT_MAX * 12);
    buf_puts(&lines, "secctl: ");
    text_escape(&lines, message, strlen(message));
    if (next) {
        buf_puts(&lines, "\n  next: ");
        text_escape(&lines, next, strlen(next));
    }
    buf_putc(&lines, '\n');
    emit(&lines);
}

enum cli_status report_error(enum cli_status status, const char *next, const char *format, ...)
{
    SG_BUF_CLEANUP struct buf message = {0};
    va_list ap;

    buf_init(&message, SG_REPORT_MAX);
    va_start(ap, format);
    buf_vprintf(&message, format, ap);
    va_end(ap);
    print(status, buf_str(&message), next, NULL);
    return status;
}

enum cli_status report_errno(const char *action, const char *path)
{
    int code = errno;

    return report_error(SG_CLI_USAGE, NULL, "cannot %s %s: %s", action, path, strerror(code));
}

enum cli_status report_no_memory(void)
{
    return report_error(SG_CLI_USAGE, NULL, "out of memory");
}

/* What to do next, by the gateway's error code and the command that met it. */
static const struct {
    const char *code;
    const char *commands; /* between blanks; NULL: all others */
    const char *next;
} advice[] = {
    {"not-found", " users enroll ", "see who there is with: secctl users"},
    {"not-found", " certificates ", "see what there is with: secctl certificates, secctl users"},
    {"not-found", " tokens ", "see what there is with: secctl tokens"},
    {"not-found", " passkeys ", "see what there is with: secctl passkeys"},
    {"not-found", " sessions ", "see what there is with: secctl sessions"},
    {"not-found", " keys ", "see what there is with: secctl keys"},
    {"not-found", " sign ", "see what there is with: secctl keys, secctl ls -l"},
    {"not-found", " spaces members leave chat tail say watch who ",
     "see what there is with: secctl spaces, secctl members SPACE"},
    {"conflict", " totp ", "see how it is with: secctl totp"},
    {"name-taken", " tokens ", "choose another name; see: secctl tokens"},
    {"name-taken", " keys ", "choose another name; see: secctl keys"},
    {"name-taken", " spaces ", "choose another name; see: secctl spaces"},
    {"unauthenticated", NULL, "run: secctl login"},
    {"token-invalid", NULL, "run: secctl login"},
    {"token-expired", NULL, "run: secctl login"},
    {"session-ended", NULL, "run: secctl login"},
    {"session-expired", NULL, "run: secctl login"},
    {"token-mismatch", NULL,
     "the token belongs to a certificate or key that was not shown; run: secctl "
     "login"},
    {"second-factor-required", NULL,
     "give the code of your authenticator: --code-file FILE, or - for "
     "standard input"},
    {"second-factor-invalid", NULL,
     "each code works once; wait for the next one, or use a recovery code"},
    {"login-needed", NULL,
     "it takes a login with all rights, not a script's or a narrowed token: secctl login"},
    {"address-mismatch", NULL,
     "the session ended, because it is bound to another address: log in anew"},
    {"session-mismatch", NULL, "open a channel of your own: secctl session open"},
    {"certificate-required", NULL,
     "get one from an admin (secctl enroll --csr), or: secctl enroll"},
    {"certificate-unknown", NULL,
     "forget it and log in anew: secctl enroll --forget, secctl login"},
    {"certificate-expired", NULL,
     "forget it and log in anew: secctl enroll --forget, secctl login"},
    {"certificate-revoked", NULL,
     "forget it and log in anew: secctl enroll --forget, secctl login"},
    {"csr-invalid", NULL, "make one with: openssl req -new, or: secctl enroll"},
    {"channel-missing", NULL, "open a new one: secctl session open"},
    {"sequence-replayed", NULL,
     "look whether it was done; if all are refused: secctl session open"},
    {"sequence-gap", NULL, "open a new channel: secctl session open"},
    {"sequence-interrupted", NULL, "look whether it was done before you try again"},
    {"epoch-unknown", NULL, "try again; if all are refused: secctl session open"},
    {"sealed-invalid", NULL, "open a new channel: secctl session open"},
    {"not-enclosable", NULL, "run it without --sealed"},
    {"credentials-invalid", NULL,
     "check name and password; a forgotten password is an admin's matter"},
    {"user-disabled", NULL, "ask an admin to run: secctl users enable NAME"},
    {"forbidden", NULL, "see your role with: secctl whoami, secctl spaces"},
    {"signup-closed", NULL, "ask the operator for an account, or for an invitation: --code CODE"},
    {"code-invalid", NULL, "ask an admin for a new code (secctl invite); each works once"},
    {"name-taken", NULL, "choose another name; if it is your account, log in: secctl login"},
    {"not-found", NULL,
     "see what is there with: secctl ls -l, secctl spaces, or the list of the same "
     "command"},
    {"is-directory", NULL, "end the path with / to mean the directory, or use -r"},
    {"not-a-directory", NULL, "a file has that name; see it with: secctl ls -l"},
    {"conflict", NULL, "see what is there with: secctl ls -l"},
    {"directory-not-empty", NULL, "delete it with all that is in it: secctl rm -r"},
    {"last-admin", NULL, "make somebody else admin first: secctl users set NAME --role admin"},
    {"precondition-failed", NULL, "it is not as expected any more; look with: secctl ls -l --json"},
    {"digest-mismatch", NULL, "the content changed on the way or while it was read; try again"},
    {"path-invalid", NULL, "paths are SPACE/NAME..., without . and .. and control characters"},
    {"timezone-unknown", NULL, "use an IANA name such as Europe/Berlin"},
    {"too-large", NULL, "the gateway's limit is lower; ask the operator"},
    {"insufficient-storage", NULL, "the gateway's disk is full; tell the operator"},
    {"throttled", NULL, "wait before the next try"},
    {"overloaded", NULL, "try again in a moment"},
    {"unavailable", NULL, "try again in a moment"},
    {"cursor-invalid", NULL, "leave the cursor out to start anew"},
    {"cursor-future", NULL, "the log is older than the cursor; leave the cursor out to start anew"},
    {"cursor-unknown-epoch", NULL, "it is of another log; leave the cursor out to start anew"},
    {"cursor-pruned", NULL, "what was there has been removed; leave the cursor out to start anew"},
    {"members-fixed", NULL,
     "who is in this space follows from what it is; see: secctl members SPACE"},
    {"last-owner", NULL,
     "make somebody else owner first: secctl members set SPACE USER --role owner"},
    {"file-not-found", NULL, "see what is there with: secctl ls -l"},
    {"too-many-waiters", NULL, "end other listeners, or try again in a moment"},
    {"items-invalid", NULL, "nothing was signed; correct or leave out these"},
    {"key-disabled", NULL, "an admin or a manager of the key can run: secctl keys enable NAME"},
    {"key-expired", NULL, "an admin or a manager of the key can run: secctl keys rotate NAME"},
    {"quorum-not-reached", NULL, "too few witnesses answered; try again, or ask the operator"},
    {"log-closed", NULL,
     "tell the operator: the log and its state do not match (docs/operations.md)"},
    {"clock-unreliable", NULL, "tell the operator: the gateway's clock was set back"},
    {"draining", NULL, "the gateway is restarting; try again in a moment"},
};

static bool is_for(const char *commands, const char *command)
{
    char name[32];

    if (!commands || !command)
        return !commands;
    snprintf(name, sizeof(name), " %s ", command);
    return strstr(commands, name) != NULL;
}

static const char *advise(const char *code, unsigned status, const char *command)
{
    for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++) {
        if (strcmp(advice[i].code, code) == 0 && is_for(advice[i].commands, command))
            return advice[i].next;
    }
    if (status == 401)
        return "run: secctl login";
    return status >= 500 ? "tell the operator the request id" : NULL;
}

/* As advise, where it depends on who asks and how. */
static const char *advise_on(const struct cli *cli, const struct http_call *call, const char *code)
{
    const char *hint = advise(code, (unsigned)call->status, cli->command);

    if (cli->session && cli->session->script &&
        (call->status == 401 || strcmp(code, "forbidden") == 0))
        return SG_SESSION_SCRIPT_ADVICE;
    if (hint && strcmp(hint, "run: secctl login") == 0)
        return session_advice(cli);
    if (call->sealed && strcmp(code, "too-large") == 0)
        return "that does not go into a sealed message; send it without --sealed";
    return hint;
}

static enum cli_status report_problem(const struct cli *cli, const struct http_call *call,
                                      const char *subject)
{
    SG_JSON_CLEANUP struct json_object *problem = json_parse(buf_str(&call->body), call->body.len);
    const char *code = json_text(problem, "code", "");
    const char *title = json_text(problem, "title", "the gateway refused");
    const char *detail = json_text(problem, "detail", "");
    const char *id = json_text(problem, "request_id", call->request_id);
    enum cli_status status =
        strcmp(code, "digest-mismatch") == 0 ? SG_CLI_INTEGRITY : SG_CLI_REFUSED;
    SG_BUF_CLEANUP struct buf message = {0}, next = {0};

    buf_init(&message, SG_REPORT_MAX);
    buf_init(&next, 1024);
    buf_printf(&message, "%s: %s", subject, title);
    if (strncmp(title, detail, strlen(title)) != 0)
        buf_printf(&message, ": %s", detail);
    buf_printf(&message, " (%ld%s%s%s%s)", call->status, *code ? " " : "", code,
               *id ? ", request " : "", id);
    const char *hint = advise_on(cli, call, code);
    if (call->retry_after > 0)
        buf_printf(&next, "try again in %ld second%s", call->retry_after,
                   call->retry_after == 1 ? "" : "s");
    else if (hint)
        buf_puts(&next, hint);
    else if (strcmp(code, "parameter-invalid") == 0 && cli->command)
        buf_printf(&next, "see: secctl %s --help", cli->command);
    print(status, buf_str(&message), next.len ? buf_str(&next) : NULL, problem);
    return status;
}

/* There was no answer. A changed CA is reported as such. */
static enum cli_status report_failure(const struct cli *cli, const struct http_call *call,
                                      const char *subject)
{
    switch (call->failure) {
    case SG_HTTP_UNTRUSTED:
        return trust_report_untrusted(cli->profile->url, cli->profile->ca_path, call->error);
    case SG_HTTP_TLS:
        return report_error(SG_CLI_NETWORK, "see what is there with: openssl s_client",
                            "TLS with %s failed: %s", cli->profile->url, call->error);
    case SG_HTTP_UNSEALED:
        return report_error(SG_CLI_INTEGRITY, "open a new channel: secctl session open",
                            "%s: the sealed answer of %s is not authentic", subject,
                            cli->profile->url);
    case SG_HTTP_NETWORK:
        return report_error(SG_CLI_NETWORK, "is the gateway running, and is the address right?",
                            "%s: %s: %s", subject, cli->profile->url, call->error);
    case SG_HTTP_GAVE_UP:
    case SG_HTTP_DONE:
        break;
    }
    return report_error(SG_CLI_USAGE, NULL, "%s: %s", subject, call->error);
}

enum cli_status report_call(struct cli *cli, const struct http_call *call, const char *subject)
{
    if (term_interrupted())
        return SG_CLI_INTERRUPTED;
    if (call->failure != SG_HTTP_DONE)
        return report_failure(cli, call, subject);
    return report_problem(cli, call, subject);
}

bool report_code_is(const struct http_call *call, const char *code)
{
    SG_JSON_CLEANUP struct json_object *problem = json_parse(buf_str(&call->body), call->body.len);

    return strcmp(json_text(problem, "code", ""), code) == 0;
}
