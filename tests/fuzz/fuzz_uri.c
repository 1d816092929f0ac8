/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets, their decoding and their queries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const known[] = {"limit", "cursor", "sort", NULL};
    struct arena *a = arena_new(1 << 20);
    const char *path;
    const char *query;
    const char *value = NULL;
    char *text = a != NULL ? arena_memdup(a, data, len) : NULL;

    if (text != NULL && uri_decode(a, text, strlen(text), true, true, &value) == SG_OK &&
        (!uri_utf8(value, strlen(value)) || strpbrk(value, "\n\r\t\x7f") != NULL))
        abort();
    if (text != NULL && uri_split(text, &path, &query) == SG_OK) {
        if (path[0] != '/' && strcmp(path, "*") != 0)
            abort();
        for (size_t i = 0; known[i] != NULL; i++)
            if (uri_query_find(a, query, known[i], &value) == SG_OK && value != NULL &&
                !uri_utf8(value, strlen(value)))
                abort();
        if (uri_query_unknown(a, query, known, &value) == SG_OK && value != NULL &&
            strcmp(value, "limit") == 0)
            abort();
    }
    arena_free(a);
    return 0;
}
