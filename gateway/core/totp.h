/* SPDX-License-Identifier: Apache-2.0 */
/* Time-based one-time passwords (RFC 6238) by liboath. Pure: no clock, no storage. */
#ifndef SG_CORE_TOTP_H
#define SG_CORE_TOTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/secondfactor.h"

#define SG_TOTP_DIGITS    6
#define SG_TOTP_CODE_SIZE 9 /* of up to eight digits, with NUL */

/* The code of a time step (unix seconds / SG_TOTP_STEP_S) with `digits` of 6 to 8. SG_ERR_INTERNAL
 * when the library refuses. Wipe it. */
enum sg_err totp_code(const uint8_t *secret, size_t len, int64_t step, unsigned digits,
                      char ret[SG_TOTP_CODE_SIZE]) SG_MUST_CHECK;
/* Which step of `now_step` - 1, `now_step` and `now_step` + 1 has this code and is later than
 * `last_step`. SG_ERR_BAD_FACTOR when none. Takes the same time for each. */
enum sg_err totp_match(const uint8_t secret[SG_TOTP_SECRET_SIZE], const char *code,
                       int64_t now_step, int64_t last_step, int64_t *ret_step) SG_MUST_CHECK;
/* The secret as authenticators take it: base32 (RFC 4648) and the otpauth URI. `host` and `user`
 * name the account. SG_ERR_TOO_LARGE. Wipe *ret. */
enum sg_err totp_enrol(const uint8_t secret[SG_TOTP_SECRET_SIZE], const char *host,
                       const char *user, struct totp_enrolment *ret) SG_MUST_CHECK;

#endif
