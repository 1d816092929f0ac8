/* SPDX-License-Identifier: Apache-2.0 */
/* Reads session ids from paths; it never asks whose they are. */
#include "api/session_request.h"

#include <string.h>

#include "base/encode.h"
#include "core/identity.h"
#include "http/request.h"

enum sg_err session_request_id(struct request *r, uint8_t ret[SG_SESSION_ID_SIZE])
{
    const struct principal *who = request_principal(r);
    const char *id;
    enum sg_err err = request_param(r, "id", &id);

    if (err != SG_OK)
        return err;
    if (strcmp(id, "current") == 0) {
        memcpy(ret, who->session_id, SG_SESSION_ID_SIZE);
        return SG_OK;
    }
    if (strspn(id, "0123456789abcdef") != strlen(id) ||
        encode_unhex(id, strlen(id), ret, SG_SESSION_ID_SIZE) != SG_OK)
        return SG_ERR_NOT_FOUND;
    return SG_OK;
}

enum sg_err session_request_mine(struct request *r, uint8_t ret[SG_SESSION_ID_SIZE])
{
    const struct principal *who = request_principal(r);
    enum sg_err err;

    if (who->authority != SG_AUTHORITY_LOGIN)
        return SG_ERR_LOGIN_NEEDED;
    err = session_request_id(r, ret);
    if (err == SG_OK && who->narrowed && memcmp(ret, who->session_id, SG_SESSION_ID_SIZE) != 0)
        return request_fail(r, SG_ERR_LOGIN_NEEDED, "The token has fewer scopes than its user.");
    return err;
}
