/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the log and hashes what it reads up to a signed root; it writes nothing, and gives out
 * nothing that did not lead there. */
#include "core/logread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tlog/logdir.h"

#define BUNDLE_MAX ((size_t)SG_TILE_WIDTH * (2 + SG_LOG_ENTRY_MAX)) /* bytes */

struct logread {
    struct logread_options options;
    char *dir;
    pthread_mutex_t lock; /* guards all below */
    struct logdir *files; /* NULL: not there yet; stays once it is */
    bool has_state;
    struct keyring_log_state state;
    struct note_key key;
    bool has_head;
    struct logread_head head; /* the last one that was verified */
};

enum sg_err logread_new(const struct logread_options *options, struct logread **ret)
{
    struct logread *l = calloc(1, sizeof *l);

    if (l == NULL)
        return SG_ERR_NO_MEMORY;
    l->options = *options;
    l->dir = strdup(options->dir);
    if (l->dir == NULL) {
        free(l);
        return SG_ERR_NO_MEMORY;
    }
    (void)pthread_mutex_init(&l->lock, NULL);
    *ret = l;
    return SG_OK;
}

void logread_free(struct logread *l)
{
    if (l == NULL)
        return;
    logdir_close(l->files);
    (void)pthread_mutex_destroy(&l->lock);
    free(l->dir);
    free(l);
}

static enum sg_err get_files(struct logread *l, struct logdir **ret)
{
    enum sg_err err = SG_OK;

    (void)pthread_mutex_lock(&l->lock);
    if (l->files == NULL)
        err = logdir_open(l->dir, &l->files);
    if (err == SG_OK)
        *ret = l->files;
    (void)pthread_mutex_unlock(&l->lock);
    return err;
}

/* What a signed tree must have, and does not, is damage. */
static enum sg_err damaged(enum sg_err err)
{
    return err == SG_ERR_NOT_FOUND ? SG_ERR_CORRUPT : err;
}

/* -- keys and checkpoints ----------------------------------------------------------------------
 */

/* The keyring is asked without the lock: it may take its time. */
static enum sg_err load_state(struct logread *l)
{
    struct keyring_log_state state;
    struct note_key key;
    bool has;
    enum sg_err err;

    (void)pthread_mutex_lock(&l->lock);
    has = l->has_state;
    (void)pthread_mutex_unlock(&l->lock);
    if (has)
        return SG_OK;
    err = l->options.state(l->options.ctx, &state);
    if (err == SG_OK)
        err = note_key_parse(state.vkey, &key);
    if (err != SG_OK)
        return err == SG_ERR_BAD_FIELD ? SG_ERR_PROTOCOL : err;
    (void)pthread_mutex_lock(&l->lock);
    if (!l->has_state) { /* others may be reading what is there */
        l->state = state;
        l->key = key;
    }
    l->has_state = true;
    (void)pthread_mutex_unlock(&l->lock);
    return SG_OK;
}

enum sg_err logread_state(struct logread *l, struct keyring_log_state *ret)
{
    enum sg_err err = load_state(l);

    if (err != SG_OK)
        return err;
    (void)pthread_mutex_lock(&l->lock);
    *ret = l->state;
    (void)pthread_mutex_unlock(&l->lock);
    return SG_OK;
}

enum sg_err logread_check(struct logread *l, const char *text, size_t len, struct checkpoint *ret)
{
    struct checkpoint c;
    struct note n;
    enum sg_err err = load_state(l);

    if (err != SG_OK)
        return err;
    err = note_parse(text, len, &n);
    if (err != SG_OK)
        return err;
    err = note_verify(&n, &l->key, NULL); /* never written again */
    if (err == SG_OK)
        err = checkpoint_parse(n.body, n.body_len, &c);
    if (err == SG_OK && strcmp(c.origin, l->key.name) != 0)
        err = SG_ERR_BAD_FIELD;
    note_fini(&n);
    if (err == SG_OK)
        *ret = c;
    return err;
}

/* Whether the text is that of the remembered checkpoint, which is then copied. */
static bool same_head(struct logread *l, const struct buf *text, struct logread_head *ret)
{
    bool same;

    (void)pthread_mutex_lock(&l->lock);
    same = l->has_head && l->head.note_len == text->len &&
           memcmp(l->head.note, text->data, text->len) == 0;
    if (same)
        *ret = l->head;
    (void)pthread_mutex_unlock(&l->lock);
    return same;
}

/* Remembers the longest tree: one that was read before another thread read a later one is not shown
 * after it. */
static void keep_head(struct logread *l, const struct logread_head *head, struct logread_head *ret)
{
    (void)pthread_mutex_lock(&l->lock);
    if (!l->has_head || head->of.size >= l->head.of.size)
        l->head = *head;
    l->has_head = true;
    *ret = l->head;
    (void)pthread_mutex_unlock(&l->lock);
}

enum sg_err logread_head(struct logread *l, struct logread_head *ret)
{
    SG_BUF_CLEANUP struct buf text;
    struct logread_head head;
    struct logdir *files;
    enum sg_err err;

    buf_init(&text, SG_NOTE_MAX);
    err = get_files(l, &files);
    if (err == SG_OK)
        err = logdir_checkpoint(files, &text);
    if (err != SG_OK)
        return err;
    if (same_head(l, &text, ret))
        return SG_OK;
    if (text.len >= sizeof head.note)
        return SG_ERR_CORRUPT;
    err = logread_check(l, (const char *)text.data, text.len, &head.of);
    if (err == SG_ERR_NOT_FOUND || err == SG_ERR_BAD_DIGEST || err == SG_ERR_BAD_FIELD)
        err = SG_ERR_CORRUPT;
    if (err != SG_OK)
        return err;
    head.note_len = text.len;
    memcpy(head.note, text.data, text.len);
    head.note[text.len] = '\0';
    keep_head(l, &head, ret);
    return SG_OK;
}

/* -- proofs ------------------------------------------------------------------------------------
 */

enum sg_err logread_proofs(struct logread *l, const struct checkpoint *of, uint64_t first,
                           size_t count, const merkle_hash *leaves, struct merkle_range **ret)
{
    SG_BUF_CLEANUP struct buf hashes;
    struct merkle_source source;
    struct logdir *files;
    enum sg_err err;

    buf_init(&hashes, SIZE_MAX / 2);
    if (count == 0 || first >= of->size || count > of->size - first)
        return SG_ERR_BAD_FIELD;
    err = damaged(get_files(l, &files));
    if (err == SG_OK && leaves == NULL) {
        err = damaged(logdir_hashes(files, 0, first, count, &hashes));
        leaves = (const merkle_hash *)hashes.data;
    }
    if (err != SG_OK)
        return err;
    source = logdir_source(files);
    return damaged(merkle_range_new(&source, of->size, 0, first, count, leaves, of->root, ret));
}

void logread_put_proof(struct buf *out, const struct merkle_range *r, uint64_t index,
                       const void *leaf, size_t leaf_len, const char *note, size_t note_len)
{
    struct tlog_proof p = {
        .extra_len = leaf_len, .index = index, .note = note, .note_len = note_len};

    /* Writing does not change it; the member is for reading, too. */
    memcpy(&p.extra, &leaf, sizeof p.extra);
    if (merkle_range_inclusion(r, index, p.hash, &p.count) == SG_OK)
        tlog_proof_put(out, &p);
    else
        out->failed = true;
}

/* -- entries and tiles --------------------------------------------------------------------------
 */

/* Whether the entries in `data` are those of the tree from `first` on; *ret_tail is where the last
 * `tail` of them begin. */
static enum sg_err check_entries(struct logread *l, const struct checkpoint *of, uint64_t first,
                                 size_t count, size_t tail, const struct buf *data,
                                 size_t *ret_tail)
{
    merkle_hash leaves[SG_TILE_WIDTH];
    struct merkle_range *range;
    size_t at = 0;
    enum sg_err err;

    for (size_t i = 0; i < count; i++) {
        size_t len;

        if (i == count - tail)
            *ret_tail = at;
        if (data->len - at < 2)
            return SG_ERR_CORRUPT;
        len = (size_t)data->data[at] << 8 | data->data[at + 1];
        if (data->len - at - 2 < len)
            return SG_ERR_CORRUPT;
        merkle_leaf(data->data + at + 2, len, leaves[i]);
        at += 2 + len;
    }
    if (at != data->len)
        return SG_ERR_CORRUPT;
    err = logread_proofs(l, of, first, count, (const merkle_hash *)leaves, &range);
    if (err == SG_OK)
        merkle_range_free(range);
    return err;
}

enum sg_err logread_entries(struct logread *l, const struct checkpoint *of, uint64_t first,
                            size_t count, struct buf *out)
{
    uint64_t bundle = first / SG_TILE_WIDTH;
    size_t before = first % SG_TILE_WIDTH;
    SG_BUF_CLEANUP struct buf data;
    struct logdir *files;
    size_t tail = 0;
    enum sg_err err;

    buf_init(&data, BUNDLE_MAX);
    if (count == 0 || count > SG_TILE_WIDTH - before || first >= of->size ||
        count > of->size - first)
        return SG_ERR_NOT_FOUND;
    err = get_files(l, &files);
    if (err == SG_OK)
        err = logdir_bundle(files, bundle, (unsigned)(before + count), &data);
    if (err == SG_OK)
        err = check_entries(l, of, bundle * SG_TILE_WIDTH, before + count, count, &data, &tail);
    if (err != SG_OK)
        return damaged(err);
    buf_append(out, data.data + tail, data.len - tail);
    return buf_status(out);
}

enum sg_err logread_entry(struct logread *l, const struct logread_head *head, uint64_t index,
                          struct buf *out, struct buf *proof)
{
    struct merkle_range *range = NULL;
    SG_BUF_CLEANUP struct buf entry;
    struct logdir *files;
    merkle_hash leaf;
    enum sg_err err;

    buf_init(&entry, SG_LOG_ENTRY_MAX);
    if (index >= head->of.size)
        return SG_ERR_NOT_FOUND;
    err = get_files(l, &files);
    if (err == SG_OK)
        err = logdir_entry(files, index, &entry);
    if (err != SG_OK)
        return damaged(err);
    merkle_leaf(entry.data, entry.len, leaf);
    err = logread_proofs(l, &head->of, index, 1, (const merkle_hash *)&leaf, &range);
    if (err != SG_OK)
        return err;
    buf_append(out, entry.data, entry.len);
    err = buf_status(out);
    if (err == SG_OK && proof != NULL) {
        logread_put_proof(proof, range, index, entry.data, entry.len, head->note, head->note_len);
        err = buf_status(proof);
    }
    merkle_range_free(range);
    return err;
}

enum sg_err logread_tile(struct logread *l, const struct tile *t, struct buf *out)
{
    SG_BUF_CLEANUP struct buf hashes;
    struct merkle_range *range;
    struct merkle_source source;
    struct logread_head head;
    struct logdir *files;
    uint64_t first;
    uint64_t end;
    enum sg_err err = logread_head(l, &head);

    buf_init(&hashes, (size_t)SG_TILE_WIDTH * SG_MERKLE_SIZE);
    if (err != SG_OK)
        return err;
    if (t->width == 0 || t->width > SG_TILE_WIDTH ||
        __builtin_mul_overflow(t->index, SG_TILE_WIDTH, &first) ||
        __builtin_add_overflow(first, t->width, &end))
        return SG_ERR_NOT_FOUND;
    if (t->level == SG_TILE_ENTRIES)
        return logread_entries(l, &head.of, first, t->width, out);
    if (t->level >= SG_LOGDIR_HASH_FILES || end > head.of.size >> 8 * t->level)
        return SG_ERR_NOT_FOUND;
    err = get_files(l, &files);
    if (err == SG_OK)
        err = logdir_hashes(files, t->level, first, t->width, &hashes);
    if (err != SG_OK)
        return damaged(err);
    source = logdir_source(files);
    err = merkle_range_new(&source, head.of.size, 8 * t->level, first, t->width,
                           (const merkle_hash *)hashes.data, head.of.root, &range);
    if (err != SG_OK)
        return damaged(err);
    merkle_range_free(range);
    buf_append(out, hashes.data, hashes.len);
    return buf_status(out);
}

/* -- growth ------------------------------------------------------------------------------------
 */

/* From `from` to `to`, whose root is given; fills the proof and the root of the earlier tree. */
static enum sg_err grow(const struct merkle_source *s, uint64_t from, uint64_t to,
                        const merkle_hash root_to, struct logread_growth *ret)
{
    enum sg_err err = merkle_root(s, from, ret->root_from);

    memcpy(ret->root_to, root_to, SG_MERKLE_SIZE);
    if (err == SG_OK)
        err = merkle_consistency(s, from, to, ret->proof, &ret->count);
    if (err == SG_OK && from > 0 &&
        merkle_verify_consistency(from, to, (const merkle_hash *)ret->proof, ret->count,
                                  ret->root_from, root_to) != SG_OK)
        err = SG_ERR_CORRUPT;
    return damaged(err);
}

enum sg_err logread_consistency(struct logread *l, const struct checkpoint *head, uint64_t from,
                                uint64_t to, struct logread_growth *ret)
{
    struct merkle_source source;
    struct logread_growth g = {.count = 0};
    struct logdir *files;
    merkle_hash root;
    enum sg_err err;

    if (from > to || to > head->size)
        return SG_ERR_BAD_FIELD;
    err = damaged(get_files(l, &files));
    if (err != SG_OK)
        return err;
    source = logdir_source(files);
    /* First that the later tree is one of the signed tree, then the same for the earlier one. */
    err = grow(&source, to, head->size, head->root, &g);
    memcpy(root, g.root_from, sizeof root);
    if (err == SG_OK)
        err = grow(&source, from, to, root, &g);
    if (err == SG_OK)
        *ret = g;
    return err;
}
