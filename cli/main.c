/* SPDX-License-Identifier: Apache-2.0 */
/* secctl: finds the command and runs it. What a command does is in its own file. */
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/report.h"
#include "cli/term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Takes over what was given; options after the command count more than those before it. */
static void take_options(struct cli_options *o, const struct args *args)
{
    if (args_has(args, SG_ARG_PROFILE))
        o->profile = args_get(args, SG_ARG_PROFILE);
    if (args_has(args, SG_ARG_URL))
        o->url = args_get(args, SG_ARG_URL);
    if (args_has(args, SG_ARG_CA))
        o->ca_file = args_get(args, SG_ARG_CA);
    if (args_has(args, SG_ARG_FINGERPRINT))
        o->fingerprint = args_get(args, SG_ARG_FINGERPRINT);
    if (args_has(args, SG_ARG_TOKEN_FILE))
        o->token_file = args_get(args, SG_ARG_TOKEN_FILE);
    o->sealed = o->sealed || args_has(args, SG_ARG_SEALED);
    o->json = o->json || args_has(args, SG_ARG_JSON);
    o->quiet = o->quiet || args_has(args, 'q');
    o->no_progress = o->no_progress || args_has(args, SG_ARG_NO_PROGRESS);
}

static enum cli_status run_command(struct cli *cli, const struct commands_row *row, int argc,
                                   char **argv)
{
    struct args args;
    char help[64];
    enum cli_status status;

    snprintf(help, sizeof(help), "secctl %s --help", row->name);
    status = args_parse(&args, argc, argv, row->options, false, help);
    if (status != SG_CLI_OK)
        return status;
    if (args_has(&args, SG_ARG_HELP)) {
        commands_help(row);
        return SG_CLI_OK;
    }
    take_options(&cli->options, &args);
    cli->command = row->name;
    report_setup(cli->options.json);
    term_setup(cli->options.quiet,
               !cli->options.quiet && !cli->options.json && !cli->options.no_progress);
    status = row->run(cli, &args);
    connect_close(cli);
    return status;
}

static enum cli_status run(struct cli *cli, int argc, char **argv)
{
    static const struct args_option own[] = {
        {'h', NULL, NULL, NULL}, {'V', "version", NULL, NULL}, {0, NULL, NULL, NULL}};
    struct args args;
    const char *name;
    enum cli_status status = args_parse(&args, argc, argv, own, true, "secctl --help");

    if (status != SG_CLI_OK)
        return status;
    if (args_has(&args, SG_ARG_HELP) || args_has(&args, 'h')) {
        commands_overview();
        return SG_CLI_OK;
    }
    take_options(&cli->options, &args);
    name = args_has(&args, 'V') ? "version" : args.n_operands ? args.operands[0] : NULL;
    if (!name)
        return report_error(SG_CLI_USAGE, "see: secctl --help", "which command?");
    const struct commands_row *row = commands_find(name);
    if (!row)
        return report_error(SG_CLI_USAGE, "see: secctl --help", "there is no command \"%s\"", name);
    if (args.n_operands == 0)
        return run_command(cli, row, 1, argv);
    return run_command(cli, row, (int)args.n_operands, args.operands);
}

int main(int argc, char **argv)
{
    struct cli cli = {.profile = NULL};
    enum cli_status status;

    /* Standard descriptors that are closed would be given to files. */
    if (!stdin || !stdout || !stderr || argc < 1)
        return SG_CLI_USAGE;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            report_setup(true);
    }
    term_setup(false, true);
    status = run(&cli, argc, argv);
    connect_close(&cli);
    status = cli_worse(status, term_finish());
    if (term_interrupted()) {
        /* As the shell expects it: the end by the signal itself. */
        (void)signal(term_interrupted(), SIG_DFL);
        (void)raise(term_interrupted());
    }
    return (int)status;
}
