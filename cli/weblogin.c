/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device grant (RFC 8628). It never sees a password, and never opens an address that is not the
 * gateway's word over the trusted connection.
 */
#include "cli/weblogin.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/secret.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/login.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/session.h"
#include "cli/term.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SG_WEBLOGIN_CLIENT    "secctl"
#define SG_WEBLOGIN_FORM_MAX  ((size_t)16384)
#define SG_WEBLOGIN_INTERVAL  5 /* RFC 8628, section 3.2: when the gateway says nothing */
#define SG_WEBLOGIN_SLOWER    5 /* section 3.5 */
#define SG_WEBLOGIN_MOST      60
#define SG_WEBLOGIN_LIFE      600
#define SG_WEBLOGIN_LIFE_MOST 86400

static void add_field(struct buf *form, const char *name, const char *value)
{
    buf_printf(form, "%s%s=", form->len ? "&" : "", name);
    encode_percent(form, value, strlen(value), 0);
}

/* Sends a form; the answer's document, of an error too, goes to *ret. */
static enum cli_status post(struct cli *cli, const char *target, const struct buf *form,
                            struct http_call *call, struct json_object **ret)
{
    struct http_request request = {.plain = true,
                                   .method = "POST",
                                   .target = target,
                                   .content_type = "application/x-www-form-urlencoded",
                                   .body = buf_str(form),
                                   .body_len = form->len};
    enum cli_status status =
        form->failed ? report_no_memory() : http_perform(cli->http, call, &request);

    if (status == SG_CLI_OK && call->failure == SG_HTTP_DONE)
        *ret = json_parse(buf_str(&call->body), call->body.len);
    return status;
}

static enum cli_status begin(struct cli *cli, const char *scopes, struct json_object **ret)
{
    SG_BUF_CLEANUP struct buf form = {0};
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    struct http_call call = {0};
    enum cli_status status;

    buf_init(&form, SG_WEBLOGIN_FORM_MAX);
    add_field(&form, "client_id", SG_WEBLOGIN_CLIENT);
    if (scopes) {
        char *list = strdup(scopes);

        for (char *c = list; c && *c; c++)
            *c = *c == ',' ? ' ' : *c;
        add_field(&form, "scope", list ? list : "");
        free(list);
    }
    status = post(cli, "/v1/oauth/device_authorization", &form, &call, &answer);
    const char *error = json_text(answer, "error", NULL);
    if (status == SG_CLI_OK && !http_call_ok(&call) && error)
        status = report_error(SG_CLI_REFUSED,
                              scopes ? "scopes are: files:read files:write chat:read chat:write "
                                       "sign verify admin"
                                     : NULL,
                              "login: %s", json_text(answer, "error_description", error));
    else if (status == SG_CLI_OK && !http_call_ok(&call))
        status = report_call(cli, &call, "login");
    if (status == SG_CLI_OK) {
        *ret = answer;
        answer = NULL;
    }
    http_call_fini(&call);
    return status;
}

/* Lets a browser that there is open the address; whatever hinders that is no matter. */
static void open_browser(const char *address)
{
    pid_t child;

    if (strncmp(address, "https://", 8) != 0 || (child = fork()) < 0)
        return;
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);

        /* A grandchild, which nobody waits for: some openers stay as long as the browser. */
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
            setsid() < 0 || fork() != 0)
            _exit(0);
        execlp("xdg-open", "xdg-open", address, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(child, NULL, 0);
}

static void show(const struct cli *cli, struct json_object *device)
{
    const char *whole = json_text(device, "verification_uri_complete", "");
    const char *address = json_text(device, "verification_uri", "?");

    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_text(json, "verification_uri", address) &&
            json_put_text(json, "verification_uri_complete", whole) &&
            json_put_text(json, "user_code", json_text(device, "user_code", "?")) &&
            json_put_int(json, "expires_in", json_int(device, "expires_in", 0)))
            json_print(json);
        (void)fflush(stdout);
        return;
    }
    term_warn("Open this address in a browser where you are logged in, or log in there:");
    term_warn("  %s", *whole ? whole : address);
    term_warn("It shows the code %s; compare it, and say yes.",
              json_text(device, "user_code", "?"));
    if (term_can_ask() && *whole)
        open_browser(whole);
}

/* What one poll has brought: more to wait for, the tokens, or the end. */
static enum cli_status judge(struct cli *cli, struct retry *retry, const struct http_call *call,
                             struct json_object *answer, int64_t *interval, bool *ret_done)
{
    const char *error = json_text(answer, "error", "");

    *ret_done = true;
    if (retry_is_worth(call)) {
        /* Section 3.5: slower and slower. */
        *interval = *interval * 2 > SG_WEBLOGIN_MOST ? SG_WEBLOGIN_MOST : *interval * 2;
        *ret_done = false;
        retry_failed(retry, call->error[0] ? call->error : "the gateway cannot answer now");
        return SG_CLI_OK;
    }
    retry_done(retry);
    if (http_call_ok(call))
        return SG_CLI_OK;
    if (strcmp(error, "slow_down") == 0)
        *interval += SG_WEBLOGIN_SLOWER;
    if (strcmp(error, "slow_down") == 0 || strcmp(error, "authorization_pending") == 0) {
        *ret_done = false;
        return SG_CLI_OK;
    }
    if (strcmp(error, "access_denied") == 0)
        return report_error(SG_CLI_REFUSED, NULL, "the login was refused in the browser");
    if (strcmp(error, "expired_token") == 0)
        return report_error(SG_CLI_REFUSED, "try again: secctl login --web",
                            "nobody has said yes in time");
    return *error ? report_error(SG_CLI_REFUSED, NULL, "login: %s",
                                 json_text(answer, "error_description", error))
                  : report_call(cli, call, "login");
}

static enum cli_status wait_for_tokens(struct cli *cli, struct json_object *device,
                                       struct json_object **ret)
{
    int64_t interval = json_int(device, "interval", SG_WEBLOGIN_INTERVAL);
    int64_t life = json_int(device, "expires_in", SG_WEBLOGIN_LIFE);
    enum cli_status status = SG_CLI_OK;
    struct retry retry = {.failures = 0};
    bool done = false;
    struct buf form;

    if (interval < 1 || interval > SG_WEBLOGIN_MOST)
        interval = SG_WEBLOGIN_INTERVAL;
    if (life < 1 || life > SG_WEBLOGIN_LIFE_MOST)
        life = SG_WEBLOGIN_LIFE;
    int64_t end = clock_monotonic_ns() + (life + interval) * SG_NS_PER_S;
    buf_init(&form, SG_WEBLOGIN_FORM_MAX);
    add_field(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    add_field(&form, "device_code", json_text(device, "device_code", ""));
    add_field(&form, "client_id", SG_WEBLOGIN_CLIENT);
    while (status == SG_CLI_OK && !done) {
        SG_JSON_CLEANUP struct json_object *answer = NULL;
        struct http_call call = {0};

        term_wait_until(clock_monotonic_ns() + interval * SG_NS_PER_S);
        if (term_interrupted())
            status = SG_CLI_INTERRUPTED;
        else if (clock_monotonic_ns() > end)
            status = report_error(SG_CLI_REFUSED, "try again: secctl login --web",
                                  "nobody has said yes in time");
        else
            status = post(cli, "/v1/oauth/token", &form, &call, &answer);
        if (status == SG_CLI_OK)
            status = judge(cli, &retry, &call, answer, &interval, &done);
        if (status == SG_CLI_OK && done) {
            *ret = answer;
            answer = NULL;
        }
        http_call_fini(&call);
    }
    buf_wipe(&form);
    return status;
}

/* Asks with the new token; the document is added to `tokens`. */
static enum cli_status fetch(struct cli *cli, const char *token, const char *target,
                             struct json_object **ret)
{
    struct http_call call = {0};
    struct http_request request = {
        .plain = true, .method = "GET", .target = target, .token = token};
    enum cli_status status = http_perform(cli->http, &call, &request);

    if (status == SG_CLI_OK && !http_call_ok(&call))
        status = report_call(cli, &call, "login");
    else if (status == SG_CLI_OK)
        *ret = json_parse(buf_str(&call.body), call.body.len);
    http_call_fini(&call);
    return status;
}

/* Session and user, which a token endpoint does not name. */
static enum cli_status complete(struct cli *cli, struct json_object *tokens)
{
    const char *token = json_text(tokens, "access_token", "");
    SG_JSON_CLEANUP struct json_object *session = NULL;
    struct json_object *user = NULL;
    enum cli_status status = fetch(cli, token, "/v1/sessions/current", &session);

    if (status == SG_CLI_OK)
        status = fetch(cli, token, "/v1/users/me", &user);
    if (status != SG_CLI_OK)
        return status;
    return json_put(tokens, "user", user) &&
                   json_put_text(tokens, "session_id", json_text(session, "session_id", "")) &&
                   json_put_text(tokens, "expires_at", json_text(session, "expires_at", ""))
               ? SG_CLI_OK
               : report_no_memory();
}

enum cli_status weblogin(struct cli *cli, const char *scopes)
{
    SG_JSON_CLEANUP struct json_object *device = NULL;
    SG_JSON_CLEANUP struct json_object *tokens = NULL;
    enum cli_status status = begin(cli, scopes, &device);

    if (status != SG_CLI_OK)
        return status;
    show(cli, device);
    status = wait_for_tokens(cli, device, &tokens);
    if (status == SG_CLI_OK)
        status = complete(cli, tokens);
    if (tokens && status != SG_CLI_OK)
        (void)session_end(cli, json_text(tokens, "access_token", ""));
    return status == SG_CLI_OK ? login_keep(cli, tokens, SG_WEBLOGIN_CLIENT) : status;
}
