/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of gateways as they are typed. */
#ifndef SG_CLI_URL_H
#define SG_CLI_URL_H

#include "cli/cli.h"

struct buf;

/*
 * Appends the canonical form "https://host:port" of an address. Without a scheme https is meant,
 * and then without a port 8443. Anything but scheme, host and port is refused: SG_CLI_USAGE,
 * reported.
 */
enum cli_status url_normalise(const char *typed, struct buf *ret) SG_CLI_MUST_CHECK;

/* Whether a canonical address is this machine's loopback, which no proxy can reach. */
bool url_is_loopback(const char *url);

#endif
