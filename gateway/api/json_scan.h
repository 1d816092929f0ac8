/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict grammar of JSON (RFC 8259) over a whole text, before a library that is more lenient
 * parses it. Refuses what libraries pass silently: members given twice, integers that do not fit 64
 * bits, control characters and NUL in strings, lone surrogates, invalid UTF-8, anything after the
 * end.
 */
#ifndef SG_API_JSON_SCAN_H
#define SG_API_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_JSON_DEPTH   16  /* objects and arrays within each other, the outermost counts */
#define SG_JSON_MEMBERS 256 /* members of all objects that are open at one place */
/* Values of a text, whatever they are: a library makes a tree of them, and the smallest, which take
 * three bytes of text, take some hundred there. 10,000 items to sign have at most 160,000. */
#define SG_JSON_VALUES 200000

/* SG_OK, or SG_ERR_BAD_JSON with the reason (static text, fit for the client) and the byte where it
 * went wrong. Pure. */
enum sg_err json_scan(const uint8_t *text, size_t len, const char **ret_reason,
                      size_t *ret_offset) SG_MUST_CHECK;

#endif
