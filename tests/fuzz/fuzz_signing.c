/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes batches of signatures and their results between worker and keyring. What decodes must
 * encode to the same bytes. */
#include "ipc/signing.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyring_sign m;
    struct keyring_sign_result result;
    struct arena *arena;
    struct buf out;
    bool read;

    if (size < 1)
        return 0;
    arena = arena_new(8 << 20);
    if (arena == NULL)
        return 0;
    buf_init(&out, SG_SIGN_RESULT_MAX);
    if ((data[0] & 1) == 0) {
        read = signing_get_sign(data + 1, size - 1, arena, &m) == SG_OK;
        if (read)
            signing_put_sign(&out, &m);
    } else {
        read = signing_get_result(data + 1, size - 1, arena, &result) == SG_OK;
        if (read)
            signing_put_result(&out, &result);
    }
    must(!read || (out.len == size - 1 && memcmp(out.data, data + 1, size - 1) == 0));
    buf_fini(&out);
    arena_free(arena);
    return 0;
}
