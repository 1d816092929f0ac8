/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pieces of JSON in canonical form (RFC 8785) and digests over them, for the chains of the event
 * log and the audit log. Who writes an object puts its members in the order of their names.
 */
#ifndef SG_STORE_CANONICAL_H
#define SG_STORE_CANONICAL_H

#include "base/buf.h"

#define SG_CANONICAL_INTEGER_MAX                                                                   \
    ((UINT64_C(1) << 53) - 1) /* integers are exact for every reader of JSON */

/* A string with its quotes; valid UTF-8. */
void canonical_string_n(struct buf *out, const char *text, size_t len);
/* At most SG_CANONICAL_INTEGER_MAX. */
void canonical_integer(struct buf *out, uint64_t value);

/* Members; `name` is given with its quotes and colon, and a comma before all but the first. A time
 * is RFC 3339 in UTC with milliseconds, a digest lower-case hexadecimal. */
void canonical_member(struct buf *out, const char *name, const char *text);
void canonical_number(struct buf *out, const char *name, uint64_t value);
void canonical_digest(struct buf *out, const char *name, const uint8_t digest[32]);
void canonical_time(struct buf *out, const char *name, int64_t unix_ns);

/* SHA-256 of two strings of bytes, one after the other; `ret` may be one of them. */
void canonical_sha256(const void *first, size_t first_len, const void *second, size_t second_len,
                      uint8_t ret[32]);

#endif
