/* SPDX-License-Identifier: Apache-2.0 */
/* secctl session: a session with a sealed channel. */
#include "base/clock.h"
#include "base/secret.h"
#include "cli/api.h"
#include "cli/chanstate.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/login.h"
#include "cli/message.h"
#include "cli/password.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/sealed.h"
#include "cli/session.h"
#include "cli/term.h"
#include "cli/text.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdio.h>

#define SG_SESSION_INTERVAL_S    30 /* as the origin does */
#define SG_SESSION_INTERVAL_MOST 86400
#define SG_SESSION_END_S         5 /* how far clocks may differ */

static enum cli_status say_open(struct cli *cli)
{
    struct chanstate state = {.sequence = 0};
    bool found = false;
    char left[SG_TEXT_SIZE];
    enum cli_status status = chanstate_read(cli->profile, &state, &found);

    if (status == SG_CLI_OK && found && !cli->options.json && !cli->options.quiet) {
        text_duration(state.expires_s - clock_now_s(), left);
        term_line("A sealed channel is open for %s.", left);
    }
    secret_wipe(&state, sizeof(state));
    return status;
}

static enum cli_status open_by_password(struct cli *cli, const struct args *args,
                                        struct login *login)
{
    char username[SG_LOGIN_NAME_SIZE], password[SG_TERM_LINE_MAX];
    enum cli_status status = login_username(cli, args_get(args, 'u'), true, username);

    if (status != SG_CLI_OK)
        return status;
    status = password_read(args_get(args, SG_ARG_PASSWORD_FILE), "Password: ", false, password);
    login->username = username;
    login->password = password;
    if (status == SG_CLI_OK)
        status = login_create(cli, login);
    secret_wipe(password, sizeof(password));
    return status;
}

static enum cli_status open_channel(struct cli *cli, const struct args *args)
{
    struct login login = {.sealed = true,
                          .code_file = args_get(args, SG_ARG_CODE_FILE),
                          .forget_identity = args_has(args, SG_ARG_FORGET)};
    bool password = args_has(args, 'u') || args_has(args, SG_ARG_PASSWORD_FILE);
    enum cli_status status;

    if (cli->profile->has_certificate && !password)
        status = login_create(cli, &login);
    else
        status = open_by_password(cli, args, &login);
    return status == SG_CLI_OK ? say_open(cli) : status;
}

static void print_answer(const struct cli *cli, struct json_object *answer)
{
    if (cli->options.json)
        json_print(answer);
    else
        term_line("%6lld  epoch %lld  %s  %s", (long long)json_int(answer, "sequence", 0),
                  (long long)json_int(answer, "epoch", 0), json_text(answer, "text", "?"),
                  json_text(answer, "time", "?"));
    (void)fflush(stdout);
}

static enum cli_status ask_once(struct cli *cli, struct retry *retry)
{
    SG_JSON_CLEANUP struct json_object *answer = NULL;
    enum cli_status status = sealed_ask(cli, retry, &answer);

    if (status == SG_CLI_OK)
        print_answer(cli, answer);
    return status;
}

static enum cli_status data(struct cli *cli, const struct args *args)
{
    (void)args;
    return ask_once(cli, NULL);
}

/* A session that is over already is what was wanted, and nothing to report. */
static enum cli_status tell_gateway(struct cli *cli)
{
    struct report_capture errors = {.printed = {0}};
    struct http_call call = {0};
    struct http_request request = {
        .plain = true, .method = "DELETE", .target = "/v1/sessions/current"};

    if (!session_exists(cli->session))
        return SG_CLI_OK;
    report_capture(&errors);
    enum cli_status status = api_perform(cli, SG_API_USER, &request, &call);
    if (status == SG_CLI_OK && !http_call_ok(&call) && call.status != 401 && call.status != 404)
        status = report_call(cli, &call, "session close");
    report_release();
    http_call_fini(&call);
    if (status == SG_CLI_REFUSED && !session_exists(cli->session))
        status = SG_CLI_OK;
    if (status != SG_CLI_OK)
        report_replay(&errors);
    report_capture_fini(&errors);
    return status;
}

/* Ends the session on the gateway, and forgets it and its keys here. */
static enum cli_status end_channel(struct cli *cli, bool open)
{
    enum cli_status status = tell_gateway(cli);

    if (status == SG_CLI_OK)
        status = cli_worse(session_forget(cli), chanstate_forget(cli->profile));
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        SG_JSON_CLEANUP struct json_object *json = json_object_new_object();

        if (json_put_bool(json, "closed", true))
            json_print(json);
    } else if (!cli->options.quiet) {
        term_line(open ? "The channel is closed." : "No channel is open.");
    }
    return SG_CLI_OK;
}

static enum cli_status close_channel(struct cli *cli, const struct args *args)
{
    (void)args;
    return end_channel(cli, session_exists(cli->session));
}

/* The options of watch. */
static enum cli_status parse_watch(const struct args *args, int64_t *ret_interval,
                                   int64_t *ret_count)
{
    const char *interval = args_get(args, SG_ARG_INTERVAL);
    const char *count = args_get(args, SG_ARG_COUNT);

    *ret_interval = SG_SESSION_INTERVAL_S;
    *ret_count = INT64_MAX;
    if ((!interval || (text_parse_duration(interval, ret_interval) && *ret_interval > 0 &&
                       *ret_interval <= SG_SESSION_INTERVAL_MOST)) &&
        (!count || message_number(count, ret_count)))
        return SG_CLI_OK;
    return report_error(SG_CLI_USAGE, "secctl session watch --interval 30s --count 10",
                        "--interval takes a time from 1s to 1d, --count a number from 1");
}

/* Asks once more. What is refused at the end of the channel's time says no more than that. */
static enum cli_status ask_before(struct cli *cli, struct retry *retry, int64_t end_ns,
                                  bool *ret_over)
{
    struct report_capture errors = {.printed = {0}};

    report_capture(&errors);
    enum cli_status status = ask_once(cli, retry);
    report_release();
    if (status == SG_CLI_REFUSED &&
        clock_monotonic_ns() >= end_ns - SG_SESSION_END_S * SG_NS_PER_S) {
        *ret_over = true;
        status = SG_CLI_OK;
    }
    if (status != SG_CLI_OK)
        report_replay(&errors);
    report_capture_fini(&errors);
    return status;
}

/* Asks again and again until `end_s`, however often the connection breaks. */
static enum cli_status ask_on(struct cli *cli, int64_t interval, int64_t count, int64_t end_s)
{
    int64_t end_ns = clock_monotonic_ns() + end_s * SG_NS_PER_S - clock_now_ns();
    struct retry retry = {.until_ns = end_ns};
    enum cli_status status = SG_CLI_OK;
    bool over = false;

    for (int64_t i = 0; i < count && !over && !term_interrupted(); i++) {
        int64_t begin_ns = clock_monotonic_ns();

        status = ask_before(cli, &retry, end_ns, &over);
        if (i + 1 == count || over || status != SG_CLI_OK)
            break;
        /* Not two at once because the first was late. */
        int64_t now_ns = clock_monotonic_ns(), next_ns = begin_ns + interval * SG_NS_PER_S;
        if (next_ns < now_ns)
            next_ns = now_ns + interval * SG_NS_PER_S;
        over = next_ns >= end_ns;
        if (!over)
            term_wait_until(next_ns);
    }
    if (over)
        term_note("secctl: the time of the channel is over");
    return status;
}

/* Asks, and closes the channel when its time is over or the user has enough. */
static enum cli_status watch(struct cli *cli, const struct args *args)
{
    int64_t interval, count;
    struct chanstate state = {.sequence = 0};
    bool found = false;

    enum cli_status status = parse_watch(args, &interval, &count);
    if (status == SG_CLI_OK)
        status = chanstate_read(cli->profile, &state, &found);
    int64_t end_s = state.expires_s;
    secret_wipe(&state, sizeof(state));
    if (status == SG_CLI_OK)
        status = ask_on(cli, interval, count, end_s);
    /* Ctrl-C is how it is meant to end; the session is closed all the same. */
    if (term_interrupted() || status == SG_CLI_INTERRUPTED) {
        term_forgive_interrupt();
        status = SG_CLI_OK;
    }
    return cli_worse(status, end_channel(cli, found));
}

static const struct verb verbs[] = {
    {"open", false, 0, 0, NULL,
     SG_VERB_OPTIONS('u', SG_ARG_PASSWORD_FILE, SG_ARG_CODE_FILE, SG_ARG_FORGET), open_channel},
    {"data", false, 0, 0, NULL, NULL, data},
    {"watch", false, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_INTERVAL, SG_ARG_COUNT), watch},
    {"close", false, 0, 0, NULL, NULL, close_channel},
    {.name = NULL}};

enum cli_status cmd_session(struct cli *cli, const struct args *args)
{
    const struct verb *verb = NULL;
    int64_t interval, count;
    enum cli_status status = verb_choose(cli, args, verbs, &verb);

    if (status == SG_CLI_OK && verb->run == watch)
        status = parse_watch(args, &interval, &count);
    if (status == SG_CLI_OK)
        status = connect_open_sealed(cli, verb->run == data || verb->run == watch);
    return status == SG_CLI_OK ? verb->run(cli, args) : status;
}
