/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 section 2.1); it never decodes twice. */
#include "base/encode.h"

#include <stdbool.h>

#include "base/buf.h"

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void encode_percent(struct buf *b, const char *text, size_t len, int keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        if (is_unreserved(text[i]) || (c == '/' && keep_slash)) {
            buf_putc(b, text[i]);
        } else {
            char escape[3] = {'%', digits[c >> 4], digits[c & 15]};

            buf_append(b, escape, sizeof escape);
        }
    }
}

enum sg_err encode_unpercent(const char *text, size_t text_len, int plus, char *ret,
                             size_t *ret_len)
{
    size_t out = 0;

    for (size_t i = 0; i < text_len; i++) {
        char c = text[i];

        if (c == '%') {
            uint8_t byte;

            if (text_len - i < 3 || encode_unhex(text + i + 1, 2, &byte, 1) != SG_OK)
                return SG_ERR_BAD_REQUEST;
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        ret[out++] = c;
    }
    ret[out] = '\0';
    *ret_len = out;
    return SG_OK;
}
