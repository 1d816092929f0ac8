/* SPDX-License-Identifier: Apache-2.0 */
/* Forms: whatever is accepted is UTF-8 without control characters, and never empty. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "api/form_in.h"
#include "api/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct form_field fields[] = {{.name = "grant_type"}, {.name = "refresh_token"}, {.name = "a"}};
    struct arena *a = arena_new(1024 * 1024);
    const char *reason = NULL;
    enum sg_err err;

    check(a != NULL);
    err = form_in_parse(data, size, a, fields, sizeof fields / sizeof fields[0], &reason);
    check(err != SG_ERR_BAD_FIELD || reason != NULL);
    for (size_t i = 0; err == SG_OK && i < sizeof fields / sizeof fields[0]; i++) {
        const char *value = fields[i].value;

        if (value == NULL)
            continue;
        check(value[0] != 0 && utf8_length(value) != SIZE_MAX);
        for (const char *p = value; *p != 0; p++)
            check((unsigned char)*p >= 0x20 && *p != 0x7f);
    }
    arena_free(a);
    return 0;
}
