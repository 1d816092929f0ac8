/* SPDX-License-Identifier: Apache-2.0 */
/* secctl signup: makes an account and logs in. */
#include "base/secret.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/login.h"
#include "cli/password.h"
#include "cli/report.h"

#include <json-c/json.h>

static enum cli_status create(struct cli *cli, const char *username, const char *password,
                              const char *code)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();

    if (!json_put_text(body, "username", username) || !json_put_text(body, "password", password) ||
        (code && !json_put_text(body, "code", code)))
        return report_no_memory();
    return api_call(cli, SG_API_PUBLIC, "POST", "/v1/users", body, "signup", NULL);
}

enum cli_status cmd_signup(struct cli *cli, const struct args *args)
{
    char username[SG_LOGIN_NAME_SIZE], password[SG_TERM_LINE_MAX];
    enum cli_status status = args_expect(args, 0, 1, "URL");

    if (status == SG_CLI_OK)
        status = connect_open(cli, args->n_operands ? args->operands[0] : NULL, true);
    if (status == SG_CLI_OK)
        status = login_username(cli, args_get(args, 'u'), false, username);
    if (status != SG_CLI_OK)
        return status;
    status = password_read(args_get(args, SG_ARG_PASSWORD_FILE), "New password: ", true, password);
    if (status == SG_CLI_OK)
        status = create(cli, username, password, args_get(args, SG_ARG_CODE));
    if (status == SG_CLI_OK)
        status = login_create(cli, &(struct login){.username = username, .password = password});
    secret_wipe(password, sizeof(password));
    return status;
}
