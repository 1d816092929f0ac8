/* SPDX-License-Identifier: Apache-2.0 */
/* The index of signatures: entered with each batch, made again from the log where a process died in
 * between, read by number and in pages. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/thread.h"
#include "core/sha256.h"
#include "core/signing_internal.h"

#define REINDEX_ROWS   1024 /* leaves of one write */
#define ENTER_BESIDE   256  /* rows that are worth a thread */
#define CURSOR_VERSION 1
#define CURSOR_HASH    8
#define CURSOR_SIZE    (1 + 8 + CURSOR_HASH)
#define FILTER_MAX     1024

/* -- entering -----------------------------------------------------------------------------------
 */

enum sg_err signing_row_of_leaf(uint64_t index, const char *text, size_t len,
                                struct sig_record_read *read, struct signature_row *ret)
{
    if (sig_record_parse(text, len, read) != SG_OK)
        return SG_ERR_CORRUPT;
    *ret = (struct signature_row){.index = index,
                                  .timestamp_ns = read->record.timestamp_ns,
                                  .key = read->record.key,
                                  .package = read->record.package,
                                  .record = text,
                                  .record_len = len};
    memcpy(ret->sha256, read->record.digests.sha256, SG_DIGEST_SIZE);
    return SG_OK;
}

static void fill_signature(struct signature_row *row, const struct keyring_signed *of)
{
    row->signature = of->signature;
    row->signature_len = of->signature_len;
    for (size_t i = 0; i < SG_SIGNATURE_FORMATS; i++) {
        row->formats[i].data = of->formats[i].data;
        row->formats[i].len = of->formats[i].len;
    }
}

static void fill_item(const struct signing_set *set, const struct signing_result *r, size_t i,
                      struct signature_row *row)
{
    const struct keyring_signed *of = &r->items[i];
    const struct keyring_sign_item *item = &set->items[i];

    row->index = of->index;
    row->timestamp_ns = of->timestamp_ns;
    row->key = set->key->name;
    memcpy(row->sha256, item->digests.sha256, SG_DIGEST_SIZE);
    row->package = item->package;
    row->record = of->record;
    row->record_len = of->record_len;
    if (r->places != NULL && r->places[i].directory != NULL) {
        const struct signing_directory *d = r->places[i].directory;

        row->place.directory = d->name;
        row->place.manifest = d->of->of.index;
        row->place.position = sig_manifest_position(d->manifest, r->places[i].entry);
        row->place.files = sig_manifest_count(d->manifest);
    }
}

static enum sg_err fill_directory(struct arena *arena, const struct signing_directory *d,
                                  struct signature_row *row)
{
    const struct keyring_signed *of = &d->of->of;
    struct sig_record_read *read = arena_alloc(arena, sizeof *read);
    enum sg_err err = read != NULL
                          ? signing_row_of_leaf(of->index, of->record, of->record_len, read, row)
                          : SG_ERR_NO_MEMORY;

    if (err != SG_OK)
        return err == SG_ERR_CORRUPT ? SG_ERR_PROTOCOL : err;
    row->timestamp_ns = of->timestamp_ns; /* the text has milliseconds */
    row->place.directory = d->name;
    row->place.manifest = of->index;
    row->place.files = sig_manifest_count(d->manifest);
    row->place.lines = sig_manifest_lines(d->manifest, &row->place.lines_len);
    return SG_OK;
}

/* A write of the index. What its rows point to is the set's and the result's. */
struct signing_entry {
    struct signatures_store store;
    struct signature_batch batch;
    struct signature_row *rows;
    enum sg_err err;
    bool running; /* the thread, which then has the rest */
    pthread_t thread;
};

static void *entry_main(void *arg)
{
    struct signing_entry *e = arg;

    e->err = e->store.vt->add(e->store.self, &e->batch);
    return NULL;
}

enum sg_err signing_entry_end(struct signing_entry *e)
{
    enum sg_err err;

    if (e == NULL)
        return SG_OK;
    if (e->running)
        (void)pthread_join(e->thread, NULL);
    err = e->err;
    free(e->rows);
    free(e);
    return err;
}

static enum sg_err fill_rows(struct signing_set *set, const struct signing_result *r,
                             bool with_signatures, struct signature_row *rows)
{
    enum sg_err err = SG_OK;

    for (size_t i = 0; err == SG_OK && i < r->count + r->directory_count; i++) {
        const struct keyring_signed *of =
            i < r->count ? &r->items[i] : &r->directories[i - r->count].of->of;

        if (i < r->count)
            fill_item(set, r, i, &rows[i]);
        else
            err = fill_directory(set->arena, &r->directories[i - r->count], &rows[i]);
        if (with_signatures)
            fill_signature(&rows[i], of);
    }
    return err;
}

static void fill_batch(struct signing_set *set, const struct signing_result *r,
                       bool with_signatures, struct signing_entry *e)
{
    e->batch = (struct signature_batch){
        .first = r->items[0].index,
        .rows = e->rows,
        .count = r->count + r->directory_count,
        .key = set->key->name,
        .timestamp_ns = r->items[0].timestamp_ns,
        .tree_size = r->tree_size,
        .actor = {.user_id = set->who->user_id, .name = set->who->user, .now_ns = clock_now_ns()}};
    if (!with_signatures)
        return;
    for (size_t i = 0; i < set->event_count; i++) {
        set->events[i].key_version = r->batch.result.key_version;
        set->events[i].index += e->batch.first;
    }
    e->batch.events = set->events;
    e->batch.event_count = set->event_count;
    if (set->key->quorum > 0) {
        e->batch.note = r->note;
        e->batch.note_len = r->note_len;
    }
}

enum sg_err signing_enter(struct signing_set *set, struct signing_result *r, bool with_signatures)
{
    const size_t count = r->count + r->directory_count;
    struct signing_entry *e = calloc(1, sizeof *e);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (e == NULL)
        return err;
    e->store = set->s->store;
    e->rows = calloc(count, sizeof *e->rows);
    if (e->rows != NULL)
        err = fill_rows(set, r, with_signatures, e->rows);
    if (err != SG_OK) {
        (void)signing_entry_end(e);
        return err;
    }
    fill_batch(set, r, with_signatures, e);
    e->running = count >= ENTER_BESIDE && thread_start(&e->thread, entry_main, e) == SG_OK;
    if (!e->running)
        (void)entry_main(e);
    r->entry = e;
    return SG_OK;
}

/* -- the index made again -----------------------------------------------------------------------
 */

struct refill {
    struct signing *s;
    struct logread_head head;
    struct signature_row rows[REINDEX_ROWS];
    struct sig_record_read *reads; /* of each row */
    struct buf text;
    size_t count;
};

/* Enters what is there, in runs of one key. */
static enum sg_err refill_flush(struct refill *f)
{
    enum sg_err err = SG_OK;

    for (size_t from = 0, to; err == SG_OK && from < f->count; from = to) {
        struct signature_batch batch = {.first = f->rows[from].index,
                                        .rows = f->rows + from,
                                        .key = f->rows[from].key,
                                        .timestamp_ns = f->rows[from].timestamp_ns,
                                        .tree_size = f->head.of.size};

        for (to = from; to < f->count && strcmp(f->rows[to].key, batch.key) == 0; to++)
            batch.count++;
        err = f->s->store.vt->add(f->s->store.self, &batch);
    }
    f->count = 0;
    return err;
}

/* Leaves [first, first + count), all in one bundle. */
static enum sg_err refill_bundle(struct refill *f, uint64_t first, size_t count)
{
    size_t at = 0;
    enum sg_err err;

    buf_clear(&f->text);
    err = logread_entries(f->s->log, &f->head.of, first, count, &f->text);
    for (size_t i = 0; err == SG_OK && i < count; i++) {
        const uint8_t *entry = f->text.data + at;
        size_t len = f->text.len - at >= 2 ? (size_t)entry[0] << 8 | entry[1] : SIZE_MAX;

        if (f->text.len - at < 2 || len > f->text.len - at - 2)
            return SG_ERR_CORRUPT;
        err = signing_row_of_leaf(first + i, (const char *)entry + 2, len, &f->reads[f->count],
                                  &f->rows[f->count]);
        f->count += err == SG_OK ? 1 : 0;
        at += 2 + len;
    }
    return err == SG_OK ? refill_flush(f) : err; /* the rows borrow the text */
}

static enum sg_err refill_gap(struct refill *f, uint64_t first, uint64_t count)
{
    enum sg_err err = SG_OK;

    for (uint64_t at = first; err == SG_OK && at < first + count;) {
        uint64_t end = (at / SG_TILE_WIDTH + 1) * SG_TILE_WIDTH;

        if (end > first + count)
            end = first + count;
        err = refill_bundle(f, at, (size_t)(end - at));
        at = end;
    }
    return err;
}

/* What the index has of leaves that an accepted log has lost: their numbers are given again. The
 * checkpoint is believed only while the keyring goes on from it. */
static enum sg_err cut_lost(struct refill *f)
{
    struct keyring_log_state state;
    uint64_t count = 0;
    enum sg_err err = logread_state(f->s->log, &state);

    if (err != SG_OK || state.closed || state.size != f->head.of.size)
        return err;
    err = f->s->store.vt->cut(f->s->store.self, f->head.of.size, &count);
    if (err == SG_OK && count > 0)
        log_write(SG_LOG_WARN, "signing.lost", SG_INT("count", count),
                  SG_INT("size", f->head.of.size));
    return err;
}

enum sg_err signing_reindex(struct signing *s, uint64_t *ret_count)
{
    struct refill *f = calloc(1, sizeof *f);
    uint64_t at = 0, missing = 0, done = 0;
    enum sg_err err;

    *ret_count = 0;
    if (f == NULL)
        return SG_ERR_NO_MEMORY;
    f->s = s;
    buf_init(&f->text, (size_t)SG_TILE_WIDTH * (2 + SG_LOG_ENTRY_MAX));
    f->reads = calloc(SG_TILE_WIDTH, sizeof *f->reads);
    err = f->reads != NULL ? logread_head(s->log, &f->head) : SG_ERR_NO_MEMORY;
    if (err == SG_OK)
        err = cut_lost(f);
    while (err == SG_OK) {
        err = s->store.vt->gap(s->store.self, at, &at, &missing);
        if (err != SG_OK || at >= f->head.of.size)
            break;
        if (missing > f->head.of.size - at)
            missing = f->head.of.size - at;
        err = refill_gap(f, at, missing);
        at += missing;
        done += missing;
    }
    *ret_count = done;
    buf_fini(&f->text);
    free(f->reads);
    free(f);
    return err == SG_ERR_NOT_FOUND ? SG_OK : err;
}

/* -- reading ------------------------------------------------------------------------------------
 */

/* A file's proof in the manifest of its directory; the lines are in the manifest's own row, and are
 * gone where only the log is left of it. */
static enum sg_err prove_place(struct signing *s, struct arena *arena, struct signature_row *row)
{
    struct signature_place *place = &row->place;
    struct sig_manifest *m = NULL;
    struct signature_row of;
    uint64_t size = 0;
    const char *note = NULL;
    merkle_hash hashes[SG_MERKLE_PROOF];
    size_t count = 0;
    enum sg_err err = s->store.vt->get(s->store.self, place->manifest, arena, &of, &note, &size);

    if (err == SG_OK)
        err = of.place.lines != NULL ? sig_manifest_parse(of.place.lines, of.place.lines_len, &m)
                                     : SG_ERR_CORRUPT;
    if (err == SG_OK)
        err = sig_manifest_proof(m, (size_t)place->position, hashes, &count);
    sig_manifest_free(m);
    if (err != SG_OK)
        return err == SG_ERR_NO_MEMORY ? err : SG_ERR_CORRUPT;
    place->proof = arena_memdup(arena, hashes, count * sizeof hashes[0]);
    place->proof_len = count * sizeof hashes[0];
    return place->proof != NULL ? SG_OK : SG_ERR_NO_MEMORY;
}

/* Under the cosigned checkpoint, or the published one. */
static enum sg_err prove_leaf(struct signing *s, const char *note, struct arena *arena,
                              struct signing_stored *stored)
{
    SG_BUF_CLEANUP struct buf proof;
    const struct signature_row *row = &stored->row;
    struct logread_head head;
    struct merkle_range *range = NULL;
    merkle_hash leaf;
    enum sg_err err;

    buf_init(&proof, (size_t)4 * (SG_NOTE_MAX + SG_LOG_ENTRY_MAX));
    err = note != NULL ? logread_check(s->log, note, strlen(note), &head.of)
                       : logread_head(s->log, &head);
    merkle_leaf(row->record, row->record_len, leaf);
    if (err == SG_OK)
        err = logread_proofs(s->log, &head.of, row->index, 1, (const merkle_hash *)&leaf, &range);
    if (err != SG_OK)
        return err == SG_ERR_UNAVAILABLE || err == SG_ERR_NO_MEMORY ? err : SG_ERR_CORRUPT;
    if (note == NULL)
        note = head.note;
    logread_put_proof(&proof, range, row->index, row->record, row->record_len, note, strlen(note));
    merkle_range_free(range);
    err = buf_status(&proof);
    if (err != SG_OK)
        return err;
    stored->tree_size = head.of.size;
    stored->proof = arena_memdup(arena, proof.data, proof.len);
    stored->proof_len = proof.len;
    return stored->proof != NULL ? SG_OK : SG_ERR_NO_MEMORY;
}

enum sg_err signing_get(struct signing *s, uint64_t index, struct arena *arena,
                        struct signing_stored *ret)
{
    struct signing_stored stored = {0};
    const char *note = NULL;
    enum sg_err err =
        s->store.vt->get(s->store.self, index, arena, &stored.row, &note, &stored.tree_size);

    if (err == SG_OK && stored.row.place.directory != NULL && stored.row.place.lines == NULL)
        err = prove_place(s, arena, &stored.row);
    if (err == SG_OK)
        err = prove_leaf(s, note, arena, &stored);
    if (err == SG_OK)
        *ret = stored;
    return err;
}

/* -- pages --------------------------------------------------------------------------------------
 */

/* A cursor is of one listing: this is what it was asked with. */
static enum sg_err filter_hash(const struct signing_list_options *o, uint8_t ret[CURSOR_HASH])
{
    SG_BUF_CLEANUP struct buf text;
    uint8_t digest[SG_SHA256_SIZE];

    buf_init(&text, FILTER_MAX);
    buf_printf(&text, "%lld %lld %d %s%c%s%c", (long long)o->since_ns, (long long)o->until_ns,
               o->sha256 != NULL, o->package != NULL ? o->package : "\n", 0,
               o->key != NULL ? o->key : "\n", 0);
    if (o->sha256 != NULL)
        buf_append(&text, o->sha256, SG_DIGEST_SIZE);
    if (buf_status(&text) != SG_OK)
        return SG_ERR_BAD_FIELD;
    sha256_digest(text.data, text.len, digest);
    memcpy(ret, digest, CURSOR_HASH);
    return SG_OK;
}

static char *put_cursor(const uint8_t hash[CURSOR_HASH], uint64_t index, struct arena *arena)
{
    uint8_t raw[CURSOR_SIZE] = {CURSOR_VERSION};
    char text[SG_BASE64_SIZE(CURSOR_SIZE)];

    encode_be64(index, raw + 1);
    memcpy(raw + 9, hash, CURSOR_HASH);
    encode_base64url(raw, sizeof raw, text);
    return arena_strdup(arena, text);
}

static enum sg_err get_cursor(const char *text, const uint8_t hash[CURSOR_HASH], uint64_t *ret)
{
    uint8_t raw[CURSOR_SIZE];
    size_t len = 0;

    if (encode_unbase64url(text, strlen(text), raw, sizeof raw, &len) != SG_OK ||
        len != sizeof raw || raw[0] != CURSOR_VERSION || memcmp(raw + 9, hash, CURSOR_HASH) != 0)
        return SG_ERR_BAD_CURSOR;
    *ret = encode_unbe64(raw + 1);
    return SG_OK;
}

enum sg_err signing_list(struct signing *s, const struct signing_list_options *options,
                         struct arena *arena, struct signature_row **ret, size_t *ret_count,
                         char **ret_cursor)
{
    struct signature_query query = {.sha256 = options->sha256,
                                    .package = options->package,
                                    .key = options->key,
                                    .since_ns = options->since_ns,
                                    .until_ns = options->until_ns,
                                    .before = UINT64_MAX,
                                    .limit = options->limit + 1};
    uint8_t hash[CURSOR_HASH];
    struct signature_row *rows;
    char *cursor = NULL;
    size_t count = 0;
    enum sg_err err;

    if (options->limit < 1 || options->limit > 1000)
        return SG_ERR_BAD_FIELD;
    err = filter_hash(options, hash);
    if (err == SG_OK && options->cursor != NULL && options->cursor[0] != '\0')
        err = get_cursor(options->cursor, hash, &query.before);
    if (err != SG_OK)
        return err;
    rows = arena_alloc(arena, query.limit * sizeof *rows);
    err = rows != NULL ? s->store.vt->list(s->store.self, &query, arena, rows, &count)
                       : SG_ERR_NO_MEMORY;
    if (err != SG_OK)
        return err;
    if (count > options->limit) {
        count = options->limit;
        cursor = put_cursor(hash, rows[count - 1].index, arena);
        if (cursor == NULL)
            return SG_ERR_NO_MEMORY;
    }
    *ret = rows;
    *ret_count = count;
    *ret_cursor = cursor;
    return SG_OK;
}
