/* SPDX-License-Identifier: Apache-2.0 */
/* secctl passwd: changes the password. */
#include "base/secret.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/password.h"
#include "cli/report.h"
#include "cli/session.h"

#include <json-c/json.h>

static enum cli_status change(struct cli *cli, const char *old, const char *new)
{
    SG_JSON_CLEANUP struct json_object *body = json_object_new_object();
    SG_JSON_CLEANUP struct json_object *user = NULL;

    if (!json_put_text(body, "old_password", old) || !json_put_text(body, "new_password", new))
        return report_no_memory();
    enum cli_status status =
        api_call(cli, SG_API_USER, "PATCH", "/v1/users/me", body, "passwd", &user);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json)
        json_print(user);
    else if (!cli->options.quiet)
        term_line("The password of %s was changed; other sessions were ended.",
                  json_text(user, "username", cli->session->username));
    return SG_CLI_OK;
}

enum cli_status cmd_passwd(struct cli *cli, const struct args *args)
{
    char old[SG_TERM_LINE_MAX], new[SG_TERM_LINE_MAX];
    const char *ignored = NULL;
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    /* Before passwords are asked for in vain. */
    if (status == SG_CLI_OK)
        status = session_token(cli, NULL, &ignored);
    if (status != SG_CLI_OK)
        return status;
    status = password_read(args_get(args, SG_ARG_OLD_PASSWORD_FILE), "Old password: ", false, old);
    if (status == SG_CLI_OK)
        status = password_read(args_get(args, SG_ARG_PASSWORD_FILE), "New password: ", true, new);
    if (status == SG_CLI_OK)
        status = change(cli, old, new);
    secret_wipe(old, sizeof(old));
    secret_wipe(new, sizeof(new));
    return status;
}
