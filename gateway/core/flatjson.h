/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little JSON that our tokens are made of: objects of strings, non-negative integers and
 * further objects, no white space, no escapes, printable ASCII only, no duplicate names. All else
 * is refused. One level is read at a time: what stands in an object that is a member is seen when
 * it is parsed itself. Not a JSON library.
 */
#ifndef SG_CORE_FLATJSON_H
#define SG_CORE_FLATJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_FLATJSON_MEMBERS 16
#define SG_FLATJSON_DEPTH   8 /* objects in one another */

struct flatjson_member {
    const char *name; /* borrowed, no NUL */
    size_t name_len;
    const char *text; /* borrowed, no NUL; NULL: an integer */
    size_t text_len;
    bool object; /* `text` is one, braces and all */
    int64_t number;
};

struct flatjson {
    size_t count;
    struct flatjson_member member[SG_FLATJSON_MEMBERS];
};

/* SG_ERR_BAD_JSON. *ret borrows `text`. */
enum sg_err flatjson_parse(const char *text, size_t len, struct flatjson *ret) SG_MUST_CHECK;
/* NULL when there is none. */
const struct flatjson_member *flatjson_get(const struct flatjson *json, const char *name);
/* A string member with NUL into `ret` of `size` bytes; false when it is missing, no string or too
 * long. */
bool flatjson_text(const struct flatjson *json, const char *name, char *ret, size_t size);
/* A member that is an object; false when it is missing, something else or not well formed. */
bool flatjson_object(const struct flatjson *json, const char *name, struct flatjson *ret);
/* An integer member. */
bool flatjson_number(const struct flatjson *json, const char *name, int64_t *ret);

#endif
