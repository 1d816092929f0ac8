/* SPDX-License-Identifier: Apache-2.0 */
/* What a command can do: the first operand says which of it ("secctl tokens create NAME"). */
#ifndef SG_CLI_VERB_H
#define SG_CLI_VERB_H

#include "cli/args.h"
#include "cli/cli.h"

#include <stdint.h>

/* As many operands as there are. */
#define SG_VERB_ANY (SIZE_MAX - 1)

/* Options that a verb takes, by their keys in the command's table. */
#define SG_VERB_OPTIONS(...) ((const int[]){__VA_ARGS__, 0})

/* One of them; a table of them ends with name NULL. */
struct verb {
    const char *name;
    bool standard;      /* the one that is meant when there are no operands */
    size_t least, most; /* operands behind it */
    const char *what;   /* what they are called */
    const int *options; /* SG_VERB_OPTIONS; NULL: those of every command only */
    enum cli_status (*run)(struct cli *cli, const struct args *args);
};

/* The verb that the operands name, which are as many as it takes, without options of another one.
 * SG_CLI_USAGE, reported. */
enum cli_status verb_choose(const struct cli *cli, const struct args *args,
                            const struct verb *verbs, const struct verb **ret) SG_CLI_MUST_CHECK;

/* Chooses it, opens the connection (connect_open) and runs it. */
enum cli_status verb_run(struct cli *cli, const struct args *args,
                         const struct verb *verbs) SG_CLI_MUST_CHECK;

#endif
