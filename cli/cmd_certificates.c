/* SPDX-License-Identifier: Apache-2.0 */
/* secctl certificates and secctl passkeys: what logs in without a password, listed and taken away.
 */
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/term.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void add_certificate(struct table *table, struct json_object *c)
{
    char expires[SG_TEXT_SIZE], revoked[SG_TEXT_SIZE], sha256[17];

    list_time(c, "expires_at", expires);
    list_time(c, "revoked_at", revoked);
    snprintf(sha256, sizeof(sha256), "%.16s", json_text(c, "sha256", "?"));
    table_row(table,
              (const char *[]){json_truth(c, "current", false) ? "*" : "", json_text(c, "id", "?"),
                               json_text(c, "user", "?"), expires, revoked, sha256,
                               json_text(c, "name", "-")},
              NULL);
}

static enum cli_status list_certificates(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {
        .key = "certificates",
        .titles = {"", "CERTIFICATE", "USER", "EXPIRES", "REVOKED", "SHA-256", "NAME"},
        .row = add_certificate};
    SG_BUF_CLEANUP struct buf target = {0};

    buf_init(&target, 4096);
    buf_puts(&target, "/v1/certificates");
    if (args_has(args, SG_ARG_USER))
        remote_query(&target, "user", args_get(args, SG_ARG_USER));
    if (args_has(args, SG_ARG_ALL))
        remote_query(&target, "all", "true");
    if (target.failed)
        return report_error(SG_CLI_USAGE, NULL, "there is no such user");
    return list_show(cli, buf_str(&target), NULL, &view);
}

static void add_passkey(struct table *table, struct json_object *p)
{
    char created[SG_TEXT_SIZE], used[SG_TEXT_SIZE];

    list_time(p, "created_at", created);
    list_time(p, "last_used_at", used);
    table_row(table,
              (const char *[]){json_text(p, "id", "?"), created, used, json_text(p, "name", "?")},
              NULL);
}

static enum cli_status list_passkeys(struct cli *cli, const struct args *args)
{
    static const struct list_view view = {.key = "passkeys",
                                          .titles = {"PASSKEY", "CREATED", "LAST USED", "NAME"},
                                          .row = add_passkey};

    (void)args;
    return list_show(cli, "/v1/passkeys", NULL, &view);
}

/* "list", or `remove` with ids. */
static enum cli_status run(struct cli *cli, const struct args *args, const char *what,
                           const char *remove, const char *prefix,
                           enum cli_status (*list)(struct cli *cli, const struct args *args))
{
    const char *verb = args->n_operands ? args->operands[0] : "list";
    bool removes = strcmp(verb, remove) == 0;
    char next[64];
    enum cli_status status;

    snprintf(next, sizeof(next), "see: secctl %s --help", what);
    if (!removes && strcmp(verb, "list") != 0)
        status = report_error(SG_CLI_USAGE, next, "%s cannot be \"%s\"", what, verb);
    else
        status = args_expect(args, removes ? 2 : 0, removes ? SIZE_MAX : 1, "ID");
    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK || !removes)
        return status == SG_CLI_OK ? list(cli, args) : status;
    for (size_t i = 1; i < args->n_operands; i++)
        status = cli_worse(status, list_delete(cli, prefix, args->operands[i]));
    return status;
}

enum cli_status cmd_certificates(struct cli *cli, const struct args *args)
{
    return run(cli, args, "certificates", "revoke", "/v1/certificates/", list_certificates);
}

enum cli_status cmd_passkeys(struct cli *cli, const struct args *args)
{
    return run(cli, args, "passkeys", "rm", "/v1/passkeys/", list_passkeys);
}
