/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of add-checkpoint; what a witness says is believed only with its valid signature. */
#include "core/witness_text.h"

#include <string.h>

#include "base/encode.h"

#define LINES_MAX 32 /* of an answer that are looked at */

void witness_text_request(struct buf *out, uint64_t old_size, const merkle_hash *proof,
                          size_t count, const char *note, size_t note_len)
{
    buf_printf(out, "old %llu\n", (unsigned long long)old_size);
    for (size_t i = 0; i < count; i++) {
        char text[SG_BASE64_SIZE(SG_MERKLE_SIZE)];

        encode_base64(proof[i], SG_MERKLE_SIZE, text);
        buf_printf(out, "%s\n", text);
    }
    buf_putc(out, '\n');
    buf_append(out, note, note_len);
}

enum sg_err witness_text_size(const char *text, size_t len, uint64_t *ret)
{
    uint64_t value = 0;

    if (len < 2 || text[len - 1] != '\n' || (text[0] == '0' && len > 2))
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i + 1 < len; i++)
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return SG_ERR_BAD_FIELD;
    *ret = value;
    return SG_OK;
}

/* One line with its newline, tried as the only signature besides the note's own. */
static enum sg_err try_line(const char *note, size_t note_len, const char *line, size_t len,
                            const struct note_key *key, struct buf *out)
{
    SG_BUF_CLEANUP struct buf text;
    struct note_signature *last;
    struct note alone;
    struct note n;
    enum sg_err err;

    buf_init(&text, SG_NOTE_MAX);
    buf_append(&text, note, note_len);
    buf_append(&text, line, len);
    if (buf_status(&text) != SG_OK || note_parse((const char *)text.data, text.len, &n) != SG_OK)
        return SG_ERR_NOT_FOUND;
    last = &n.signatures[n.count - 1];
    alone = (struct note){.body = n.body, .body_len = n.body_len, .count = 1, .signatures = last};
    err = note_verify(&alone, key, NULL);
    if (err == SG_OK)
        note_put_signature(out, key, last->bytes, last->len);
    note_fini(&n);
    return err == SG_OK ? buf_status(out) : err;
}

enum sg_err witness_text_cosignature(const char *note, size_t note_len, const char *answer,
                                     size_t len, const struct note_key *key, struct buf *out)
{
    enum sg_err err = SG_ERR_NOT_FOUND;
    const char *end = answer + len;

    for (unsigned lines = 0; answer < end && lines < LINES_MAX; lines++) {
        const char *newline = memchr(answer, '\n', (size_t)(end - answer));
        enum sg_err line_err;

        if (newline == NULL)
            break;
        line_err = try_line(note, note_len, answer, (size_t)(newline + 1 - answer), key, out);
        if (line_err != SG_ERR_NOT_FOUND)
            err = line_err;
        if (line_err == SG_OK)
            break;
        answer = newline + 1;
    }
    return err;
}
