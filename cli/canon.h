/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of JSON (RFC 8785), made from what was parsed. No input or output. */
#ifndef SG_CLI_CANON_H
#define SG_CLI_CANON_H

#include <stdbool.h>

struct buf;
struct json_object;

/* Deepest nesting and most members of one object that are taken. */
#define SG_CANON_DEPTH   8
#define SG_CANON_MEMBERS 64

/*
 * Appends the canonical form of `object`: members sorted by the UTF-16 code units of their names,
 * no white space, numbers as integers. `without` are names of members of the outermost object to
 * leave out, ended by NULL (NULL: none). False for what is no object, is too deep or too wide, has
 * a number that is no integer below 2^53, or without memory; what was appended is then of no use.
 */
bool canon_append(struct buf *b, struct json_object *object, const char *const *without);

#endif
