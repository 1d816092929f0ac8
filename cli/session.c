/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a profile. It never sends a token without the profile's CA having been verified
 * (httpcall.c), and never prints one.
 */
#include "cli/session.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/password.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/term.h"
#include "cli/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SG_SESSION_FILE_MAX (size_t)65536
#define SG_SESSION_MARGIN_S 30
#define SG_SESSION_TOKEN_CHARS                                                                     \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/="

static void forget_members(struct session *s)
{
    free(s->id);
    free(s->username);
    secret_free_string(s->token);
    secret_free_string(s->refresh_token);
    free(s->client_id);
    memset(s, 0, sizeof(*s));
}

static char *copy(struct json_object *json, const char *key)
{
    const char *text = json_text(json, key, NULL);

    return text ? strdup(text) : NULL;
}

/* Reads the file anew; whatever is missing or damaged means: not logged in. */
static void load(struct session *s, const char *path)
{
    struct buf text;
    struct stat st;

    forget_members(s);
    if (stat(path, &st) != 0)
        return;
    if (st.st_mode & 077) {
        term_note("secctl: %s was readable for others; corrected", path);
        (void)chmod(path, 0600);
    }
    buf_init(&text, SG_SESSION_FILE_MAX);
    if (file_read(path, &text) == SG_OK) {
        SG_JSON_CLEANUP struct json_object *json = json_parse(buf_str(&text), text.len);

        s->id = copy(json, "session_id");
        s->username = copy(json, "username");
        s->token = copy(json, "token");
        s->refresh_token = copy(json, "refresh_token");
        s->client_id = copy(json, "client_id");
        s->token_expires_at = json_int(json, "token_expires_at", 0);
        s->token_renew_at = json_int(json, "token_renew_at", 0);
        s->expires_at = json_int(json, "expires_at", 0);
    }
    buf_wipe(&text);
    if (!s->id || !s->username || !s->token || !s->refresh_token)
        forget_members(s);
}

struct session *session_open(const struct profile *profile)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s)
        load(s, profile->session_path);
    return s;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    forget_members(s);
    free(s);
}

bool session_exists(const struct session *s)
{
    return s->token != NULL;
}

static enum cli_status save(struct cli *cli)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();
    struct session *s = cli->session;
    struct buf text;
    enum cli_status status = SG_CLI_USAGE;

    buf_init(&text, SG_SESSION_FILE_MAX);
    if (json_put_text(json, "session_id", s->id) && json_put_text(json, "username", s->username) &&
        json_put_text(json, "token", s->token) &&
        json_put_text(json, "refresh_token", s->refresh_token) &&
        (!s->client_id || json_put_text(json, "client_id", s->client_id)) &&
        json_put_int(json, "token_expires_at", s->token_expires_at) &&
        json_put_int(json, "token_renew_at", s->token_renew_at) &&
        json_put_int(json, "expires_at", s->expires_at)) {
        json_append(&text, json);
        buf_putc(&text, '\n');
        if (!text.failed)
            status =
                profile_write(cli->profile, cli->profile->session_path, buf_str(&text), text.len);
    }
    buf_wipe(&text);
    return status;
}

static enum cli_status lock(struct cli *cli, int *ret)
{
    return profile_lock(cli->profile, cli->profile->lock_path, ret);
}

static void set_life(struct session *s, int64_t expires_in)
{
    int64_t margin = expires_in / 5;

    if (margin > SG_SESSION_MARGIN_S)
        margin = SG_SESSION_MARGIN_S;
    s->token_expires_at = clock_now_s() + expires_in;
    s->token_renew_at = s->token_expires_at - margin;
}

/* Whether the token will do: known, not expiring, and not the one that was refused. */
static bool is_usable(const struct session *s, const char *rejected)
{
    if (!s->token || (rejected && strcmp(rejected, s->token) == 0))
        return false;
    return clock_now_s() < s->token_renew_at;
}

static enum cli_status take_renewed(struct cli *cli, const struct http_call *call)
{
    SG_JSON_CLEANUP struct json_object *json = json_parse(buf_str(&call->body), call->body.len);
    struct session *s = cli->session;
    char *token = copy(json, "access_token");
    char *refresh_token = copy(json, "refresh_token");

    if (!token || !refresh_token) {
        secret_free_string(token);
        secret_free_string(refresh_token);
        return report_error(SG_CLI_REFUSED, "run: secctl login",
                            "the gateway's new token cannot be understood");
    }
    secret_free_string(s->token);
    secret_free_string(s->refresh_token);
    s->token = token;
    s->refresh_token = refresh_token;
    set_life(s, json_int(json, "expires_in", 0));
    return save(cli);
}

struct json_object *session_device(void)
{
    struct json_object *device = json_object_new_object();
    struct utsname machine;
    char name[65];

    if (uname(&machine) != 0 || !machine.nodename[0])
        snprintf(machine.nodename, sizeof(machine.nodename), "secctl");
    snprintf(name, sizeof(name), "%.64s", machine.nodename);
    if (!json_put_text(device, "name", name))
        json_cleanup(&device);
    return device;
}

/* The caller holds the lock. */
static enum cli_status take_created(struct cli *cli, struct json_object *created,
                                    const char *client_id)
{
    struct session *s = cli->session;

    forget_members(s);
    s->id = copy(created, "session_id");
    s->username = copy(json_member(created, "user"), "username");
    s->token = copy(created, client_id ? "access_token" : "token");
    s->refresh_token = copy(created, "refresh_token");
    s->client_id = client_id ? strdup(client_id) : NULL;
    if (!s->id || !s->username || !s->token || !s->refresh_token || (client_id && !s->client_id))
        return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                            "the gateway's answer cannot be understood");
    set_life(s, json_int(created, "expires_in", 0));
    if (!text_parse_time(json_text(created, "expires_at", ""), &s->expires_at))
        s->expires_at = 0;
    return save(cli);
}

bool session_end(struct cli *cli, const char *token)
{
    struct http_call call = {0};
    struct http_request request = {
        .plain = true, .method = "DELETE", .target = "/v1/sessions/current", .token = token};
    bool ended = http_perform(cli->http, &call, &request) == SG_CLI_OK && http_call_ok(&call);

    http_call_fini(&call);
    return ended;
}

/* A new session of the same user by the profile's certificate; the caller holds the lock. */
static bool renew_by_certificate(struct cli *cli)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    SG_JSON_CLEANUP struct json_object *created = NULL;
    SG_BUF_CLEANUP struct buf text = {0};
    struct http_call call = {0};
    bool ok = false;

    if (!cli->profile->has_certificate || cli->options.sealed ||
        !json_put_text(body, "method", "certificate") ||
        !json_put(body, "device", session_device()))
        return false;
    buf_init(&text, SG_SESSION_FILE_MAX);
    json_append(&text, body);
    struct http_request request = {.plain = true,
                                   .method = "POST",
                                   .target = "/v1/sessions",
                                   .content_type = "application/json",
                                   .body = buf_str(&text),
                                   .body_len = text.len};
    if (http_perform(cli->http, &call, &request) == SG_CLI_OK && http_call_ok(&call))
        created = json_parse(buf_str(&call.body), call.body.len);
    http_call_fini(&call);
    if (created && strcmp(json_text(json_member(created, "user"), "username", ""),
                          cli->session->username) == 0)
        ok = take_created(cli, created, NULL) == SG_CLI_OK;
    else if (created)
        (void)session_end(cli, json_text(created, "token", ""));
    if (ok)
        term_note("secctl: the session had ended; logged in again by certificate");
    return ok;
}

const char *session_advice(const struct cli *cli)
{
    if (cli->options.sealed)
        return "run: secctl session open";
    return cli->session && cli->session->client_id ? "run: secctl login --web"
                                                   : "run: secctl login";
}

/* Forgets the session; the caller holds the lock. */
static enum cli_status drop(struct cli *cli)
{
    forget_members(cli->session);
    return profile_remove(cli->profile->session_path);
}

/* A session whose time is over is soon forgotten by the gateway, and then one that ended. */
static bool has_expired(const struct session *s, const struct http_call *call)
{
    static const char words[] = "The session has expired";

    return memmem(buf_str(&call->body), call->body.len, words, sizeof(words) - 1) != NULL ||
           (s->expires_at > 0 && s->expires_at <= clock_now_s());
}

/* The gateway does not know the session any more; the caller holds the lock. */
static enum cli_status give_up(struct cli *cli, const struct http_call *call)
{
    const char *advice = session_advice(cli);
    bool expired = has_expired(cli->session, call);

    if (renew_by_certificate(cli))
        return SG_CLI_OK;
    return cli_worse(drop(cli), report_error(SG_CLI_REFUSED, advice, "the session has %s",
                                             expired ? "expired" : "ended"));
}

static enum cli_status renew(struct cli *cli)
{
    struct http_call call = {0};
    struct buf form;
    enum cli_status status;

    buf_init(&form, SG_SESSION_FILE_MAX);
    buf_puts(&form, "grant_type=refresh_token&refresh_token=");
    encode_percent(&form, cli->session->refresh_token, strlen(cli->session->refresh_token), 0);
    if (cli->session->client_id) {
        buf_puts(&form, "&client_id=");
        encode_percent(&form, cli->session->client_id, strlen(cli->session->client_id), 0);
    }
    struct http_request request = {.plain = true,
                                   .method = "POST",
                                   .target = "/v1/oauth/token",
                                   .content_type = "application/x-www-form-urlencoded",
                                   .body = buf_str(&form),
                                   .body_len = form.len};
    status = http_perform(cli->http, &call, &request);
    buf_wipe(&form);
    if (status != SG_CLI_OK) {
        http_call_fini(&call);
        return status;
    }
    if (http_call_ok(&call)) {
        status = take_renewed(cli, &call);
    } else if (call.failure == SG_HTTP_DONE && (call.status == 400 || call.status == 401)) {
        status = give_up(cli, &call);
    } else {
        cli->session->may_pass = retry_is_worth(&call);
        status = report_call(cli, &call, "renewing the token");
    }
    http_call_fini(&call);
    return status;
}

static enum cli_status not_logged_in(const struct cli *cli)
{
    return report_error(SG_CLI_REFUSED, session_advice(cli), "not logged in to %s",
                        cli->profile->url);
}

enum cli_status session_token(struct cli *cli, const char *rejected, const char **ret)
{
    struct session *s = cli->session;
    enum cli_status status = SG_CLI_OK;
    SG_FD_CLEANUP int fd = -1;

    s->may_pass = false;
    if (!session_exists(s))
        return not_logged_in(cli);
    if (s->script && rejected && strcmp(rejected, s->token) == 0)
        return report_error(SG_CLI_REFUSED, SG_SESSION_SCRIPT_ADVICE,
                            "the gateway does not take the script token");
    if (s->script) {
        *ret = s->token;
        return SG_CLI_OK;
    }
    if (!is_usable(s, rejected)) {
        status = lock(cli, &fd);
        if (status != SG_CLI_OK)
            return status;
        /* Another process may have been faster; renewing again would end the session. */
        load(s, cli->profile->session_path);
        if (!session_exists(s))
            return not_logged_in(cli);
        if (!is_usable(s, rejected))
            status = renew(cli);
    }
    if (status == SG_CLI_OK)
        *ret = s->token;
    return status;
}

enum cli_status session_store(struct cli *cli, struct json_object *created, const char *client_id)
{
    SG_FD_CLEANUP int fd = -1;
    /* A renewal of the former session that is under way would overwrite the new one. */
    enum cli_status status = lock(cli, &fd);

    return status == SG_CLI_OK ? take_created(cli, created, client_id) : status;
}

enum cli_status session_use_script_token(struct session *s, const char *file)
{
    const char *given = file ? NULL : getenv("SECGATE_TOKEN");
    char line[SG_TERM_LINE_MAX];
    enum cli_status status = SG_CLI_OK;

    if (file)
        status = password_read_line(file, "token", line);
    if (status != SG_CLI_OK || (!file && (!given || !*given)))
        return status;
    forget_members(s);
    s->token = strdup(file ? line : given);
    secret_wipe(line, sizeof(line));
    s->script = true;
    if (!s->token)
        return report_no_memory();
    if (strspn(s->token, SG_SESSION_TOKEN_CHARS) != strlen(s->token))
        return report_error(SG_CLI_USAGE, SG_SESSION_SCRIPT_ADVICE, "that is no script token");
    return SG_CLI_OK;
}

enum cli_status session_expect(const struct session *s, const char *what)
{
    if (!s->script)
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "leave out --token-file, and unset SECGATE_TOKEN",
                        "%s does not go with a script token", what);
}

enum cli_status session_forget(struct cli *cli)
{
    SG_FD_CLEANUP int fd = -1;
    enum cli_status status = lock(cli, &fd);

    return status == SG_CLI_OK ? drop(cli) : status;
}
