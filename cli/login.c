/* SPDX-License-Identifier: Apache-2.0 */
/* What login and signup share. It never prints a token. */
#include "cli/login.h"

#include "base/secret.h"
#include "cli/api.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

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

static struct json_object *make_body(const char *username, const char *password)
{
    struct json_object *body = json_object_new_object(), *device = json_object_new_object();
    struct utsname machine;
    char name[65];

    if (uname(&machine) != 0 || !machine.nodename[0])
        snprintf(machine.nodename, sizeof(machine.nodename), "secctl");
    snprintf(name, sizeof(name), "%.64s", machine.nodename);
    if (!json_put_text(device, "name", name) || !json_put(body, "device", device) ||
        !json_put_text(body, "username", username) || !json_put_text(body, "password", password))
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

/* The session that the profile had would go on unused; whether it can be ended is no matter. */
static void end_former(struct cli *cli, const char *token)
{
    struct http_call call = {0};
    struct http_request request = {
        .method = "DELETE", .target = "/v1/sessions/current", .token = token};

    if (http_perform(cli->http, &call, &request) == SG_CLI_OK && http_call_ok(&call))
        term_note("secctl: the former session of this profile was ended");
    http_call_fini(&call);
}

enum cli_status login_create(struct cli *cli, const char *username, const char *password)
{
    SG_JSON_CLEANUP struct json_object *body = make_body(username, password);
    SG_JSON_CLEANUP struct json_object *created = NULL;
    char *former = session_exists(cli->session) ? strdup(cli->session->token) : NULL;
    enum cli_status status;

    if (!body)
        status = report_no_memory();
    else
        status = api_call(cli, SG_API_PUBLIC, "POST", "/v1/sessions", body, "login", &created);
    if (status == SG_CLI_OK)
        status = session_store(cli, created);
    if (status == SG_CLI_OK && former)
        end_former(cli, former);
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
