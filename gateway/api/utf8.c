/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and counts UTF-8; it never normalizes and never allocates. */
#include "api/utf8.h"

#include <string.h>

size_t utf8_next(const uint8_t *text, size_t len)
{
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte (RFC 3629, section 4) */
    size_t size;

    if (len == 0)
        return 0;
    if (text[0] < 0x80)
        return 1;
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    size = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    if (text[0] == 0xe0)
        low = 0xa0;
    else if (text[0] == 0xed)
        high = 0x9f;
    else if (text[0] == 0xf0)
        low = 0x90;
    else if (text[0] == 0xf4)
        high = 0x8f;
    if (len < size || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

size_t utf8_length(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t left = strlen(text), count = 0;

    while (left > 0) {
        size_t n = utf8_next(p, left);

        if (n == 0)
            return SIZE_MAX;
        p += n;
        left -= n;
        count++;
    }
    return count;
}

size_t utf8_encode(uint32_t character, uint8_t ret[4])
{
    if (character < 0x80) {
        ret[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        ret[0] = (uint8_t)(0xc0 | character >> 6);
        ret[1] = (uint8_t)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        ret[0] = (uint8_t)(0xe0 | character >> 12);
        ret[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
        ret[2] = (uint8_t)(0x80 | (character & 0x3f));
        return 3;
    }
    ret[0] = (uint8_t)(0xf0 | character >> 18);
    ret[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
    ret[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    ret[3] = (uint8_t)(0x80 | (character & 0x3f));
    return 4;
}
