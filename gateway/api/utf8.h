/* SPDX-License-Identifier: Apache-2.0 */
/* Strict UTF-8 (RFC 3629), one character at a time: no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
#ifndef SG_API_UTF8_H
#define SG_API_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that begins at `text`, 0 when there is no valid one within `len` bytes. */
size_t utf8_next(const uint8_t *text, size_t len);
/* Characters of a valid text, SIZE_MAX when it is not valid. */
size_t utf8_length(const char *text);
/* Writes a character below U+110000 that is not a surrogate; returns 1 to 4 bytes. */
size_t utf8_encode(uint32_t character, uint8_t ret[4]);

#endif
