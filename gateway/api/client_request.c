/* SPDX-License-Identifier: Apache-2.0 */
/* Judges the certificate of a connection anew for each request; it never asks who sent a token. */
#include "api/client_request.h"

#include <string.h>

#include "api/api.h"
#include "api/audit_act.h"
#include "base/clock.h"
#include "base/encode.h"
#include "core/certificates.h"
#include "http/request.h"

/* *ret_shown false: there is no certificate, or nobody asks for one. */
static enum sg_err judge(struct request *r, uint8_t ret_sha256[SG_DIGEST_SIZE],
                         int64_t *ret_user_id, bool *ret_shown)
{
    const struct api *api = request_app(r);
    struct request_certificate found;
    struct shown_certificate shown;

    *ret_shown = false;
    if (!api->certificates_asked || api->certificates == NULL)
        return SG_OK;
    request_certificate(r, &found);
    if (found.der == NULL)
        return SG_OK;
    *ret_shown = true;
    shown = (struct shown_certificate){.der = found.der,
                                       .len = found.len,
                                       .verified = found.verified,
                                       .ca = found.ca,
                                       .above = found.above,
                                       .above_count = found.above_count,
                                       .not_before_s = found.not_before_s,
                                       .expires_s = found.expires_s};
    memcpy(shown.sha256, found.sha256, sizeof shown.sha256);
    memcpy(shown.ca_sha256, found.ca_sha256, sizeof shown.ca_sha256);
    memcpy(shown.chain_sha256, found.chain_sha256, sizeof shown.chain_sha256);
    memcpy(ret_sha256, found.sha256, SG_DIGEST_SIZE);
    return certificates_identify(api->certificates, &shown, clock_now_ns() / SG_NS_PER_S,
                                 ret_user_id);
}

/* Does not block: there is no principal yet. */
static void note_refusal(struct request *r, const uint8_t sha256[SG_DIGEST_SIZE], enum sg_err err)
{
    char hex[SG_HEX_SIZE(SG_DIGEST_SIZE)];

    encode_hex(sha256, SG_DIGEST_SIZE, hex);
    audit_act(r, SG_AUDIT_CERTIFICATE_REFUSED, hex, err);
}

static enum sg_err look(struct request *r, bool needed, struct client_request *ret,
                        int64_t *ret_user_id)
{
    bool shown = false;
    enum sg_err err = judge(r, ret->certificate_sha256, ret_user_id, &shown);

    if (err != SG_OK && shown)
        note_refusal(r, ret->certificate_sha256, err);
    if (err != SG_OK)
        return err;
    if (needed && !shown)
        return SG_ERR_CERT_NEEDED;
    ret->with = (struct presented){.address = request_address(r),
                                   .certificate_sha256 = shown ? ret->certificate_sha256 : NULL};
    return SG_OK;
}

enum sg_err client_request(struct request *r, struct client_request *ret)
{
    const struct api *api = request_app(r);

    return look(r, api->certificates_required, ret, NULL);
}

enum sg_err client_request_user(struct request *r, struct client_request *ret, int64_t *ret_user_id)
{
    return look(r, true, ret, ret_user_id);
}

enum sg_err client_request_again(struct request *r)
{
    const struct api *api = request_app(r);
    uint8_t sha256[SG_DIGEST_SIZE];
    bool shown = false;
    enum sg_err err = judge(r, sha256, NULL, &shown);

    return err == SG_OK && api->certificates_required && !shown ? SG_ERR_CERT_NEEDED : err;
}
