/* SPDX-License-Identifier: Apache-2.0 */
/* secctl tls: shows how the connection is protected, as the gateway sees it. */
#include "base/buf.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/term.h"
#include "cli/tlsinfo.h"

#include <json-c/json.h>

static void show_certificate(const char *what, struct json_object *certificate)
{
    SG_BUF_CLEANUP struct buf names = {0};
    struct json_object *list = json_array(certificate, "names");

    if (!certificate)
        return;
    buf_init(&names, 8192);
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        buf_printf(&names, "%s%s", i ? ", " : "",
                   json_object_get_string(json_object_array_get_idx(list, i)));
    term_line("%-12s %s", what, json_text(certificate, "subject", "?"));
    if (names.len)
        term_line("  names      %s", buf_str(&names));
    term_line("  not after  %s", json_text(certificate, "not_after", "?"));
    term_line("  SHA-256    %s", json_text(certificate, "sha256", "?"));
}

enum cli_status cmd_tls(struct cli *cli, const struct args *args)
{
    SG_JSON_CLEANUP struct json_object *tls = NULL;
    char line[256];
    enum cli_status status = args_expect(args, 0, 0, NULL);

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status == SG_CLI_OK)
        status = api_call(cli, SG_API_PUBLIC, "GET", "/v1/tls", NULL, "tls", &tls);
    if (status != SG_CLI_OK)
        return status;
    if (cli->options.json) {
        json_print(tls);
        return SG_CLI_OK;
    }
    tlsinfo_format(tls, line, sizeof(line));
    term_line("%-12s %s", "connection", line);
    show_certificate("gateway", json_member(tls, "server_certificate"));
    if (json_member(tls, "client_certificate"))
        show_certificate("client", json_member(tls, "client_certificate"));
    else
        term_line("%-12s no certificate", "client");
    return SG_CLI_OK;
}
