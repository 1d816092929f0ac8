/* SPDX-License-Identifier: Apache-2.0 */
/* secctl help: explains a command, or lists all. */
#include "cli/commands.h"
#include "cli/report.h"

enum cli_status cmd_help(struct cli *cli, const struct args *args)
{
    enum cli_status status = args_expect(args, 0, 1, "COMMAND");

    (void)cli;
    if (status != SG_CLI_OK)
        return status;
    if (args->n_operands == 0) {
        commands_overview();
        return SG_CLI_OK;
    }
    const struct commands_row *row = commands_find(args->operands[0]);
    if (!row)
        return report_error(SG_CLI_USAGE, "see: secctl --help", "there is no command \"%s\"",
                            args->operands[0]);
    commands_help(row);
    return SG_CLI_OK;
}
