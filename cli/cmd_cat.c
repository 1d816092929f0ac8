/* SPDX-License-Identifier: Apache-2.0 */
/* secctl cat: writes files to standard output, and checks each against its digest. */
#include "base/buf.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/download.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/transfer.h"

#include <stdint.h>
#include <unistd.h>

enum cli_status cmd_cat(struct cli *cli, const struct args *args)
{
    struct transfer transfer;
    enum cli_status status = args_expect(args, 1, SIZE_MAX, "PATH");

    if (status == SG_CLI_OK)
        status = connect_open(cli, NULL, false);
    if (status != SG_CLI_OK)
        return status;
    transfer_init(&transfer, cli);
    for (size_t i = 0; status == SG_CLI_OK && i < args->n_operands; i++) {
        SG_BUF_CLEANUP struct buf path = {0};

        buf_init(&path, SG_REMOTE_PATH_MAX);
        remote_resolve(&path, args->operands[i]);
        status = path.failed ? report_error(SG_CLI_USAGE, NULL, "the path is too long")
                             : download_add_stream(&transfer, buf_str(&path), STDOUT_FILENO);
    }
    if (status == SG_CLI_OK)
        status = transfer_run(&transfer, 1);
    transfer_fini(&transfer);
    return status;
}
