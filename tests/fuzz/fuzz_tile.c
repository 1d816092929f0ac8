/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of tiles: each has one spelling. */
#include <assert.h>
#include <string.h>

#include "tlog/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[256];
    struct tile t;

    if (size >= sizeof path)
        return 0;
    if (size > 0)
        memcpy(path, data, size);
    path[size] = '\0';
    if (tile_parse(path, &t) == SG_OK) {
        SG_BUF_CLEANUP struct buf out;

        buf_init(&out, sizeof path);
        tile_put(&out, &t);
        assert(strcmp(buf_str(&out), path) == 0);
    }
    return 0;
}
