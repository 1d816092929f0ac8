/* SPDX-License-Identifier: Apache-2.0 */
/* `secgated-keyring accept-log --data DIR`: the way out of a closed log, on a stopped gateway. */
#ifndef SG_KEYRING_ACCEPTLOG_H
#define SG_KEYRING_ACCEPTLOG_H

#include <stdio.h>

#include "base/err.h"

/*
 * Reads DATA/log as a whole and, when it verifies in itself (every entry well-formed, the
 * checkpoint signed by the log's key and consistent with the entries), makes it what
 * DATA/keyring/log.state says. Says on `out` what it found and accepts, or why not.
 * SG_ERR_CONFLICT: a gateway runs here; SG_ERR_CORRUPT: the log does not verify; SG_ERR_NOT_FOUND:
 * there is none.
 */
enum sg_err acceptlog_run(const char *data, FILE *out) SG_MUST_CHECK;

#endif
