/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day as RFC 867 text in any IANA time zone. Thread safe; reads the zone database. */
#ifndef SG_CORE_DAYTIME_H
#define SG_CORE_DAYTIME_H

#include <stdint.h>

#include "base/err.h"

#define SG_DAYTIME_SIZE 96
struct daytime {
    char line[SG_DAYTIME_SIZE];    /* "Friday, November 20, 2026 16:02:14-UTC" (RFC 867 syntax 1) */
    char rfc3339[SG_DAYTIME_SIZE]; /* with the zone's offset, nanoseconds cut to milliseconds */
    char timezone[SG_DAYTIME_SIZE]; /* the IANA name, as known to the database */
};

/* `zone` NULL or "" is UTC. SG_ERR_BAD_TIMEZONE when the database has no such name. */
enum sg_err daytime_format(int64_t unix_ns, const char *zone, struct daytime *ret) SG_MUST_CHECK;

#endif
