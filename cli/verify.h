/* SPDX-License-Identifier: Apache-2.0 */
/* secctl chat verify: whether the log of a space is whole. */
#ifndef SG_CLI_VERIFY_H
#define SG_CLI_VERIFY_H

#include "cli/cli.h"

struct verify_options {
    const char *after; /* cursor to begin after; NULL: the oldest that is left */
    const char *chain; /* the chain's value there, hex; goes with `after` */
    bool forget;       /* what was verified before does not count */
};

/*
 * Follows the chain of `space` (as typed) to its head and compares it with the last point that was
 * verified. SG_CLI_INTEGRITY when it does not hold; all is reported.
 */
enum cli_status verify_space(struct cli *cli, const char *space,
                             const struct verify_options *options) SG_CLI_MUST_CHECK;

#endif
