/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator does by hand: export, import, accept-log. */
#ifndef SG_KEYRING_COMMANDS_H
#define SG_KEYRING_COMMANDS_H

#include "keyring/options.h"

/* Runs one of them; the exit status. What was done or is wrong is said on standard error. */
int commands_run(const struct options *o);

#endif
