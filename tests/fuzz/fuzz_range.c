/* SPDX-License-Identifier: Apache-2.0 */
/* Range: whatever comes in, what goes out lies within the content and does not overlap. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint64_t sizes[] = {0, 1, 100, UINT64_C(1) << 40};
    struct fields_range r[SG_RANGES_MAX];
    char *text = malloc(len + 1);

    if (text == NULL)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t count = 0;

        if (fields_range(text, sizes[s], r, &count) != SG_RANGES_OK)
            continue;
        if (count < 1 || count > SG_RANGES_MAX)
            abort();
        for (size_t i = 0; i < count; i++) {
            if (r[i].first > r[i].last || r[i].last >= sizes[s])
                abort();
            for (size_t k = 0; k < i; k++)
                if (r[i].first <= r[k].last && r[k].first <= r[i].last)
                    abort();
        }
    }
    free(text);
    return 0;
}
