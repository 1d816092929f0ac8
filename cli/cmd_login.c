/* SPDX-License-Identifier: Apache-2.0 */
/* secctl login: makes a session and keeps it. */
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/login.h"
#include "cli/password.h"
#include "cli/profile.h"
#include "cli/report.h"
#include "cli/weblogin.h"

static enum cli_status by_password(struct cli *cli, const struct args *args)
{
    char username[SG_LOGIN_NAME_SIZE], password[SG_TERM_LINE_MAX];
    struct login login = {
        .username = username, .password = password, .code_file = args_get(args, SG_ARG_CODE_FILE)};
    enum cli_status status = login_username(cli, args_get(args, 'u'), true, username);

    if (status != SG_CLI_OK)
        return status;
    status = password_read(args_get(args, SG_ARG_PASSWORD_FILE), "Password: ", false, password);
    if (status == SG_CLI_OK)
        status = login_create(cli, &login);
    secret_wipe(password, sizeof(password));
    return status;
}

enum cli_status cmd_login(struct cli *cli, const struct args *args)
{
    static const struct login by_certificate = {.username = NULL};
    bool web = args_has(args, SG_ARG_WEB);
    enum cli_status status = args_expect(args, 0, 1, "URL");

    if (status == SG_CLI_OK && web &&
        (args_has(args, 'u') || args_has(args, SG_ARG_PASSWORD_FILE) ||
         args_has(args, SG_ARG_CODE_FILE)))
        status = report_error(SG_CLI_USAGE, "who logs in is decided in the browser",
                              "--web goes without name, password and code");
    if (status == SG_CLI_OK && !web && args_has(args, SG_ARG_SCOPES))
        status = report_error(SG_CLI_USAGE, "secctl login --web --scopes files:read",
                              "--scopes belongs to --web");
    if (status == SG_CLI_OK)
        status = connect_open(cli, args->n_operands ? args->operands[0] : NULL, true);
    if (status != SG_CLI_OK)
        return status;
    if (web)
        return weblogin(cli, args_get(args, SG_ARG_SCOPES));
    if (cli->profile->has_certificate && !args_has(args, 'u') &&
        !args_has(args, SG_ARG_PASSWORD_FILE))
        return login_create(cli, &by_certificate);
    return by_password(cli, args);
}
