/* SPDX-License-Identifier: Apache-2.0 */
/* secctl sign: signs files and directories by their digests, and stored ones by their paths. */
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/sign.h"
#include "cli/signlist.h"
#include "cli/term.h"

static enum cli_status collect(struct signlist *list, const struct args *args)
{
    const char *out = args_get(args, SG_ARG_OUT);
    bool stored = args_has(args, SG_ARG_STORED);
    enum cli_status status = SG_CLI_OK;

    if (stored && args->n_operands == 0)
        return report_error(SG_CLI_USAGE, "secctl sign --key K --stored SPACE/NAME...",
                            "which stored files?");
    if (stored && args_has(args, SG_ARG_SHA512))
        return report_error(SG_CLI_USAGE, "the gateway has their SHA-256; sign a copy here",
                            "--sha512 goes without --stored");
    if (args->n_operands == 0)
        status = signlist_add_current(list, out);
    for (size_t i = 0; i < args->n_operands && !term_interrupted(); i++)
        status = cli_worse(status, stored ? signlist_add_stored(list, args->operands[i], out)
                                          : signlist_add(list, args->operands[i], out));
    if (status == SG_CLI_OK && term_interrupted())
        status = SG_CLI_INTERRUPTED;
    if (status == SG_CLI_OK)
        status = signlist_check(list);
    if (status == SG_CLI_OK && list->left_out)
        term_note("secctl: %zu file%s left out that hold signatures", list->left_out,
                  list->left_out == 1 ? "" : "s");
    return status;
}

enum cli_status cmd_sign(struct cli *cli, const struct args *args)
{
    struct sign_options options = {.key = args_get(args, SG_ARG_KEY),
                                   .sha512 = args_has(args, SG_ARG_SHA512),
                                   .force = args_has(args, 'f')};
    struct signlist list = {0};
    enum cli_status status = sidecar_choose(args_get(args, SG_ARG_FORMAT), &options.choice);

    if (status == SG_CLI_OK && !options.key)
        status = report_error(SG_CLI_USAGE, "--key NAME; see: secctl keys", "with which key?");
    if (status == SG_CLI_OK)
        status = collect(&list, args);
    if (status == SG_CLI_OK)
        status = sign_run(cli, &list, &options);
    signlist_free(&list);
    return status;
}
