/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator sees on standard output when the gateway is ready: address, fingerprint, what
 * to type next. */
#ifndef SG_APP_ANNOUNCE_H
#define SG_APP_ANNOUNCE_H

#include "app/config.h"
#include "app/layout.h"
#include "app/listen.h"

void announce_print(const struct config *c, const struct layout *l,
                    const struct listener *listener);

#endif
