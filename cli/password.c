/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords, from a terminal or a file. It never shows one and never leaves one in memory. */
#include "cli/password.h"

#include "base/file.h"
#include "base/secret.h"
#include "cli/report.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum cli_status password_read_line(const char *file, const char *what, char ret[SG_TERM_LINE_MAX])
{
    SG_FD_CLEANUP int fd = -1;
    enum cli_status status;

    if (strcmp(file, "-") == 0) {
        status = term_read_line(STDIN_FILENO, ret, SG_TERM_LINE_MAX);
    } else {
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return report_errno("read", file);
        status = term_read_line(fd, ret, SG_TERM_LINE_MAX);
    }
    if (status == SG_CLI_OK && ret[0])
        return SG_CLI_OK;
    if (status == SG_CLI_INTERRUPTED)
        return status;
    return report_error(SG_CLI_USAGE, "put it on the first line", "%s holds no %s",
                        strcmp(file, "-") == 0 ? "standard input" : file, what);
}

static enum cli_status from_terminal(const char *question, bool twice, char ret[SG_TERM_LINE_MAX])
{
    char again[SG_TERM_LINE_MAX];
    enum cli_status status = term_ask_secret(question, ret, SG_TERM_LINE_MAX);

    if (status == SG_CLI_OK && !ret[0])
        status = SG_CLI_USAGE;
    if (status == SG_CLI_OK && twice) {
        status = term_ask_secret("Once more: ", again, sizeof(again));
        if (status == SG_CLI_OK && strcmp(again, ret) != 0)
            status = report_error(SG_CLI_USAGE, "try again", "the two are not the same");
        secret_wipe(again, sizeof(again));
        return status;
    }
    if (status == SG_CLI_USAGE)
        return report_error(status, NULL, "no password given");
    return status;
}

enum cli_status password_read(const char *file, const char *question, bool twice,
                              char ret[SG_TERM_LINE_MAX])
{
    if (file)
        return password_read_line(file, "password", ret);
    if (!term_can_ask())
        return report_error(SG_CLI_USAGE, "give --password-file FILE, or - for standard input",
                            "there is no terminal to ask for the password");
    return from_terminal(question, twice, ret);
}
