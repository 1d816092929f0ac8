/* SPDX-License-Identifier: Apache-2.0 */
/* The last point of each space's log that was verified, kept by the profile (verified.json). */
#ifndef SG_CLI_VERIFIED_H
#define SG_CLI_VERIFIED_H

#include "cli/cli.h"
#include "cli/digest.h"

#include <stdint.h>

struct profile;

struct verified {
    int64_t seq; /* 0: none */
    int64_t at;  /* seconds since 1970 */
    uint8_t chain[SG_DIGEST_BYTES];
};

/* What is known of `space`. SG_CLI_USAGE, reported, when the file is damaged. */
enum cli_status verified_get(struct profile *profile, const char *space,
                             struct verified *ret) SG_CLI_MUST_CHECK;

/* Keeps it; `v` NULL forgets the space. */
enum cli_status verified_set(struct profile *profile, const char *space,
                             const struct verified *v) SG_CLI_MUST_CHECK;

#endif
