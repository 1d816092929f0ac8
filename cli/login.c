/* SPDX-License-Identifier: Apache-2.0 */
/* What login and signup share. It never prints a token. */
#include "cli/login.h"

#include "base/file.h"
#include "base/secret.h"
#include "cli/chanstate.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/password.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/sealed.h"
#include "cli/session.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SG_LOGIN_BODY_MAX ((size_t)65536)
#define SG_LOGIN_CODES    3

enum cli_status login_username(struct cli *cli, const char *given, bool use_last,
                               char ret[SG_LOGIN_NAME_SIZE])
{
    const char *name = given ? given : use_last ? cli->profile->username : NULL;
    const char *user = getenv("USER");
    char question[128];

    if (name) {
        if (strlen(name) >= SG_LOGIN_NAME_SIZE || !*name)
            return report_error(SG_CLI_USAGE, NULL, "that cannot be a user's name");
        snprintf(ret, SG_LOGIN_NAME_SIZE, "%s", name);
        return SG_CLI_OK;
    }
    if (!term_can_ask())
        return report_error(SG_CLI_USAGE, "give it with -u NAME", "no user name given");
    if (user && strlen(user) < 64)
        snprintf(question, sizeof(question), "User name [%s]: ", user);
    else
        snprintf(question, sizeof(question), "User name: ");
    enum cli_status status = term_ask(question, ret, SG_LOGIN_NAME_SIZE);
    if (status == SG_CLI_OK && !ret[0] && user && strlen(user) < 64)
        snprintf(ret, SG_LOGIN_NAME_SIZE, "%s", user);
    if (status == SG_CLI_USAGE || (status == SG_CLI_OK && !ret[0]))
        return report_error(SG_CLI_USAGE, "give it with -u NAME", "no user name given");
    return status;
}

static struct json_object *make_body(const struct login *login)
{
    struct json_object *body = json_object_new_object();
    bool ok = json_put(body, "device", session_device());

    if (login->username)
        ok = ok && json_put_text(body, "username", login->username) &&
             json_put_text(body, "password", login->password);
    else
        ok = ok && json_put_text(body, "method", "certificate");
    if (!ok)
        json_cleanup(&body);
    return body;
}

/* The answer without its secrets. */
static void print_json(struct cli *cli, struct json_object *created)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

    if (json_put_text(json, "url", cli->profile->url) &&
        json_put_text(json, "profile", cli->profile->name) &&
        json_put_text(json, "session_id", json_text(created, "session_id", "")) &&
        json_put_text(json, "expires_at", json_text(created, "expires_at", "")) &&
        json_put(json, "user", json_object_get(json_member(created, "user"))))
        json_print(json);
}

enum cli_status login_code(const char *file, const char *question, char ret[SG_LOGIN_NAME_SIZE])
{
    char line[SG_TERM_LINE_MAX];
    enum cli_status status;
    size_t len = 0;

    if (file)
        status = password_read_line(file, "code", line);
    else if (term_can_ask())
        status = term_ask(question, line, sizeof(line));
    else
        return report_error(SG_CLI_USAGE, "give --code-file FILE, or - for standard input",
                            "there is no terminal to ask for the code");
    /* As authenticators show it: in groups. */
    for (size_t i = 0; status == SG_CLI_OK && line[i] && len < SG_LOGIN_NAME_SIZE - 1; i++) {
        if (line[i] != ' ')
            ret[len++] = line[i];
    }
    ret[len] = 0;
    secret_wipe(line, sizeof(line));
    if (status == SG_CLI_USAGE || (status == SG_CLI_OK && len == 0))
        return file ? SG_CLI_USAGE : report_error(SG_CLI_USAGE, NULL, "no code given");
    return status;
}

/* Adds the code to what is asked when the gateway wants one; false: there is no more to try. */
static bool add_code(const struct login *login, const struct http_call *call, int attempt,
                     struct json_object *body, enum cli_status *ret_status)
{
    bool wanted = report_code_is(call, "second-factor-required");
    char code[SG_LOGIN_NAME_SIZE];

    if (call->status != 401 || (!wanted && !report_code_is(call, "second-factor-invalid")))
        return false;
    /* A file has one code; a person may mistype. */
    if (login->code_file ? attempt > 0 : !term_can_ask() || attempt >= SG_LOGIN_CODES)
        return false;
    if (!wanted)
        term_warn("That code is not valid.");
    *ret_status = login_code(login->code_file, "Code (or recovery code): ", code);
    if (*ret_status == SG_CLI_OK && !json_put_text(body, "code", code))
        *ret_status = report_no_memory();
    secret_wipe(code, sizeof(code));
    return *ret_status == SG_CLI_OK;
}

/* Asks for the session, with a code if one is wanted. */
static enum cli_status ask(struct cli *cli, const struct login *login, struct json_object *body,
                           struct json_object **ret)
{
    enum cli_status status = SG_CLI_OK;

    for (int attempt = 0;; attempt++) {
        struct http_call call = {0};
        struct buf text;

        buf_init(&text, SG_LOGIN_BODY_MAX);
        json_append(&text, body);
        struct http_request request = {.plain = true,
                                       .method = "POST",
                                       .target = "/v1/sessions",
                                       .content_type = "application/json",
                                       .body = buf_str(&text),
                                       .body_len = text.len};
        status = http_perform(cli->http, &call, &request);
        buf_wipe(&text);
        bool again = status == SG_CLI_OK && !http_call_ok(&call) &&
                     add_code(login, &call, attempt, body, &status);
        if (status == SG_CLI_OK && !again && !http_call_ok(&call))
            status = report_call(cli, &call, "login");
        else if (status == SG_CLI_OK && !again)
            *ret = json_parse(buf_str(&call.body), call.body.len);
        http_call_fini(&call);
        if (!again)
            return status;
    }
}

enum cli_status login_keep(struct cli *cli, struct json_object *created, const char *client_id)
{
    char *former =
        session_exists(cli->session) && !cli->session->script ? strdup(cli->session->token) : NULL;
    enum cli_status status = session_store(cli, created, client_id);

    if (status == SG_CLI_OK && former && session_end(cli, former))
        term_note("secctl: the former session of this profile was ended");
    secret_free_string(former);
    if (status == SG_CLI_OK)
        status = profile_set_username(cli->profile, cli->session->username);
    if (status == SG_CLI_OK)
        status = profile_save(cli->profile);
    if (status != SG_CLI_OK)
        return status;
    struct json_object *user = json_member(created, "user");
    if (cli->options.json)
        print_json(cli, created);
    else if (!cli->options.quiet)
        term_line("Logged in to %s as %s (%s).", cli->profile->url, cli->session->username,
                  json_text(user, "role", "?"));
    return SG_CLI_OK;
}

enum cli_status login_create(struct cli *cli, const struct login *login)
{
    SG_JSON_CLEANUP struct json_object *body = make_body(login);
    SG_JSON_CLEANUP struct json_object *created = NULL;
    struct sealed_offer *offer = NULL;
    SG_FD_CLEANUP int fd = -1;
    struct chanstate state;
    enum cli_status status = body ? SG_CLI_OK : report_no_memory();

    memset(&state, 0, sizeof(state));
    if (status == SG_CLI_OK && login->sealed)
        status = sealed_offer(body, &offer);
    if (status == SG_CLI_OK)
        status = ask(cli, login, body, &created);
    if (status == SG_CLI_OK && offer) {
        status = sealed_accept(cli, offer, created, login->forget_identity, &state);
        /* Until the session is there, too: one that takes a number finds both, or neither. */
        if (status == SG_CLI_OK)
            status = chanstate_lock(cli->profile, &fd);
        if (status == SG_CLI_OK)
            status = chanstate_create(cli->profile, &state);
        if (status != SG_CLI_OK)
            (void)session_end(cli, json_text(created, "token", ""));
    }
    sealed_offer_free(offer);
    secret_wipe(&state, sizeof(state));
    return status == SG_CLI_OK ? login_keep(cli, created, NULL) : status;
}
