/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsers and builders of HTTP header values (RFC 9110, 8941, 9530, 6266). Pure functions over
 * NUL-terminated text from outside; they never allocate (but for the buffers given) and know no
 * request.
 */
#ifndef SG_HTTP_FIELDS_H
#define SG_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

/* -- Range (RFC 9110, 14) ---------------------------------------------------------------------- */
#define SG_RANGES_MAX 16 /* ranges of one request after joining; more are not served as ranges */

struct fields_range {
    uint64_t first; /* inclusive, bytes */
    uint64_t last;  /* inclusive, bytes */
};

enum fields_ranges {
    SG_RANGES_IGNORE,       /* absent, malformed, another unit, too many: the whole content */
    SG_RANGES_OK,           /* *ret_count ranges, in the order asked for, none overlapping */
    SG_RANGES_UNSATISFIABLE /* 416 */
};

/* `value` NULL when the header is absent; `size` of the content in bytes. */
enum fields_ranges fields_range(const char *value, uint64_t size,
                                struct fields_range ret[SG_RANGES_MAX], size_t *ret_count);

/* -- entity tags (RFC 9110, 8.8.3, 13.1) --------------------------------------------------------
 */
enum fields_etags {
    SG_ETAGS_NO_MATCH,
    SG_ETAGS_MATCH,
    SG_ETAGS_ANY, /* the list is "*" */
    SG_ETAGS_MALFORMED
};

/* Looks for `etag` (with its quotes, NULL: matches none) in an If-Match or If-None-Match list, by
 * the strong or the weak comparison. */
enum fields_etags fields_etags(const char *list, const char *etag, bool strong);

/* -- media types ------------------------------------------------------------------------------- */
/* Quality from 0 (not acceptable) to 1000 that an Accept header (NULL: absent) gives to a media
 * type such as "text/plain"; the most specific media range counts (RFC 9110, 12.5.1). */
unsigned fields_accepts(const char *accept, const char *type);

/* Media type of a Content-Type without parameters, lower case, into `ret` of `cap` bytes; "" when
 * it is not a media type or does not fit. */
void fields_media_type(const char *value, char *ret, size_t cap);

/* -- digests (RFC 9530) --------------------------------------------------------------------------
 */
/* The sha-256 member of a Repr-Digest or Content-Digest. *ret_present false when `value` is NULL or
 * names other algorithms only. SG_ERR_BAD_FIELD when it is not a structured-field dictionary of
 * byte sequences. */
enum sg_err fields_digest(const char *value, uint8_t ret[32], bool *ret_present) SG_MUST_CHECK;

/* -- others --------------------------------------------------------------------------------------
 */
/* X-Request-Id that is taken over: [A-Za-z0-9._-]{1,64}. */
bool fields_request_id(const char *value);

/* Appends a Content-Disposition (RFC 6266) with `type` "attachment" or "inline" and a UTF-8 file
 * name: an ASCII `filename` and, where they differ, `filename*`. */
void fields_disposition(struct buf *out, const char *type, const char *filename);

/* A token of RFC 9110, 5.6.2 (field names, methods), `len` bytes. */
bool fields_token(const char *text, size_t len);

/* A decimal number without sign, at most INT64_MAX; the whole text. */
bool fields_number(const char *text, int64_t *ret);

/* Whether a comma-separated list has the token, in any case ("close" in Connection). */
bool fields_list_has(const char *list, const char *token);

#endif
