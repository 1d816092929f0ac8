/* SPDX-License-Identifier: Apache-2.0 */
/* Writes canonical JSON and makes digests over it. It never reads either. */
#include "store/canonical.h"

#include <assert.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"

#define SG_HASHED_ON_STACK 4096 /* bytes that are put together to be hashed in one call */
#define SG_HASH_SIZE       32

/* 0: stands for itself (RFC 8785 section 3.2.2.2); 'u': \u00XX; else the letter after `\`. */
static char escape_of(unsigned char c)
{
    static const char low[32] = "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu";
    if (c < 0x20)
        return low[c];
    return c == '"' || c == '\\' ? (char)c : 0;
}

void canonical_string_n(struct buf *out, const char *text, size_t len)
{
    static const char digits[16] = "0123456789abcdef";
    size_t from = 0;
    buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        char escape = escape_of(c);
        if (escape == 0)
            continue;
        char escaped[6] = {'\\', escape, '0', '0', digits[c >> 4], digits[c & 15]};
        buf_append(out, text + from, i - from);
        buf_append(out, escaped, escape == 'u' ? 6 : 2);
        from = i + 1;
    }
    buf_append(out, text + from, len - from);
    buf_putc(out, '"');
}

void canonical_integer(struct buf *out, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    assert(value <= SG_CANONICAL_INTEGER_MAX);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_append(out, digits + at, sizeof(digits) - at);
}

void canonical_member(struct buf *out, const char *name, const char *text)
{
    buf_puts(out, name);
    canonical_string_n(out, text, strlen(text));
}

void canonical_number(struct buf *out, const char *name, uint64_t value)
{
    buf_puts(out, name);
    canonical_integer(out, value);
}

void canonical_digest(struct buf *out, const char *name, const uint8_t digest[32])
{
    char hex[SG_HEX_SIZE(SG_HASH_SIZE)];
    encode_hex(digest, SG_HASH_SIZE, hex);
    buf_puts(out, name);
    buf_putc(out, '"');
    buf_append(out, hex, sizeof(hex) - 1);
    buf_putc(out, '"');
}

void canonical_time(struct buf *out, const char *name, int64_t unix_ns)
{
    char text[SG_RFC3339_SIZE];
    clock_format_rfc3339(unix_ns, text);
    canonical_member(out, name, text);
}

void canonical_sha256(const void *first, size_t first_len, const void *second, size_t second_len,
                      uint8_t ret[32])
{
    uint8_t both[SG_HASHED_ON_STACK], digest[SG_HASH_SIZE];
    if (first_len <= sizeof(both) && second_len <= sizeof(both) - first_len) {
        memcpy(both, first, first_len);
        memcpy(both + first_len, second, second_len);
        if (gnutls_hash_fast(GNUTLS_DIG_SHA256, both, first_len + second_len, digest) < 0)
            abort(); /* a broken library */
    } else {
        gnutls_hash_hd_t hash;
        if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0 ||
            gnutls_hash(hash, first, first_len) < 0 || gnutls_hash(hash, second, second_len) < 0)
            abort();
        gnutls_hash_deinit(hash, digest);
    }
    memcpy(ret, digest, sizeof(digest));
}
