/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a certificate in answers. */
#include "api/certificate_json.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "http/request.h"

#define LINE_CHARS 64

void certificate_json_members(struct json_out *o, struct request *r,
                              const struct certificate_record *certificate, bool with_current)
{
    char subject[SG_USER_NAME_SIZE + 3];
    struct request_certificate shown;

    (void)snprintf(subject, sizeof subject, "CN=%s", certificate->user);
    json_out_hex(o, "id", certificate->id, sizeof certificate->id);
    json_out_string(o, "name", certificate->name);
    json_out_string(o, "user", certificate->user);
    json_out_string(o, "subject", subject);
    json_out_hex(o, "sha256", certificate->sha256, sizeof certificate->sha256);
    json_out_time(o, "created_at", certificate->created_ns);
    json_out_time(o, "not_before", certificate->not_before_ns);
    json_out_time(o, "expires_at", certificate->not_after_ns);
    if (certificate->revoked_ns != 0)
        json_out_time(o, "revoked_at", certificate->revoked_ns);
    if (!with_current)
        return;
    request_certificate(r, &shown);
    json_out_boolean(o, "current",
                     shown.der != NULL &&
                         memcmp(shown.sha256, certificate->sha256, sizeof shown.sha256) == 0);
}

void certificate_json_pem(struct json_out *o, const struct buf *der)
{
    char base64[SG_BASE64_SIZE(SG_CERTIFICATE_DER_MAX)];
    SG_BUF_CLEANUP struct buf pem;
    size_t len;

    buf_init(&pem, SG_CERTIFICATE_PEM_MAX);
    if (der->len > SG_CERTIFICATE_DER_MAX)
        return;
    encode_base64(der->data, der->len, base64);
    len = strlen(base64);
    buf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < len; at += LINE_CHARS)
        buf_printf(&pem, "%.*s\n", LINE_CHARS, base64 + at);
    buf_puts(&pem, "-----END CERTIFICATE-----\n");
    json_out_text(o, "certificate", (const char *)pem.data, pem.len);
}

enum sg_err certificate_json_id(struct request *r, uint8_t ret[SG_CERTIFICATE_ID_SIZE])
{
    const char *text;
    enum sg_err err = request_param(r, "id", &text);

    if (err != SG_OK)
        return err;
    if (strlen(text) != 2 * SG_CERTIFICATE_ID_SIZE ||
        strspn(text, "0123456789abcdef") != 2 * SG_CERTIFICATE_ID_SIZE ||
        encode_unhex(text, strlen(text), ret, SG_CERTIFICATE_ID_SIZE) != SG_OK)
        return SG_ERR_NOT_FOUND;
    return SG_OK;
}
