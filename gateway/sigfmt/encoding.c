/* SPDX-License-Identifier: Apache-2.0 */
/* The encodings that the formats are made of: base64, lines, SSH's (RFC 4251), DER (X.690). Readers
 * take bytes off the front and never look behind the end. */
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "base/encode.h"
#include "sigfmt/internal.h"

#define DER_MAX (16u << 20)

void sigfmt_put_base64(struct buf *out, const void *data, size_t len, size_t width)
{
    const uint8_t *at = data;
    /* Whole groups of three at a time, so that only the end is padded. */
    size_t step = width > 0 ? width / 4 * 3 : 3 * 4096;

    do {
        size_t n = len < step ? len : step;
        uint8_t *to = buf_reserve(out, SG_BASE64_SIZE(n));

        if (to == NULL)
            return;
        encode_base64(at, n, (char *)to);
        buf_commit(out, SG_BASE64_SIZE(n) - 1);
        if (width > 0)
            buf_putc(out, '\n');
        at += n;
        len -= n;
    } while (len > 0);
}

enum sg_err sigfmt_unbase64(const char *text, size_t len, struct buf *out)
{
    char *packed = malloc(len + 1);
    uint8_t *to;
    size_t n = 0;
    enum sg_err err;

    if (packed == NULL)
        return SG_ERR_NO_MEMORY;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\n' && text[i] != '\r' && text[i] != ' ')
            packed[n++] = text[i];
    to = buf_reserve(out, n / 4 * 3 + 3);
    if (to == NULL) {
        err = buf_status(out);
    } else {
        size_t got;

        err = encode_unbase64(packed, n, to, n / 4 * 3 + 3, &got);
        if (err == SG_OK)
            buf_commit(out, got);
    }
    free(packed);
    return err;
}

void sigfmt_sha256(const void *data, size_t len, uint8_t ret[32])
{
    (void)gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, ret);
}

void sigfmt_sha512(const void *data, size_t len, uint8_t ret[64])
{
    (void)gnutls_hash_fast(GNUTLS_DIG_SHA512, data, len, ret);
}

void sigfmt_put_u32(struct buf *out, uint32_t value)
{
    uint8_t be[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                     (uint8_t)value};

    buf_append(out, be, 4);
}

void sigfmt_put_string(struct buf *out, const void *data, size_t len)
{
    sigfmt_put_u32(out, (uint32_t)len);
    if (len > 0)
        buf_append(out, data, len);
}

void sigfmt_put_mpint(struct buf *out, const uint8_t *data, size_t len)
{
    bool pad;

    while (len > 0 && data[0] == 0) {
        data++;
        len--;
    }
    pad = len > 0 && (data[0] & 0x80) != 0;
    sigfmt_put_u32(out, (uint32_t)(len + (pad ? 1 : 0)));
    if (pad)
        buf_putc(out, '\0');
    if (len > 0)
        buf_append(out, data, len);
}

uint32_t sigfmt_read_u32(struct sigfmt_reader *r)
{
    uint32_t value;

    if (r->failed || r->left < 4) {
        r->failed = true;
        return 0;
    }
    value =
        (uint32_t)r->at[0] << 24 | (uint32_t)r->at[1] << 16 | (uint32_t)r->at[2] << 8 | r->at[3];
    r->at += 4;
    r->left -= 4;
    return value;
}

const uint8_t *sigfmt_read_string(struct sigfmt_reader *r, size_t *ret_len)
{
    uint32_t len = sigfmt_read_u32(r);
    const uint8_t *at = r->at;

    if (r->failed || len > r->left) {
        r->failed = true;
        *ret_len = 0;
        return (const uint8_t *)"";
    }
    r->at += len;
    r->left -= len;
    *ret_len = len;
    return at;
}

bool sigfmt_line(struct sigfmt_text *t, const char **ret, size_t *ret_len)
{
    const char *end = t->left > 0 ? memchr(t->at, '\n', t->left) : NULL;
    size_t len;

    if (end == NULL)
        return false;
    len = (size_t)(end - t->at);
    if (len > SG_SIG_LINE_MAX || memchr(t->at, '\0', len) != NULL)
        return false;
    *ret = t->at;
    *ret_len = len;
    t->at += len + 1;
    t->left -= len + 1;
    return true;
}

bool sigfmt_starts(const char *line, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);

    return len >= n && memcmp(line, prefix, n) == 0;
}

bool sigfmt_der_is(const struct sigfmt_der *d, uint8_t tag)
{
    return d->left > 0 && d->at[0] == tag;
}

bool sigfmt_der_take(struct sigfmt_der *d, uint8_t tag, struct sigfmt_der *ret,
                     struct sigfmt_der *ret_whole)
{
    size_t head = 2;
    size_t len;

    if (d->left < 2 || d->at[0] != tag)
        return false;
    len = d->at[1];
    if (len >= 0x80) {
        size_t bytes = len & 0x7f;

        /* Indefinite and over-long lengths are BER. */
        if (bytes == 0 || bytes > 4 || d->left < 2 + bytes || d->at[2] == 0)
            return false;
        len = 0;
        for (size_t i = 0; i < bytes; i++)
            len = len << 8 | d->at[2 + i];
        if (len < 0x80 || len > DER_MAX)
            return false;
        head += bytes;
    }
    if (len > d->left - head)
        return false;
    *ret = (struct sigfmt_der){.at = d->at + head, .left = len};
    if (ret_whole != NULL)
        *ret_whole = (struct sigfmt_der){.at = d->at, .left = head + len};
    d->at += head + len;
    d->left -= head + len;
    return true;
}

void sigfmt_der_put(struct buf *out, uint8_t tag, const void *content, size_t len)
{
    buf_putc(out, (char)tag);
    if (len < 0x80) {
        buf_putc(out, (char)len);
    } else if (len < 0x100) {
        buf_putc(out, (char)0x81);
        buf_putc(out, (char)len);
    } else if (len < 0x10000) {
        buf_putc(out, (char)0x82);
        buf_putc(out, (char)(len >> 8));
        buf_putc(out, (char)(len & 0xff));
    } else {
        buf_putc(out, (char)0x83);
        buf_putc(out, (char)(len >> 16 & 0xff));
        buf_putc(out, (char)(len >> 8 & 0xff));
        buf_putc(out, (char)(len & 0xff));
    }
    if (len > 0)
        buf_append(out, content, len);
}

bool sigfmt_ecdsa_split(const uint8_t *der, size_t len, const uint8_t *ret_part[2],
                        size_t ret_len[2])
{
    struct sigfmt_der all = {.at = der, .left = len};
    struct sigfmt_der pair;

    if (!sigfmt_der_take(&all, 0x30, &pair, NULL) || all.left != 0)
        return false;
    for (size_t i = 0; i < 2; i++) {
        struct sigfmt_der part;

        if (!sigfmt_der_take(&pair, 0x02, &part, NULL) || part.left == 0 || part.left > 33 ||
            (part.at[0] & 0x80) != 0)
            return false;
        /* Minimal: a zero byte in front only where the sign bit needs it. */
        if (part.at[0] == 0 && (part.left == 1 || (part.at[1] & 0x80) == 0))
            return false;
        if (part.at[0] == 0) {
            part.at++;
            part.left--;
        }
        if (part.left > 32)
            return false;
        ret_part[i] = part.at;
        ret_len[i] = part.left;
    }
    return pair.left == 0;
}
