/* SPDX-License-Identifier: Apache-2.0 */
/* The session that a path names. */
#ifndef SG_API_SESSION_REQUEST_H
#define SG_API_SESSION_REQUEST_H

#include <stdint.h>

#include "base/err.h"
#include "store/sessions.h"

struct request;

/* `{id}` of the path: 32 lower-case hex digits, or `current`. SG_ERR_NOT_FOUND for anything else.
 */
enum sg_err session_request_id(struct request *r, uint8_t ret[SG_SESSION_ID_SIZE]) SG_MUST_CHECK;
/* The same, for who logged in (SG_ERR_LOGIN_NEEDED for others); with fewer scopes than the user's
 * only the session of the request. */
enum sg_err session_request_mine(struct request *r, uint8_t ret[SG_SESSION_ID_SIZE]) SG_MUST_CHECK;

#endif
