/* SPDX-License-Identifier: Apache-2.0 */
/* Offline proofs: what is read is written again byte for byte. */
#include <assert.h>
#include <string.h>

#include "tlog/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SG_BUF_CLEANUP struct buf out;
    struct tlog_proof p;

    buf_init(&out, 4 * SG_NOTE_MAX);
    if (tlog_proof_parse((const char *)data, size, &p) != SG_OK)
        return 0;
    tlog_proof_put(&out, &p);
    assert(buf_status(&out) == SG_OK);
    assert(out.len == size && memcmp(out.data, data, size) == 0);
    tlog_proof_fini(&p);
    return 0;
}
