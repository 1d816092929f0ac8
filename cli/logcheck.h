/* SPDX-License-Identifier: Apache-2.0 */
/* secctl log check: whether the log is the one that was seen before, and only grew. */
#ifndef SG_CLI_LOGCHECK_H
#define SG_CLI_LOGCHECK_H

#include "cli/cli.h"

#include <stdint.h>

struct buf;
struct tile;

/*
 * Follows the log from the last point that the profile knows of (log.json). SG_CLI_HISTORY, said
 * loudly, when it was changed; the two checkpoints that contradict each other are kept then.
 * `given` is a verifier key (NULL: the pinned one), `forget` drops what was seen.
 */
enum cli_status logcheck_run(struct cli *cli, const char *given, bool forget) SG_CLI_MUST_CHECK;

/* Fetches a tile or bundle below /log. */
enum cli_status logcheck_fetch(struct cli *cli, const struct tile *tile,
                               struct buf *ret) SG_CLI_MUST_CHECK;

#endif
