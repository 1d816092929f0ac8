/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reader of application/x-www-form-urlencoded, as RFC 6749 wants it: a parameter given twice
 * is refused, one without a value counts as absent, unknown ones are ignored.
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

#endif
