/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The committer of the log. Order of a commit: entries, synced; read back and hashed; hash and
 * bundle files; state, synced; checkpoint; answer. Before the state is in place a failure takes the
 * entries back; after it the leaves stay, and no answer says that they are signed.
 */
#include "keyring/translog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "keyring/translog_internal.h"

#define SYNC_EVERY      4096       /* leaves between syncs of what can be made again */
#define ROUND_BYTES     (16 << 20) /* of one commit; a single larger batch goes alone */
#define CLOCK_BEHIND_NS SG_NS_PER_S

/* -- a commit ---------------------------------------------------------------------------------- */

enum sg_err translog_publish(struct translog *t)
{
    SG_BUF_CLEANUP struct buf body;
    SG_BUF_CLEANUP struct buf note;
    struct checkpoint c = {.size = t->state.frontier.size};
    enum sg_err err;

    buf_init(&body, sizeof t->note);
    buf_init(&note, sizeof t->note - 1);
    memcpy(c.origin, t->public_key.name, sizeof c.origin);
    merkle_frontier_root(&t->state.frontier, c.root);
    checkpoint_put(&body, &c);
    err = buf_status(&body);
    if (err == SG_OK)
        err = notekey_sign(&t->key, &body, &note);
    if (err == SG_OK)
        err = logfiles_publish(&t->files, note.data, note.len);
    if (err != SG_OK)
        return err;
    (void)pthread_mutex_lock(&t->lock);
    t->published = c;
    memcpy(t->note, note.data, note.len);
    t->note[note.len] = '\0';
    t->note_len = note.len;
    t->commits++;
    if (t->last_ns < t->state.last_ns)
        t->last_ns = t->state.last_ns;
    (void)pthread_mutex_unlock(&t->lock);
    return SG_OK;
}

static enum sg_err put_entries(const struct logbatch *list, struct buf *out)
{
    for (const struct logbatch *b = list; b != NULL; b = b->next) {
        for (size_t i = 0; i < b->count; i++) {
            const uint8_t head[2] = {(uint8_t)(b->leaves[i].len >> 8), (uint8_t)b->leaves[i].len};

            buf_append(out, head, sizeof head);
            buf_append(out, b->leaves[i].data, b->leaves[i].len);
        }
    }
    return buf_status(out);
}

/* Reads back what was written behind the state, hashes it and writes what follows from it. */
static enum sg_err read_back(struct translog *t, const struct buf *entries, struct logstate *state)
{
    const uint64_t begin = state->bytes;
    struct logscan scan;
    enum sg_err err = SG_OK;

    logscan_init(&scan, &state->frontier, begin);
    while (err == SG_OK && scan.bytes < begin + entries->len) {
        err = logscan_next(&t->files, &scan, begin + entries->len,
                           entries->data + (scan.bytes - begin));
        if (err == SG_OK && scan.torn)
            err = SG_ERR_CORRUPT;
        if (err == SG_OK)
            err = logfiles_derive(&t->files, &scan);
    }
    state->frontier = scan.frontier;
    state->bytes = scan.bytes;
    logscan_fini(&scan);
    return err;
}

static enum sg_err write_entries(struct translog *t, const struct logbatch *list,
                                 struct logstate *state)
{
    SG_BUF_CLEANUP struct buf entries;
    enum sg_err err;

    buf_init(&entries, (size_t)SG_TRANSLOG_BATCH_MAX * (SG_TRANSLOG_LEAF_MAX + 2) + ROUND_BYTES);
    err = put_entries(list, &entries);
    if (err == SG_OK)
        err = logfiles_append(&t->files, state->bytes, entries.data, entries.len);
    if (err == SG_OK)
        err = logfiles_sync(&t->files);
    return err == SG_OK ? read_back(t, &entries, state) : err;
}

static enum sg_err commit(struct translog *t, const struct logbatch *list)
{
    struct logstate state = t->state;
    bool replaced = false;
    enum sg_err err;

    for (const struct logbatch *b = list; b != NULL; b = b->next)
        if (state.last_ns < b->timestamp_ns)
            state.last_ns = b->timestamp_ns;
    err = write_entries(t, list, &state);
    if (err == SG_OK)
        err = logstate_save(t->state_path, &state, &replaced);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.log_write_failed", SG_STR("error", err_code(err)));
        /* What cannot be taken back is found, and judged, by recovery. */
        t->ready = !replaced && logfiles_truncate(&t->files, t->state.bytes) == SG_OK &&
                   err == SG_ERR_NO_SPACE;
        return err;
    }
    t->state = state;
    err = translog_publish(t);
    t->ready = err == SG_OK;
    return err;
}

/* Makes durable, now and then, what would be made again from the entries after a power cut. */
static void sync_derived(struct translog *t)
{
    const uint64_t size = t->state.frontier.size;
    const uint64_t synced = size / SG_TILE_WIDTH * SG_TILE_WIDTH;
    uint64_t bytes = t->state.bytes;
    enum sg_err err;

    if (!t->ready || size - t->state.synced < SYNC_EVERY)
        return;
    err = logfiles_sync_derived(&t->files);
    if (err == SG_OK && synced < size)
        err = logdir_offset(t->files.reader, synced / SG_TILE_WIDTH, &bytes);
    if (err == SG_OK) { /* told by the next state */
        t->state.synced = synced;
        t->state.synced_bytes = bytes;
    }
    t->ready = err == SG_OK;
}

/* -- the committer ----------------------------------------------------------------------------- */

/* Under the lock: takes the batches of one commit off the queue. */
static struct logbatch *take(struct translog *t)
{
    struct logbatch *list = t->head;
    struct logbatch *last = list;
    size_t bytes = list->bytes;

    while (last->next != NULL && bytes + last->next->bytes <= ROUND_BYTES) {
        last = last->next;
        bytes += last->bytes;
    }
    t->head = last->next;
    if (t->head == NULL)
        t->tail = &t->head;
    last->next = NULL;
    return list;
}

/* Under the lock: answers. The batches are their callers' as soon as it is let go. */
static void finish(struct translog *t, struct logbatch *list, uint64_t first, enum sg_err err)
{
    for (struct logbatch *b = list, *next; b != NULL; b = next) {
        next = b->next;
        if (err == SG_OK) {
            b->receipt->first = first;
            b->receipt->of = t->published;
            memcpy(b->receipt->note, t->note, t->note_len + 1);
            b->receipt->note_len = t->note_len;
            first += b->count;
        }
        b->err = err;
        b->done = true;
    }
    (void)pthread_cond_broadcast(&t->done);
}

static void *committer_main(void *arg)
{
    struct translog *t = arg;

    (void)pthread_mutex_lock(&t->lock);
    for (;;) {
        struct logbatch *list;
        uint64_t first;
        enum sg_err err;

        while (t->head == NULL && !t->stopping)
            (void)pthread_cond_wait(&t->work, &t->lock);
        if (t->head == NULL)
            break;
        list = take(t);
        (void)pthread_mutex_unlock(&t->lock);
        err = t->ready ? SG_OK : translog_recover(t);
        first = t->state.frontier.size;
        if (err == SG_OK)
            err = commit(t, list);
        (void)pthread_mutex_lock(&t->lock);
        finish(t, list, first, err);
        (void)pthread_mutex_unlock(&t->lock);
        sync_derived(t);
        (void)pthread_mutex_lock(&t->lock);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* -- calls ------------------------------------------------------------------------------------- */

static enum sg_err measure(struct logbatch *b)
{
    if (b->count == 0 || b->count > SG_TRANSLOG_BATCH_MAX)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < b->count; i++) {
        if (b->leaves[i].len > SG_TRANSLOG_LEAF_MAX ||
            !logfiles_is_entry(b->leaves[i].data, b->leaves[i].len))
            return SG_ERR_BAD_FIELD;
        b->bytes += 2 + b->leaves[i].len;
    }
    return SG_OK;
}

enum sg_err translog_append(struct translog *t, const struct translog_leaf *leaves, size_t count,
                            int64_t timestamp_ns, struct translog_receipt *ret)
{
    struct logbatch b = {
        .leaves = leaves, .count = count, .timestamp_ns = timestamp_ns, .receipt = ret};
    enum sg_err err = measure(&b);

    if (err != SG_OK)
        return err;
    (void)pthread_mutex_lock(&t->lock);
    if (t->closed) {
        (void)pthread_mutex_unlock(&t->lock);
        return SG_ERR_LOG_CLOSED;
    }
    *t->tail = &b; /* off the queue again before this returns */
    /* cppcheck-suppress autoVariables */
    t->tail = &b.next;
    (void)pthread_cond_signal(&t->work);
    while (!b.done)
        (void)pthread_cond_wait(&t->done, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
    return b.err;
}

enum sg_err translog_timestamp(struct translog *t, int64_t *ret_ns)
{
    int64_t now = clock_now_ns();
    int64_t behind;
    enum sg_err err = SG_OK;

    (void)pthread_mutex_lock(&t->lock);
    behind = t->last_ns - now;
    if (behind > CLOCK_BEHIND_NS)
        err = SG_ERR_CLOCK;
    else if (now > t->last_ns)
        t->last_ns = now;
    if (err == SG_OK)
        *ret_ns = t->last_ns;
    (void)pthread_mutex_unlock(&t->lock);
    if (err != SG_OK)
        log_write(SG_LOG_WARN, "keyring.clock_behind_log",
                  SG_INT("behind_ms", behind / SG_NS_PER_MS));
    return err;
}

const struct note_key *translog_key(const struct translog *t)
{
    return &t->public_key;
}

uint64_t translog_size(struct translog *t)
{
    uint64_t size;

    (void)pthread_mutex_lock(&t->lock);
    size = t->published.size;
    (void)pthread_mutex_unlock(&t->lock);
    return size;
}

bool translog_is_closed(struct translog *t)
{
    bool closed;

    (void)pthread_mutex_lock(&t->lock);
    closed = t->closed;
    (void)pthread_mutex_unlock(&t->lock);
    return closed;
}

struct translog_counts translog_counts(struct translog *t)
{
    struct translog_counts c = {
        .read = atomic_load(&t->files.read),
        .written = atomic_load(&t->files.written),
        .syncs = atomic_load(&t->files.syncs),
        .hashes = atomic_load(&t->files.hashes),
    };

    (void)pthread_mutex_lock(&t->lock);
    c.commits = t->commits;
    (void)pthread_mutex_unlock(&t->lock);
    return c;
}

/* -- life -------------------------------------------------------------------------------------- */

/* Whether there is, or was, a log: then its key is not to be made anew. */
static bool has_log(struct translog *t)
{
    struct logstate state;
    enum sg_err err = logstate_load(t->state_path, &state);

    if (err == SG_OK || err == SG_ERR_CONFLICT) {
        t->public_key = state.key; /* also its name: the issuer may have changed since */
        return true;
    }
    return err != SG_ERR_NOT_FOUND;
}

static enum sg_err open_key(struct translog *t, const struct translog_options *options)
{
    char name[SG_NOTE_NAME_SIZE];
    bool known;
    enum sg_err err = notekey_name(options->issuer, "/log", name);

    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.log_origin_invalid", SG_STR("issuer", options->issuer));
        return err;
    }
    known = has_log(t);
    if (known && t->public_key.name[0] != '\0')
        memcpy(name, t->public_key.name, sizeof name);
    err = notekey_open(options->kek, options->data, "log", name, !known, &t->key);
    if (err == SG_ERR_NOT_FOUND) { /* recovery tells, and closes the log */
        log_write(SG_LOG_ERROR, "keyring.log_key_missing", SG_STR("origin", name),
                  SG_STR("remedy", "put keyring/log.key of the data directory back"));
        return SG_OK;
    }
    if (err == SG_OK)
        t->public_key = t->key.public_key;
    return err;
}

/* The verifier key beside the state, for the day when the state is lost. Of a closed log only when
 * there is none yet. */
static void keep_public(const struct translog *t, bool closed)
{
    SG_BUF_CLEANUP struct buf former;
    char vkey[SG_NOTE_VKEY_SIZE + 1];
    char *path = NULL;
    size_t len;
    enum sg_err err;

    note_key_format(&t->public_key, vkey);
    len = strlen(vkey);
    vkey[len++] = '\n';
    buf_init(&former, sizeof vkey);
    if (asprintf(&path, "%.*s.pub", (int)(strlen(t->state_path) - strlen(".state")),
                 t->state_path) < 0)
        return;
    err = file_read(path, &former);
    if (err == SG_ERR_NOT_FOUND ||
        (!closed && (err != SG_OK || former.len != len || memcmp(former.data, vkey, len) != 0))) {
        err = file_write_atomic(path, vkey, len, 0600);
        if (err != SG_OK)
            log_write(SG_LOG_WARN, "keyring.log_public_not_kept", SG_STR("path", path),
                      SG_STR("error", err_code(err)));
    }
    free(path);
}

enum sg_err translog_open(const struct translog_options *options, struct translog **ret)
{
    struct translog *t = calloc(1, sizeof *t);
    enum sg_err err = SG_ERR_NO_MEMORY;

    if (t == NULL)
        return err;
    t->tail = &t->head;
    logfiles_init(&t->files);
    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->work, NULL);
    (void)pthread_cond_init(&t->done, NULL);
    if (asprintf(&t->log_dir, "%s/log", options->data) < 0)
        t->log_dir = NULL;
    if (asprintf(&t->state_path, "%s/keyring/log.state", options->data) < 0)
        t->state_path = NULL;
    if (t->log_dir != NULL && t->state_path != NULL)
        err = open_key(t, options);
    if (err == SG_OK) {
        /* What is wrong is said there; a full disk may have room later. */
        t->closed = t->key.key == NULL;
        if (!t->closed) {
            err = translog_recover(t);
            keep_public(t, err != SG_OK);
        }
        if (!t->closed && err == SG_OK)
            log_write(SG_LOG_INFO, "keyring.log_ready", SG_STR("origin", t->public_key.name),
                      SG_INT("entries", t->state.frontier.size));
        err = thread_start(&t->committer, committer_main, t);
        t->running = err == SG_OK;
    }
    if (err != SG_OK) {
        translog_close(t);
        return err;
    }
    *ret = t;
    return SG_OK;
}

void translog_close(struct translog *t)
{
    if (t == NULL)
        return;
    if (t->running) {
        (void)pthread_mutex_lock(&t->lock);
        t->stopping = true;
        (void)pthread_cond_signal(&t->work);
        (void)pthread_mutex_unlock(&t->lock);
        (void)pthread_join(t->committer, NULL);
    }
    logfiles_close(&t->files);
    notekey_fini(&t->key);
    (void)pthread_cond_destroy(&t->done);
    (void)pthread_cond_destroy(&t->work);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->state_path);
    free(t->log_dir);
    free(t);
}
