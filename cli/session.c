/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a profile. It never sends a token without the profile's CA having been verified
 * (http.c), and never prints one.
 */
#include "cli/session.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/file.h"
#include "base/secret.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/term.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SG_SESSION_FILE_MAX (size_t)65536
#define SG_SESSION_MARGIN_S 30

static void forget_members(struct session *s)
{
    free(s->id);
    free(s->username);
    secret_free_string(s->token);
    secret_free_string(s->refresh_token);
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

/* Forgets the session; the caller holds the lock. */
static enum cli_status drop(struct cli *cli)
{
    forget_members(cli->session);
    return profile_remove(cli->profile->session_path);
}

static enum cli_status renew(struct cli *cli)
{
    struct http_call call = {0};
    struct buf form;
    enum cli_status status;

    buf_init(&form, SG_SESSION_FILE_MAX);
    buf_puts(&form, "grant_type=refresh_token&refresh_token=");
    encode_percent(&form, cli->session->refresh_token, strlen(cli->session->refresh_token), 0);
    struct http_request request = {.method = "POST",
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
        status = cli_worse(
            drop(cli), report_error(SG_CLI_REFUSED, "run: secctl login", "the session has ended"));
    } else {
        status = report_call(cli, &call, "renewing the token");
    }
    http_call_fini(&call);
    return status;
}

static enum cli_status not_logged_in(const struct cli *cli)
{
    return report_error(SG_CLI_REFUSED, "run: secctl login", "not logged in to %s",
                        cli->profile->url);
}

enum cli_status session_token(struct cli *cli, const char *rejected, const char **ret)
{
    struct session *s = cli->session;
    enum cli_status status = SG_CLI_OK;
    SG_FD_CLEANUP int fd = -1;

    if (!session_exists(s))
        return not_logged_in(cli);
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

enum cli_status session_store(struct cli *cli, struct json_object *created)
{
    struct session *s = cli->session;
    SG_FD_CLEANUP int fd = -1;
    /* A renewal of the former session that is under way would overwrite the new one. */
    enum cli_status status = lock(cli, &fd);

    if (status != SG_CLI_OK)
        return status;
    forget_members(s);
    s->id = copy(created, "session_id");
    s->username = copy(json_member(created, "user"), "username");
    s->token = copy(created, "token");
    s->refresh_token = copy(created, "refresh_token");
    if (!s->id || !s->username || !s->token || !s->refresh_token)
        return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                            "the gateway's answer cannot be understood");
    set_life(s, json_int(created, "expires_in", 0));
    if (!text_parse_time(json_text(created, "expires_at", ""), &s->expires_at))
        s->expires_at = 0;
    return save(cli);
}

enum cli_status session_forget(struct cli *cli)
{
    SG_FD_CLEANUP int fd = -1;
    enum cli_status status = lock(cli, &fd);

    return status == SG_CLI_OK ? drop(cli) : status;
}
