/* SPDX-License-Identifier: Apache-2.0 */
/* Forms: whatever is accepted is UTF-8 without control characters, and never empty. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/form_in.h"
#include "api/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

/* The same bytes as what a client shows in a header. */
static void fuzz_basic(const uint8_t *data, size_t size, struct arena *a)
{
    char *text = malloc(size + 1), *id = NULL, *secret = NULL;

    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (form_in_basic(text, a, &id, &secret) == SG_OK)
        check(utf8_length(id) != SIZE_MAX && utf8_length(secret) != SIZE_MAX);
    free(text);
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
    fuzz_basic(data, size, a);
    arena_free(a);
    return 0;
}
