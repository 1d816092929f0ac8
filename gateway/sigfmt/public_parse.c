/* SPDX-License-Identifier: Apache-2.0 */
/* Reads public keys in the forms that people keep them in; the form is found out from the bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define BLOB_SIZE 42 /* "Ed", number, key: of minisign and signify */

enum sg_err sigfmt_public_from_ssh(const uint8_t *blob, size_t len, struct sig_public *ret)
{
    struct sigfmt_reader r = {.at = blob, .left = len};
    size_t kind_len;
    size_t a_len;
    size_t b_len = 0;
    const char *kind = (const char *)sigfmt_read_string(&r, &kind_len);
    const uint8_t *a = sigfmt_read_string(&r, &a_len);
    bool ed25519 = kind_len == 11 && memcmp(kind, "ssh-ed25519", 11) == 0;
    const uint8_t *b = ed25519 ? a : sigfmt_read_string(&r, &b_len);

    if (r.failed || r.left != 0)
        return SG_ERR_BAD_FIELD;
    if (ed25519)
        return a_len == 32 ? sigfmt_public_from_ecc(SG_KEY_ED25519, a, a, ret) : SG_ERR_BAD_FIELD;
    if (kind_len == 7 && memcmp(kind, "ssh-rsa", 7) == 0)
        return sigfmt_public_from_rsa(b, b_len, a, a_len, ret);
    if (kind_len == 19 && memcmp(kind, "ecdsa-sha2-nistp256", 19) == 0 && a_len == 8 &&
        memcmp(a, "nistp256", 8) == 0 && b_len == 65 && b[0] == 0x04)
        return sigfmt_public_from_ecc(SG_KEY_ECDSA_P256, b + 1, b + 33, ret);
    return SG_ERR_BAD_FIELD;
}

/* "KIND BASE64 [COMMENT]" */
static enum sg_err from_ssh_line(const char *line, size_t len, struct sig_public *ret)
{
    const char *start = memchr(line, ' ', len);
    SG_BUF_CLEANUP struct buf blob;
    size_t n = 0;
    enum sg_err err;

    buf_init(&blob, SG_PUBLIC_TEXT_MAX);
    if (start == NULL)
        return SG_ERR_BAD_FIELD;
    start++;
    while (start + n < line + len && start[n] != ' ' && start[n] != '\n' && start[n] != '\r')
        n++;
    err = sigfmt_unbase64(start, n, &blob);
    return err != SG_OK ? err : sigfmt_public_from_ssh(blob.data, blob.len, ret);
}

static enum sg_err from_signify(const char *text, size_t len, struct sig_public *ret)
{
    uint8_t blob[BLOB_SIZE];
    size_t n;
    enum sg_err err;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    if (encode_unbase64(text, len, blob, sizeof blob, &n) != SG_OK || n != sizeof blob ||
        blob[0] != 'E' || blob[1] != 'd')
        return SG_ERR_BAD_FIELD;
    err = sigfmt_public_from_ecc(SG_KEY_ED25519, blob + 10, blob + 10, ret);
    if (err == SG_OK)
        memcpy(ret->number, blob + 2, sizeof ret->number);
    return err;
}

/* The bytes between the lines of a PEM block. */
static enum sg_err from_pem(const char *text, size_t len, struct sig_public *ret)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----";
    const char *start = memmem(text, len, begin, sizeof begin - 1);
    const char *end;
    SG_BUF_CLEANUP struct buf der;
    enum sg_err err;

    buf_init(&der, SG_PUBLIC_TEXT_MAX);
    if (start == NULL)
        return memmem(text, len, "-----BEGIN CERTIFICATE-----", 27) != NULL
                   ? sigfmt_public_from_certificate(text, len, true, ret)
                   : SG_ERR_BAD_FIELD;
    start += sizeof begin - 1;
    len -= (size_t)(start - text);
    end = memmem(start, len, "-----END PUBLIC KEY-----", 24);
    if (end == NULL)
        return SG_ERR_BAD_FIELD;
    err = sigfmt_unbase64(start, (size_t)(end - start), &der);
    return err != SG_OK ? err : sig_public_load(der.data, der.len, ret);
}

/* Decodes a member in base64url. */
static bool jwk_bytes(struct sigfmt_span jwk, const char *name, uint8_t *ret, size_t cap,
                      size_t *ret_len)
{
    struct sigfmt_span value;

    return sigfmt_json_member(jwk, name, &value) && value.len > 2 && *value.at == '"' &&
           encode_unbase64url(value.at + 1, value.len - 2, ret, cap, ret_len) == SG_OK;
}

static bool jwk_is(struct sigfmt_span jwk, const char *name, const char *text)
{
    struct sigfmt_span value;

    return sigfmt_json_member(jwk, name, &value) && value.len == strlen(text) + 2 &&
           *value.at == '"' && memcmp(value.at + 1, text, value.len - 2) == 0;
}

static enum sg_err from_jwk(const char *text, size_t len, struct sig_public *ret)
{
    struct sigfmt_span jwk;
    uint8_t a[520];
    uint8_t b[520];
    size_t a_len;
    size_t b_len;

    if (!sigfmt_json_document(text, len, &jwk))
        return SG_ERR_BAD_FIELD;
    if (jwk_is(jwk, "kty", "OKP") && jwk_is(jwk, "crv", "Ed25519") &&
        jwk_bytes(jwk, "x", a, sizeof a, &a_len) && a_len == 32)
        return sigfmt_public_from_ecc(SG_KEY_ED25519, a, a, ret);
    if (jwk_is(jwk, "kty", "EC") && jwk_is(jwk, "crv", "P-256") &&
        jwk_bytes(jwk, "x", a, sizeof a, &a_len) && a_len == 32 &&
        jwk_bytes(jwk, "y", b, sizeof b, &b_len) && b_len == 32)
        return sigfmt_public_from_ecc(SG_KEY_ECDSA_P256, a, b, ret);
    if (jwk_is(jwk, "kty", "RSA") && jwk_bytes(jwk, "n", a, sizeof a, &a_len) &&
        jwk_bytes(jwk, "e", b, sizeof b, &b_len))
        return sigfmt_public_from_rsa(a, a_len, b, b_len, ret);
    return SG_ERR_BAD_FIELD;
}

enum sg_err sig_public_parse(const void *data, size_t len, struct sig_public *ret)
{
    const char *text = data;
    const char *line;
    size_t line_len;
    struct sigfmt_text lines = {.at = text, .left = len};

    if (len > SG_PUBLIC_TEXT_MAX)
        return SG_ERR_TOO_LARGE;
    if (len == 0)
        return SG_ERR_BAD_FIELD;
    if ((uint8_t)text[0] == 0x30) { /* DER; as text it would be a digit */
        enum sg_err err = sig_public_load(data, len, ret);

        return err == SG_ERR_BAD_FIELD ? sigfmt_public_from_certificate(data, len, false, ret)
                                       : err;
    }
    if (memmem(text, len, "-----BEGIN ", 11) != NULL)
        return from_pem(text, len, ret);
    if (sigfmt_starts(text, len, "untrusted comment:"))
        return sigfmt_line(&lines, &line, &line_len) ? from_signify(lines.at, lines.left, ret)
                                                     : SG_ERR_BAD_FIELD;
    if (sigfmt_starts(text, len, "ssh-") || sigfmt_starts(text, len, "ecdsa-"))
        return from_ssh_line(text, len, ret);
    if (sigfmt_starts(text, len, "RW"))
        return from_signify(text, len, ret);
    return from_jwk(text, len, ret);
}
