/* SPDX-License-Identifier: Apache-2.0 */
/* secctl audit verify: whether the audit log is whole, and the one that was seen before. */
#ifndef SG_CLI_AUDITCHECK_H
#define SG_CLI_AUDITCHECK_H

#include "cli/cli.h"
#include "cli/digest.h"

#include <stdint.h>

struct json_object;

/* Where a check stands. */
struct auditcheck {
    int64_t seq; /* of the entry followed last */
    uint8_t chain[SG_DIGEST_BYTES];
};

/* Follows one entry (docs/audit.md); NULL when it holds, else what is wrong with it. */
const char *auditcheck_follow(struct auditcheck *c, struct json_object *entry);

/*
 * Recomputes the chain of all entries that are kept, and compares it with the value that the last
 * check has left in the profile (audit.json); `forget` drops that. SG_CLI_INTEGRITY, said loudly,
 * when something was altered, removed, added or put into another order.
 */
enum cli_status auditcheck_run(struct cli *cli, bool forget) SG_CLI_MUST_CHECK;

#endif
