/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second factors: time-based codes (TOTP, RFC 6238), recovery codes, and passkeys (WebAuthn), which
 * log in by themselves. Secrets are sealed in the store.
 */
#ifndef SG_CORE_SECONDFACTOR_H
#define SG_CORE_SECONDFACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct secondfactor;

/* Whether a login with the password also needs a code. Blocks (reads). */
enum sg_err secondfactor_needed(struct secondfactor *f, int64_t user_id, bool *ret) SG_MUST_CHECK;
/* Takes a code of the authenticator (six digits, each time step once, one step of skew) or a
 * recovery code (each once). SG_ERR_BAD_FACTOR. *ret_recovery: it was a recovery code. Blocks
 * (writes). */
enum sg_err secondfactor_check(struct secondfactor *f, int64_t user_id, const char *code,
                               bool *ret_recovery) SG_MUST_CHECK;

#endif
