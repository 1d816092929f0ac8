/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and its headers. It never decides what a mismatch means. */
#include "cli/digest.h"

#include "base/encode.h"
#include "base/err.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

bool digest_start(struct digest *d)
{
    gnutls_hash_hd_t handle;

    digest_drop(d);
    if (gnutls_hash_init(&handle, GNUTLS_DIG_SHA256) < 0)
        return false;
    d->state = handle;
    return true;
}

void digest_update(struct digest *d, const void *data, size_t len)
{
    (void)gnutls_hash(d->state, data, len);
}

void digest_finish(struct digest *d, uint8_t ret[SG_DIGEST_BYTES])
{
    gnutls_hash_deinit(d->state, ret);
    d->state = NULL;
}

void digest_drop(struct digest *d)
{
    if (d->state)
        gnutls_hash_deinit(d->state, NULL);
    d->state = NULL;
}

void digest_format_etag(const uint8_t digest[SG_DIGEST_BYTES], char ret[SG_DIGEST_ETAG_SIZE])
{
    char hex[SG_DIGEST_HEX_SIZE];

    encode_hex(digest, SG_DIGEST_BYTES, hex);
    snprintf(ret, SG_DIGEST_ETAG_SIZE, "\"%s\"", hex);
}

void digest_format_header(const uint8_t digest[SG_DIGEST_BYTES], char ret[SG_DIGEST_HEADER_SIZE])
{
    char base64[SG_BASE64_SIZE(SG_DIGEST_BYTES)];

    encode_base64(digest, SG_DIGEST_BYTES, base64);
    snprintf(ret, SG_DIGEST_HEADER_SIZE, "sha-256=:%s:", base64);
}

bool digest_parse_etag(const char *etag, uint8_t ret[SG_DIGEST_BYTES])
{
    if (strlen(etag) != SG_DIGEST_ETAG_SIZE - 1 || etag[0] != '"' || etag[65] != '"')
        return false;
    return encode_unhex(etag + 1, 64, ret, SG_DIGEST_BYTES) == SG_OK;
}

bool digest_parse_header(const char *value, uint8_t ret[SG_DIGEST_BYTES])
{
    static const char name[] = "sha-256=:";

    while (*value) {
        size_t len = strcspn(value, ",");
        size_t got = 0;

        if (len > sizeof(name) && strncmp(value, name, sizeof(name) - 1) == 0) {
            const char *start = value + sizeof(name) - 1;
            const char *end = memchr(start, ':', len - (sizeof(name) - 1));

            return end &&
                   encode_unbase64(start, (size_t)(end - start), ret, SG_DIGEST_BYTES, &got) ==
                       SG_OK &&
                   got == SG_DIGEST_BYTES;
        }
        value += len;
        value += strspn(value, ", \t");
    }
    return false;
}

bool digest_expected(const char *repr_digest, const char *etag, uint8_t ret[SG_DIGEST_BYTES])
{
    uint8_t a[SG_DIGEST_BYTES], b[SG_DIGEST_BYTES];
    bool has_digest = digest_parse_header(repr_digest, a);
    bool has_etag = digest_parse_etag(etag, b);

    if (!has_digest && !has_etag)
        return false;
    if (has_digest && has_etag && memcmp(a, b, sizeof(a)) != 0)
        return false;
    memcpy(ret, has_digest ? a : b, SG_DIGEST_BYTES);
    return true;
}
