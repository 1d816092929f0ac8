/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a witness: nothing that nobody signed counts, and what is appended is one line. */
#include <assert.h>
#include <string.h>

#include "core/witness_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOTE                                                                                       \
    "log.example/log\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"                         \
    "\xe2\x80\x94 log.example/log AAAAAEFB\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t public_key[32] = {9};
    SG_BUF_CLEANUP struct buf out;
    struct note_key key;
    uint64_t number;

    buf_init(&out, 4096);
    if (size > 65536 || note_key_make("w", SG_NOTE_COSIGNATURE, public_key, &key) != SG_OK)
        return 0;
    assert(witness_text_cosignature(NOTE, sizeof NOTE - 1, (const char *)data, size, &key, &out) !=
           SG_OK);
    assert(out.len == 0);
    if (witness_text_size((const char *)data, size, &number) == SG_OK) {
        buf_printf(&out, "%llu\n", (unsigned long long)number);
        assert(out.len == size && memcmp(out.data, data, size) == 0);
    }
    return 0;
}
