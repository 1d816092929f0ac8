/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on second factors have in common: password and code in the body, recovery
 * codes in the answer. */
#ifndef SG_API_TOTP_REQUEST_H
#define SG_API_TOTP_REQUEST_H

#include "core/audit.h"
#include "core/secondfactor.h"

struct request;

/* Whether a code goes with the password. */
enum totp_code {
    SG_TOTP_CODE_NONE,   /* there is no place for one */
    SG_TOTP_CODE_IF_ON,  /* if codes are asked for at logins: SG_ERR_FACTOR_NEEDED */
    SG_TOTP_CODE_ALWAYS, /* it must be there */
};

/* Reads {password, code} and checks both as a login would; what fails is noted in the audit log as
 * a failed act of `type`, and a recovery code that was used up as such. Blocks (argon2). */
enum sg_err totp_request_confirm(struct request *r, enum totp_code coded,
                                 enum audit_type type) SG_MUST_CHECK;
/* 200 with the codes, which are wiped. */
enum sg_err totp_request_codes(struct request *r,
                               char codes[SG_RECOVERY_CODES][SG_RECOVERY_CODE_SIZE]) SG_MUST_CHECK;

#endif
