/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hex, base64 and base64url (RFC 4648), percent-encoding (RFC 3986). Decoders are strict: exact
 * alphabet, no white space, canonical last character; what does not decode is an error, never a
 * shorter result.
 */
#ifndef SG_BASE_ENCODE_H
#define SG_BASE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_HEX_SIZE(n)    (2 * (n) + 1)           /* with NUL */
#define SG_BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1) /* with NUL, for base64 and base64url */

/* Writes 2*len lower-case digits and a NUL; `ret` holds SG_HEX_SIZE(len). */
void encode_hex(const void *data, size_t len, char *ret);
/* Decodes exactly `size` bytes from `2*size` digits of either case. SG_ERR_BAD_FIELD otherwise. */
enum sg_err encode_unhex(const char *text, size_t text_len, uint8_t *ret,
                         size_t size) SG_MUST_CHECK;

/* Padded base64, and base64url without padding; NUL-terminated; `ret` holds SG_BASE64_SIZE(len). */
void encode_base64(const void *data, size_t len, char *ret);
void encode_base64url(const void *data, size_t len, char *ret);

/* Strict decoders into `ret` of `cap` bytes, which may be where `text` begins; SG_ERR_BAD_FIELD
 * when malformed, SG_ERR_TOO_LARGE when it does not fit. */
enum sg_err encode_unbase64(const char *text, size_t text_len, uint8_t *ret, size_t cap,
                            size_t *ret_len) SG_MUST_CHECK;
enum sg_err encode_unbase64url(const char *text, size_t text_len, uint8_t *ret, size_t cap,
                               size_t *ret_len) SG_MUST_CHECK;

/* Eight bytes, the most significant first (network order). */
void encode_be64(uint64_t value, uint8_t ret[8]);
uint64_t encode_unbe64(const uint8_t data[8]);

struct buf;
/* Appends `text` percent-encoded: all but unreserved characters, and `/` if `keep_slash`. */
void encode_percent(struct buf *b, const char *text, size_t len, int keep_slash);
/* Decodes %XX once, in place or into `ret` (text_len + 1 bytes), NUL-terminated. `+` is a space
 * only with `plus`. SG_ERR_BAD_REQUEST for a broken escape. The result may hold NUL bytes: use
 * ret_len. */
enum sg_err encode_unpercent(const char *text, size_t text_len, int plus, char *ret,
                             size_t *ret_len) SG_MUST_CHECK;

#endif
