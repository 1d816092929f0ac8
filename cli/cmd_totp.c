/* SPDX-License-Identifier: Apache-2.0 */
/* secctl totp: one-time codes as a second factor. It never keeps the secret. */
#include "base/buf.h"
#include "base/secret.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/login.h"
#include "cli/password.h"
#include "cli/qr.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

#define SG_TOTP_TARGET "/v1/users/me/totp"
#define SG_TOTP_QR_MAX ((size_t)262144)

static enum cli_status show_status(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status =
        api_call(cli, SG_API_USER, "GET", SG_TOTP_TARGET, NULL, "totp", &answer);
    char since[SG_TEXT_SIZE] = "?";
    int64_t when;

    (void)args;
    if (status != SG_CLI_OK)
        return status;
    if (text_parse_time(json_text(answer, "created_at", ""), &when))
        text_datetime(when, since);
    if (cli->options.json)
        json_print(answer);
    else if (json_truth(answer, "enabled", false))
        term_line("Codes are asked for since %s; %lld recovery codes are left.", since,
                  (long long)json_int(answer, "recovery_codes", 0));
    else
        term_line("No codes are asked for.");
    return SG_CLI_OK;
}

/* The password, and with `code` a code, as a body for the gateway. */
static enum cli_status ask_body(const struct args *args, bool code, struct json_object **ret)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    char password[SG_TERM_LINE_MAX], text[SG_LOGIN_NAME_SIZE] = "";
    enum cli_status status =
        password_read(args_get(args, SG_ARG_PASSWORD_FILE), "Password: ", false, password);

    if (status == SG_CLI_OK && code)
        status = login_code(args_get(args, SG_ARG_CODE_FILE), "Code (or recovery code): ", text);
    if (status == SG_CLI_OK && (!json_put_text(body, "password", password) ||
                                (code && !json_put_text(body, "code", text))))
        status = report_no_memory();
    secret_wipe(password, sizeof(password));
    secret_wipe(text, sizeof(text));
    if (status == SG_CLI_OK) {
        *ret = body;
        body = NULL;
    }
    return status;
}

static void print_codes(const struct cli *cli, struct json_object *answer)
{
    struct json_object *codes = json_array(answer, "recovery_codes");

    if (cli->options.json) {
        json_print(answer);
        return;
    }
    term_note("secctl: each of these recovery codes works once, in place of a code; keep them "
              "where you would look for them without your authenticator:");
    for (size_t i = 0; codes && i < json_object_array_length(codes); i++)
        term_line("%s", json_object_get_string(json_object_array_get_idx(codes, i)));
    (void)fflush(stdout);
}

/* The code for the authenticator, on standard error: standard output has the recovery codes. */
static void show_secret(struct cli *cli, struct json_object *made)
{
    struct buf qr;

    if (cli->options.json) {
        json_print(made);
        (void)fflush(stdout);
        return;
    }
    buf_init(&qr, SG_TOTP_QR_MAX);
    if (isatty(STDERR_FILENO) && qr_append(&qr, json_array(made, "qr"), false)) {
        (void)fputs(buf_str(&qr), stderr);
        term_warn("Scan this with your authenticator, or type in the secret:");
    } else {
        term_warn("Give this to your authenticator:");
    }
    buf_wipe(&qr);
    term_warn("  secret  %s", json_text(made, "secret", "?"));
    term_warn("  uri     %s", json_text(made, "uri", "?"));
}

static enum cli_status confirm(struct cli *cli, const char *file, struct json_object **ret)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    char code[SG_LOGIN_NAME_SIZE];
    enum cli_status status = login_code(file, "The code that it shows: ", code);

    if (status == SG_CLI_OK && !json_put_text(body, "code", code))
        status = report_no_memory();
    secret_wipe(code, sizeof(code));
    if (status != SG_CLI_OK)
        return status;
    return api_call(cli, SG_API_USER, "POST", SG_TOTP_TARGET "/confirm", body, "totp", ret);
}

static enum cli_status enable(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = NULL;
    SG_JSON_CLEANUP struct json_object *made = NULL;
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status = ask_body(args, false, &body);

    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "POST", SG_TOTP_TARGET, body, "totp", &made);
    if (status != SG_CLI_OK)
        return status;
    show_secret(cli, made);
    /* Typing the first code proves that the authenticator has the secret. */
    do
        status = confirm(cli, args_get(args, SG_ARG_CODE_FILE), &answer);
    while (status == SG_CLI_REFUSED && !args_has(args, SG_ARG_CODE_FILE) && term_can_ask());
    if (status == SG_CLI_OK)
        print_codes(cli, answer);
    return status;
}

static enum cli_status disable(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = NULL;
    enum cli_status status = ask_body(args, true, &body);

    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_USER, "POST", SG_TOTP_TARGET "/disable", body, "totp", NULL);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "enabled", false))
            json_print(json);
    } else if (!cli->options.quiet) {
        term_line("No codes are asked for any more.");
    }
    return SG_CLI_OK;
}

static enum cli_status recovery(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *body = NULL;
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status = ask_body(args, true, &body);

    if (status == SG_CLI_OK)
        status =
            api_call(cli, SG_API_USER, "POST", SG_TOTP_TARGET "/recovery", body, "totp", &answer);
    if (status == SG_CLI_OK)
        print_codes(cli, answer);
    return status;
}

static const struct verb verbs[] = {
    {"status", true, 0, 0, NULL, NULL, show_status},
    {"enable", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_PASSWORD_FILE, SG_ARG_CODE_FILE), enable},
    {"disable", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_PASSWORD_FILE, SG_ARG_CODE_FILE),
     disable},
    {"recovery", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_PASSWORD_FILE, SG_ARG_CODE_FILE),
     recovery},
    {.name = NULL}};

enum cli_status cmd_totp(struct cli *cli, const struct args *args)
{
    const struct verb *verb = NULL;
    const char *ignored = NULL;
    enum cli_status status = verb_choose(cli, args, verbs, &verb);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    /* Before a password is asked for in vain. */
    if (status == SG_CLI_OK)
        status = session_token(cli, NULL, &ignored);
    return status == SG_CLI_OK ? verb->run(cli, args) : status;
}
