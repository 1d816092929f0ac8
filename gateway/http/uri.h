/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request target (RFC 3986, RFC 9112 section 3.2) and its query. Pure parsers; results live in
 * the arena that is given. They never touch the path's own rules, which belong to the files.
 */
#ifndef SG_HTTP_URI_H
#define SG_HTTP_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct arena;

/*
 * Splits a request target in place into path and query (NULL when there is none). Takes
 * origin-form, absolute-form (scheme and authority are cut off) and `*`. SG_ERR_BAD_REQUEST for
 * other forms, and for bytes that do not belong into a target (controls, space, non-ASCII, `#`).
 */
enum sg_err uri_split(char *target, const char **ret_path, const char **ret_query) SG_MUST_CHECK;

/* Percent-decodes (`+` is a space only with `plus`) into the arena. SG_ERR_BAD_FIELD for a broken
 * escape, invalid UTF-8, NUL, or, with `no_controls`, control characters. */
enum sg_err uri_decode(struct arena *a, const char *text, size_t len, bool plus, bool no_controls,
                       const char **ret) SG_MUST_CHECK;

/* Finds a parameter by its decoded name; *ret NULL when absent. SG_ERR_BAD_FIELD when malformed or
 * given twice. */
enum sg_err uri_query_find(struct arena *a, const char *query, const char *name,
                           const char **ret) SG_MUST_CHECK;

/* The first parameter that is not in the NULL-ended list, decoded; *ret NULL when all are known.
 * SG_ERR_BAD_FIELD when malformed. */
enum sg_err uri_query_unknown(struct arena *a, const char *query, const char *const *known,
                              const char **ret) SG_MUST_CHECK;

/* Well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool uri_utf8(const char *text, size_t len);

#endif
