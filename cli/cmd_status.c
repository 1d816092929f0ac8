/* SPDX-License-Identifier: Apache-2.0 */
/* secctl status: gateway, user, token and TLS at a glance. */
#include "base/clock.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/tlsinfo.h"

#include <json-c/json.h>
#include <stdio.h>

struct state {
    struct json_object *tls;
    struct json_object *user; /* NULL: not logged in */
    int64_t latency_ms;
};

static void print_json(struct cli *cli, const struct state *s)
{
    SG_JSON_CLEANUP struct json_object *json = json_object_new_object();
    int64_t now = clock_now_s();
    bool ok = json_put_text(json, "url", cli->profile->url) &&
              json_put_text(json, "profile", cli->profile->name) &&
              json_put_bool(json, "reachable", true) &&
              json_put_int(json, "latency_ms", s->latency_ms) &&
              json_put(json, "user", json_object_get(s->user));

    if (ok && cli->session->script)
        ok = json_put_bool(json, "script_token", true);
    else if (ok && s->user)
        ok = json_put_int(json, "token_expires_in", cli->session->token_expires_at - now) &&
             json_put_int(json, "session_expires_in", cli->session->expires_at - now);
    if (ok && json_put(json, "tls", json_object_get(s->tls)))
        json_print(json);
}

static void print_text(struct cli *cli, const struct state *s)
{
    char token[SG_TEXT_SIZE], session[SG_TEXT_SIZE], tls[256], until[SG_TEXT_SIZE] = "?";
    struct json_object *certificate = json_member(s->tls, "server_certificate");
    int64_t now = clock_now_s(), when;

    term_line("gateway  %s, reachable (%lld ms)", cli->profile->url, (long long)s->latency_ms);
    term_line("profile  %s", cli->profile->name);
    if (s->user) {
        text_duration(cli->session->token_expires_at - now, token);
        text_duration(cli->session->expires_at - now, session);
        term_line("user     %s (%s)", json_text(s->user, "username", "?"),
                  json_text(s->user, "role", "?"));
        if (cli->session->script)
            term_line("session  none, but a token for scripts");
        else
            term_line("session  token for %s, renewed by itself; session for %s", token, session);
    } else {
        term_line("user     not logged in; run: secctl login");
    }
    tlsinfo_format(s->tls, tls, sizeof(tls));
    if (text_parse_time(json_text(certificate, "not_after", ""), &when))
        text_datetime(when, until);
    term_line("tls      %s; certificate %s until %s", tls, json_text(certificate, "subject", "?"),
              until);
}

enum cli_status cmd_status(struct cli *cli, const struct args *args)
{
    struct state s = {.tls = NULL};
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    int64_t start = clock_monotonic_ns();
    status = api_call(cli, SG_API_PUBLIC, "GET", "/v1/tls", NULL, "status", &s.tls);
    s.latency_ms = (clock_monotonic_ns() - start) / SG_NS_PER_MS;
    if (status == SG_CLI_OK && session_exists(cli->session))
        status = api_call(cli, SG_API_USER, "GET", "/v1/users/me", NULL, "status", &s.user);
    /* The rest is worth seeing although the session is over, which was reported. */
    if (s.tls && cli->options.json)
        print_json(cli, &s);
    else if (s.tls)
        print_text(cli, &s);
    json_cleanup(&s.tls);
    json_cleanup(&s.user);
    return status;
}
