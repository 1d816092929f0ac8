/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON exchange with the session's authority. It never repeats what the gateway has accepted.
 */
#include "cli/api.h"

#include "base/buf.h"
#include "base/secret.h"
#include "cli/http.h"
#include "cli/json.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/session.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SG_API_BODY_MAX (size_t)65536

/* A wrong password or code has nothing to do with the token. */
static bool is_about_credentials(const struct http_call *call)
{
    const char *text = buf_str(&call->body);

    return memmem(text, call->body.len, "\"credentials-invalid\"", 21) ||
           memmem(text, call->body.len, "\"second-factor-", 15);
}

enum cli_status api_perform(struct cli *cli, enum api_authority authority,
                            struct http_request *request, struct http_call *call)
{
    enum cli_status status = SG_CLI_OK;
    const char *token = NULL;
    char *rejected = NULL;

    for (int attempt = 0; attempt < 2; attempt++) {
        if (authority == SG_API_USER)
            status = session_token(cli, rejected, &token);
        if (status != SG_CLI_OK)
            break;
        request->token = token;
        http_call_fini(call);
        status = http_perform(cli->http, call, request);
        if (status != SG_CLI_OK || authority == SG_API_PUBLIC || call->status != 401 || attempt)
            break;
        if (is_about_credentials(call) || cli->session->script)
            break;
        rejected = strdup(token);
        if (!rejected)
            return report_no_memory();
    }
    secret_free_string(rejected);
    return status;
}

static enum cli_status take_answer(const struct http_call *call, const char *subject,
                                   struct json_object **ret)
{
    if (call->body.len == 0)
        return SG_CLI_OK;
    struct json_object *json = json_parse(buf_str(&call->body), call->body.len);
    if (!json)
        return report_error(SG_CLI_REFUSED, "is it a secgate gateway of this version?",
                            "%s: the gateway's answer cannot be understood", subject);
    *ret = json;
    return SG_CLI_OK;
}

enum cli_status api_call(struct cli *cli, enum api_authority authority, const char *method,
                         const char *target, struct json_object *body, const char *subject,
                         struct json_object **ret)
{
    struct http_call call = {0};
    struct http_request request = {.method = method, .target = target};
    struct json_object *answer = NULL;
    struct buf text;

    buf_init(&text, SG_API_BODY_MAX);
    if (body) {
        json_append(&text, body);
        request.content_type = "application/json";
        request.body = buf_str(&text);
        request.body_len = text.len;
    }
    enum cli_status status = api_perform(cli, authority, &request, &call);
    if (status == SG_CLI_OK && !http_call_ok(&call))
        status = report_call(cli, &call, subject);
    else if (status == SG_CLI_OK)
        status = take_answer(&call, subject, &answer);
    if (ret && status == SG_CLI_OK)
        *ret = answer;
    else
        (void)json_object_put(answer);
    buf_wipe(&text);
    http_call_fini(&call);
    return status;
}

enum cli_status api_persist(struct cli *cli, struct retry *retry,
                            const struct http_request *request, const char *subject,
                            struct json_object **ret)
{
    struct report_capture errors = {.printed = {0}};
    enum cli_status status;
    bool again;

    do {
        struct http_request one = *request;
        struct http_call call = {0};

        report_capture(&errors);
        status = api_perform(cli, SG_API_USER, &one, &call);
        again = status == SG_CLI_OK ? !http_call_ok(&call) && retry_is_worth(&call)
                                    : cli->session->may_pass;
        if (status == SG_CLI_OK)
            status = http_call_ok(&call) ? take_answer(&call, subject, ret)
                                         : report_call(cli, &call, subject);
        report_release();
        again = again && retry_again(retry, call.retry_after, buf_str(&errors.message));
        http_call_fini(&call);
    } while (again);
    if (status == SG_CLI_OK)
        retry_done(retry);
    else if (term_interrupted())
        status = SG_CLI_INTERRUPTED;
    else
        report_replay(&errors);
    report_capture_fini(&errors);
    return status;
}
