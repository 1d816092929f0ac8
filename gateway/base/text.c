/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at bytes; whether they are UTF-8, others know. */
#include "base/text.h"

#include <stdint.h>

bool text_has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];

        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < len && (uint8_t)text[i + 1] < 0xa0) /* C1 */
            return true;
    }
    return false;
}
