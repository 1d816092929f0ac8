/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the encoded form of password hashes: what is read is written back the same. */
#include "core/phcstring.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), again[SG_PHC_SIZE];
    struct phcstring p;

    memcpy(text, data, size);
    text[size] = '\0';
    if (phcstring_read(text, &p) == SG_OK) {
        phcstring_write(&p, again);
        if (phcstring_check(&p) != SG_OK || strcmp(text, again) != 0)
            abort();
    }
    free(text);
    return 0;
}
