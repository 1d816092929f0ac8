/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/events/cookie: the access token of the request as a cookie that only the guard of the
 * events sees; it makes no new token and remembers nothing. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/operations.h"
#include "base/clock.h"
#include "base/secret.h"
#include "core/identity.h"
#include "http/request.h"

static enum sg_err run(struct request *r)
{
    const struct principal *who = request_principal(r);
    /* The guard has let it in: a scheme, spaces, the token. */
    const char *header = request_header(r, "Authorization");
    const char *token = header != NULL ? strrchr(header, ' ') + 1 : NULL;
    int64_t left = who->token_expires_s - clock_now_s();
    char value[SG_TOKEN_SIZE + 160];
    int len;

    if (token == NULL) /* what came inside another request has none of its own */
        return SG_ERR_NOT_ENCLOSABLE;
    len = snprintf(value, sizeof value,
                   SG_EVENTS_COOKIE
                   "=%s; Path=/v1/events; Secure; HttpOnly; SameSite=Strict; Max-Age=%lld",
                   token, (long long)(left > 0 ? left : 0));
    if (len < 0 || (size_t)len >= sizeof value)
        return SG_ERR_INTERNAL;
    reply_header(r, "Set-Cookie", value);
    secret_wipe(value, sizeof value);
    reply_header(r, "Cache-Control", "no-store");
    reply_empty(r, 204);
    return SG_OK;
}

const struct operation events_cookie_operation = {.run = run};
