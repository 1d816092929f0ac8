/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of error answers; it never writes bodies. */
#include "api/answer.h"

#include <stdio.h>

#include "http/request.h"

#define CHALLENGE           "Bearer realm=\"secgate\""
#define DPOP                "DPoP realm=\"secgate\", algs=\"ES256 EdDSA RS256\""
#define WAITERS_RETRY_AFTER "5" /* seconds */

enum sg_err answer_error(struct request *r, enum sg_err err, unsigned retry_after_s)
{
    char text[16];

    if (err == SG_ERR_THROTTLED) {
        (void)snprintf(text, sizeof text, "%u", retry_after_s > 0 ? retry_after_s : 1);
        reply_header(r, "Retry-After", text);
    } else if (err == SG_ERR_TOO_MANY_WAITERS) {
        reply_header(r, "Retry-After", WAITERS_RETRY_AFTER);
    } else if (err == SG_ERR_TOKEN_INVALID || err == SG_ERR_TOKEN_EXPIRED ||
               err == SG_ERR_SESSION_ENDED || err == SG_ERR_SESSION_EXPIRED ||
               err == SG_ERR_TOKEN_MISMATCH) {
        reply_header(r, "WWW-Authenticate", CHALLENGE ", error=\"invalid_token\"");
        if (err == SG_ERR_TOKEN_MISMATCH)
            reply_header(r, "WWW-Authenticate", DPOP ", error=\"invalid_token\"");
    } else if (err == SG_ERR_BAD_PROOF) { /* RFC 9449, section 7.1 */
        reply_header(r, "WWW-Authenticate", DPOP ", error=\"invalid_dpop_proof\"");
    } else if (err == SG_ERR_PROOF_NONCE) { /* section 9; the nonce is set by who found out */
        reply_header(r, "WWW-Authenticate", DPOP ", error=\"use_dpop_nonce\"");
    } else if (err_status(err) == 401) {
        reply_header(r, "WWW-Authenticate", CHALLENGE);
    }
    return err;
}

enum sg_err answer_lacks_scope(struct request *r, const char *scope)
{
    char text[128];

    (void)snprintf(text, sizeof text, CHALLENGE ", error=\"insufficient_scope\", scope=\"%s\"",
                   scope);
    reply_header(r, "WWW-Authenticate", text);
    return request_fail(r, SG_ERR_FORBIDDEN, "The token lacks the scope %s.", scope);
}
