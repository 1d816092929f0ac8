/* SPDX-License-Identifier: Apache-2.0 */
/* secctl certificates and secctl passkeys: what logs in without a password, listed and taken away.
 */
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/verb.h"

#include <json-c/json.h>
#include <stdio.h>

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
    const char *user = args_get(args, SG_ARG_USER);

    buf_init(&target, 4096);
    buf_puts(&target, "/v1/certificates");
    if (user)
        remote_query(&target, "user", user);
    if (args_has(args, SG_ARG_ALL))
        remote_query(&target, "all", "true");
    if (target.failed)
        return report_error(SG_CLI_USAGE, NULL, "there is no such user");
    return list_show(cli, buf_str(&target), user, &view);
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

static enum cli_status delete_all(struct cli *cli, const struct args *args, const char *prefix)
{
    enum cli_status status = SG_CLI_OK;

    for (size_t i = 1; i < args->n_operands; i++)
        status = cli_worse(status, list_delete(cli, prefix, args->operands[i]));
    return status;
}

static enum cli_status revoke_certificates(struct cli *cli, const struct args *args)
{
    return delete_all(cli, args, "/v1/certificates/");
}

static enum cli_status delete_passkeys(struct cli *cli, const struct args *args)
{
    return delete_all(cli, args, "/v1/passkeys/");
}

static const struct verb certificate_verbs[] = {
    {"list", true, 0, 0, NULL, SG_VERB_OPTIONS(SG_ARG_USER, SG_ARG_ALL), list_certificates},
    {"revoke", false, 1, SG_VERB_ANY, "ID", NULL, revoke_certificates},
    {.name = NULL}};

static const struct verb passkey_verbs[] = {
    {"list", true, 0, 0, NULL, NULL, list_passkeys},
    {"rm", false, 1, SG_VERB_ANY, "ID", NULL, delete_passkeys},
    {.name = NULL}};

enum cli_status cmd_certificates(struct cli *cli, const struct args *args)
{
    return verb_run(cli, args, certificate_verbs);
}

enum cli_status cmd_passkeys(struct cli *cli, const struct args *args)
{
    return verb_run(cli, args, passkey_verbs);
}
