/* SPDX-License-Identifier: Apache-2.0 */
/* secctl login: makes a session and keeps it. */
#include "base/secret.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/login.h"
#include "cli/password.h"

enum cli_status cmd_login(struct cli *cli, const struct args *args)
{
    char username[SG_LOGIN_NAME_SIZE], password[SG_TERM_LINE_MAX];
    enum cli_status status = args_expect(args, 0, 1, "URL");

    if (status == SG_CLI_OK)
        status = connect_open(cli, args->n_operands ? args->operands[0] : NULL, true);
    if (status == SG_CLI_OK)
        status = login_username(cli, args_get(args, 'u'), true, username);
    if (status != SG_CLI_OK)
        return status;
    status = password_read(args_get(args, SG_ARG_PASSWORD_FILE), "Password: ", false, password);
    if (status == SG_CLI_OK)
        status = login_create(cli, username, password);
    secret_wipe(password, sizeof(password));
    return status;
}
