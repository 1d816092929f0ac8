/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: one row in the table of commands.c and one file each. */
#ifndef SG_CLI_COMMANDS_H
#define SG_CLI_COMMANDS_H

#include "cli/args.h"
#include "cli/cli.h"

struct commands_row {
    const char *name;
    const char *usage; /* what follows the name */
    const char *summary;
    enum cli_status (*run)(struct cli *cli, const struct args *args);
    const struct args_option *options; /* NULL: only those that every command takes */
    const char *details;               /* more lines for --help, NULL: none */
};

/* The row of a command; NULL when there is none. */
const struct commands_row *commands_find(const char *name);

/* Prints the overview, or everything about one command, on standard output. */
void commands_overview(void);
void commands_help(const struct commands_row *row);

enum cli_status cmd_audit(struct cli *cli, const struct args *args);
enum cli_status cmd_cat(struct cli *cli, const struct args *args);
enum cli_status cmd_certificates(struct cli *cli, const struct args *args);
enum cli_status cmd_chat(struct cli *cli, const struct args *args);
enum cli_status cmd_daytime(struct cli *cli, const struct args *args);
enum cli_status cmd_enroll(struct cli *cli, const struct args *args);
enum cli_status cmd_get(struct cli *cli, const struct args *args);
enum cli_status cmd_help(struct cli *cli, const struct args *args);
enum cli_status cmd_invite(struct cli *cli, const struct args *args);
enum cli_status cmd_keys(struct cli *cli, const struct args *args);
enum cli_status cmd_leave(struct cli *cli, const struct args *args);
enum cli_status cmd_log(struct cli *cli, const struct args *args);
enum cli_status cmd_login(struct cli *cli, const struct args *args);
enum cli_status cmd_logout(struct cli *cli, const struct args *args);
enum cli_status cmd_ls(struct cli *cli, const struct args *args);
enum cli_status cmd_members(struct cli *cli, const struct args *args);
enum cli_status cmd_mv(struct cli *cli, const struct args *args);
enum cli_status cmd_passwd(struct cli *cli, const struct args *args);
enum cli_status cmd_passkeys(struct cli *cli, const struct args *args);
enum cli_status cmd_put(struct cli *cli, const struct args *args);
enum cli_status cmd_rm(struct cli *cli, const struct args *args);
enum cli_status cmd_say(struct cli *cli, const struct args *args);
enum cli_status cmd_session(struct cli *cli, const struct args *args);
enum cli_status cmd_sessions(struct cli *cli, const struct args *args);
enum cli_status cmd_sign(struct cli *cli, const struct args *args);
enum cli_status cmd_signup(struct cli *cli, const struct args *args);
enum cli_status cmd_spaces(struct cli *cli, const struct args *args);
enum cli_status cmd_status(struct cli *cli, const struct args *args);
enum cli_status cmd_tail(struct cli *cli, const struct args *args);
enum cli_status cmd_tls(struct cli *cli, const struct args *args);
enum cli_status cmd_tokens(struct cli *cli, const struct args *args);
enum cli_status cmd_totp(struct cli *cli, const struct args *args);
enum cli_status cmd_users(struct cli *cli, const struct args *args);
enum cli_status cmd_verify(struct cli *cli, const struct args *args);
enum cli_status cmd_version(struct cli *cli, const struct args *args);
enum cli_status cmd_watch(struct cli *cli, const struct args *args);
enum cli_status cmd_who(struct cli *cli, const struct args *args);
enum cli_status cmd_whoami(struct cli *cli, const struct args *args);

#endif
