/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker gives up before it serves the first request. */
#ifndef SG_APP_SANDBOX_H
#define SG_APP_SANDBOX_H

#include "app/layout.h"

/* First thing in the process: not dumpable, no new privileges, no core files. */
void sandbox_harden(void);

/* Before threads start: from then on the process sees its database, blobs, certificates and the
 * system's time zones and media types, and nothing else: neither the keyring's directory nor the
 * rest of the machine. Without kernel support it logs a warning and goes on. */
void sandbox_confine(const struct layout *l, const struct config *c);

#endif
