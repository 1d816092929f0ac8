/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on second factors have in common: password and code in the body, recovery
 * codes in the answer. */
#ifndef SG_API_TOTP_REQUEST_H
#define SG_API_TOTP_REQUEST_H

#include "core/audit.h"
#include "core/secondfactor.h"

struct request;

/* Reads {password, code}, or {password} with `coded` false, and checks both as a login would; what
 * fails is noted in the audit log as a failed act of `type`. Blocks (argon2). */
enum sg_err totp_request_confirm(struct request *r, bool coded, enum audit_type type) SG_MUST_CHECK;
/* 200 with the codes, which are wiped. */
enum sg_err totp_request_codes(struct request *r,
                               char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE]) SG_MUST_CHECK;

#endif
