/* SPDX-License-Identifier: Apache-2.0 */
/* Writes signatures straight into the answer: records are spliced in as the keyring made them, and
 * no tree is ever built. */
#include "api/signature_json.h"

#include <string.h>

#define HASH SG_MERKLE_SIZE

/* Formats that are bytes; the others are text. */
#define BINARY ((unsigned)SG_FORMAT_RAW | (unsigned)SG_FORMAT_CMS)

static void put_format(struct json_out *o, unsigned bit, const uint8_t *data, size_t len)
{
    const char *name = sig_format_name((enum sig_format)(1U << bit));

    if (data == NULL || name == NULL)
        return;
    if ((BINARY >> bit & 1) != 0)
        json_out_base64(o, name, data, len);
    else
        json_out_text(o, name, (const char *)data, len);
}

static void put_proof_hashes(struct json_out *o, const uint8_t *hashes, size_t len)
{
    json_out_array(o, "proof");
    for (size_t at = 0; at + HASH <= len; at += HASH)
        json_out_base64(o, NULL, hashes + at, HASH);
    json_out_close(o, ']');
}

static void put_place(struct json_out *o, const char *directory, uint64_t index, uint64_t size,
                      const uint8_t *hashes, size_t len)
{
    json_out_object(o, "manifest");
    json_out_string(o, "directory", directory);
    json_out_integer(o, "index", (int64_t)index);
    json_out_integer(o, "size", (int64_t)size);
    put_proof_hashes(o, hashes, len);
    json_out_close(o, '}');
}

static void put_log(struct json_out *o, uint64_t index, uint64_t size, const char *proof,
                    size_t len)
{
    json_out_object(o, "log");
    json_out_integer(o, "index", (int64_t)index);
    json_out_integer(o, "size", (int64_t)size);
    json_out_text(o, "proof", proof, len);
    json_out_close(o, '}');
}

/* Record, signature, formats and place in the log; the object stays open. */
static void begin_signed(struct json_out *o, const struct signing_result *result,
                         const struct keyring_signed *of, struct buf *scratch)
{
    json_out_object_from(o, NULL, of->record, of->record_len);
    json_out_base64(o, "signature", of->signature, of->signature_len);
    json_out_object(o, "formats");
    for (unsigned bit = 0; bit < sizeof of->formats / sizeof of->formats[0]; bit++)
        put_format(o, bit, of->formats[bit].data, of->formats[bit].len);
    json_out_close(o, '}');
    buf_clear(scratch);
    signing_put_proof(scratch, result, of);
    if (buf_status(scratch) != SG_OK)
        o->buf.failed = true;
    put_log(o, of->index, result->tree_size, buf_str(scratch), scratch->len);
}

static void put_item(struct json_out *o, const struct signing_result *result, size_t i,
                     struct buf *scratch)
{
    const struct signing_directory *d = result->places != NULL ? result->places[i].directory : NULL;
    merkle_hash proof[SG_MERKLE_PROOF];
    size_t position, count;

    begin_signed(o, result, &result->items[i], scratch);
    if (d != NULL) {
        position = sig_manifest_position(d->manifest, result->places[i].entry);
        if (sig_manifest_proof(d->manifest, position, proof, &count) == SG_OK)
            put_place(o, d->name, position, sig_manifest_count(d->manifest), proof[0],
                      count * HASH);
        else
            o->buf.failed = true;
    }
    json_out_close(o, '}');
}

static void put_directory(struct json_out *o, const struct signing_result *result,
                          const struct signing_directory *d, struct buf *scratch)
{
    size_t len;
    const char *lines = sig_manifest_lines(d->manifest, &len);

    begin_signed(o, result, &d->of->of, scratch);
    json_out_string(o, "directory", d->name);
    json_out_integer(o, "files", (int64_t)sig_manifest_count(d->manifest));
    json_out_base64(o, "root", sig_manifest_root(d->manifest), HASH);
    json_out_text(o, "lines", lines, len);
    json_out_close(o, '}');
}

void signature_json_batch(struct json_out *o, const struct signing_result *result,
                          struct buf *scratch)
{
    json_out_object(o, NULL);
    json_out_array(o, "signatures");
    for (size_t i = 0; i < result->count; i++)
        put_item(o, result, i, scratch);
    json_out_close(o, ']');
    if (result->directory_count > 0) {
        json_out_array(o, "manifests");
        for (size_t i = 0; i < result->directory_count; i++)
            put_directory(o, result, &result->directories[i], scratch);
        json_out_close(o, ']');
    }
    json_out_close(o, '}');
}

size_t signature_json_estimate(const struct signing_result *result)
{
    /* Proof: the record in base64, some twenty hashes in base64, the note with its escapes. */
    size_t each = 1600 + result->note_len + result->note_len / 16;

    return 3 * result->batch.memory_len + (result->count + result->directory_count) * each;
}

static void begin_row(struct json_out *o, const char *name, const struct signature_row *row)
{
    json_out_object_from(o, name, row->record, row->record_len);
    if (row->signature != NULL)
        json_out_base64(o, "signature", row->signature, row->signature_len);
}

void signature_json_stored(struct json_out *o, const struct signing_stored *stored)
{
    const struct signature_row *row = &stored->row;
    const struct signature_place *place = &row->place;

    begin_row(o, NULL, row);
    if (row->signature != NULL) {
        json_out_object(o, "formats");
        for (unsigned bit = 0; bit < SG_SIGNATURE_FORMATS; bit++)
            put_format(o, bit, row->formats[bit].data, row->formats[bit].len);
        json_out_close(o, '}');
    }
    put_log(o, row->index, stored->tree_size, stored->proof, stored->proof_len);
    if (place->directory != NULL && place->lines == NULL)
        put_place(o, place->directory, place->position, place->files, place->proof,
                  place->proof_len);
    json_out_close(o, '}');
}

void signature_json_row(struct json_out *o, const char *name, const struct signature_row *row)
{
    begin_row(o, name, row);
    json_out_object(o, "log");
    json_out_integer(o, "index", (int64_t)row->index);
    json_out_close(o, '}');
    json_out_close(o, '}');
}
