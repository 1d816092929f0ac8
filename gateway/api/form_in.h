/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reader of application/x-www-form-urlencoded, as RFC 6749 wants it: a parameter given twice
 * is refused, one without a value counts as absent, unknown ones are ignored. And of what a client
 * shows instead of form parameters.
 */
#ifndef SG_API_FORM_IN_H
#define SG_API_FORM_IN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define SG_FORM_PARAMETERS 32 /* in one body at most */

struct form_field {
    const char *name;
    char *value; /* decoded, in the arena; NULL when absent */
};

/* Fills the values. SG_ERR_BAD_FIELD with *ret_reason (static text) for broken escapes, invalid
 * UTF-8, control characters, repeated and too many parameters. */
enum sg_err form_in_parse(const uint8_t *body, size_t len, struct arena *arena,
                          struct form_field *fields, size_t count,
                          const char **ret_reason) SG_MUST_CHECK;

/* What `Authorization: Basic` says after the scheme (RFC 7617), each half encoded as in a form (RFC
 * 6749, section 2.3.1): both in the arena, neither with control characters. SG_ERR_BAD_FIELD. */
enum sg_err form_in_basic(const char *text, struct arena *arena, char **ret_id,
                          char **ret_secret) SG_MUST_CHECK;

#endif
