/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in JSON text that json_scan.h has accepted: steps over values and resolves strings
 * without a copy of the whole. On other text it must not be used.
 */
#ifndef SG_API_JSON_TEXT_H
#define SG_API_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands between the quotes of a string. */
struct json_span {
    const uint8_t *p, *end;
};

/* The value of four hexadecimal digits at `p`, -1 when they are none. */
int32_t json_text_hex4(const uint8_t *p);

/* The bytes of a string as UTF-8, one after the other, with its escapes resolved. */
struct json_bytes {
    const uint8_t *p, *end;
    uint8_t bytes[4];
    size_t have, next;
};
struct json_bytes json_text_bytes(struct json_span s);
/* The next byte, -1 at the end. */
int json_text_byte(struct json_bytes *b);

/* Bytes that the string takes when its escapes are resolved; *ret_characters its code points. */
size_t json_text_length(struct json_span s, size_t *ret_characters);
/* Writes these bytes and a NUL. */
void json_text_copy(struct json_span s, char *ret);
/* Whether it says this. */
bool json_text_is(struct json_span s, const char *text, size_t len);

/* The text is followed by a NUL, which ends white space and numbers. */
const uint8_t *json_text_skip_space(const uint8_t *p);
/* The span of the string whose quote is at `p`; returns the place behind it. */
const uint8_t *json_text_string(const uint8_t *p, struct json_span *ret);
/* Behind the value at `p`, whatever it is. */
const uint8_t *json_text_skip(const uint8_t *p);

/*
 * Walks an object or array whose bracket is at `p`:
 *
 *     p = json_text_open(p, &more);
 *     while (more) { ... p is at the name or value; step over it ...; p = json_text_next(p, &more);
 * }
 *
 * At the end p is behind the closing bracket.
 */
const uint8_t *json_text_open(const uint8_t *p, bool *ret_more);
const uint8_t *json_text_next(const uint8_t *p, bool *ret_more);
/* Behind the colon that follows a name. */
const uint8_t *json_text_colon(const uint8_t *p);

#endif
