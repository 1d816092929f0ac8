/* SPDX-License-Identifier: Apache-2.0 */
/* Notes, checkpoints, verifier keys: whatever is read can be written, and is then the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tlog/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void key(const char *text)
{
    char again[SG_NOTE_VKEY_SIZE];
    struct note_key k, same;

    if (note_key_parse(text, &k) != SG_OK)
        return;
    note_key_format(&k, again);
    assert(note_key_parse(again, &same) == SG_OK);
    assert(memcmp(&k, &same, sizeof k) == 0);
}

static void note(const char *text, size_t len)
{
    struct checkpoint c, same;
    struct note n;

    if (note_parse(text, len, &n) != SG_OK)
        return;
    assert(n.body_len < len && n.body[n.body_len - 1] == '\n');
    if (checkpoint_parse(n.body, n.body_len, &c) == SG_OK) {
        SG_BUF_CLEANUP struct buf out;

        buf_init(&out, SG_NOTE_MAX);
        checkpoint_put(&out, &c);
        assert(checkpoint_parse(buf_str(&out), out.len, &same) == SG_OK);
        assert(same.size == c.size && strcmp(same.origin, c.origin) == 0);
    }
    note_fini(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    assert(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    key(text);
    note(text, size);
    free(text);
    return 0;
}
