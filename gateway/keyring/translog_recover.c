/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the files of the log and the keyring's state in step; it never goes on from files that do
 * not continue what was published. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "keyring/translog_internal.h"

static enum sg_err refuse(struct translog *t, const char *reason, const char *found)
{
    log_write(SG_LOG_ERROR, "keyring.log_closed", SG_STR("reason", reason), SG_STR("found", found),
              SG_STR("log", t->log_dir), SG_STR("state", t->state_path),
              SG_STR("remedy", "put the latest log and keyring directories back, or stop the "
                               "gateway and run: secgated-keyring accept-log --data DIR"));
    (void)pthread_mutex_lock(&t->lock);
    t->closed = true;
    (void)pthread_mutex_unlock(&t->lock);
    return SG_ERR_LOG_CLOSED;
}

__attribute__((format(printf, 3, 4))) static enum sg_err
refuse_with(struct translog *t, const char *reason, const char *format, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return refuse(t, reason, text);
}

enum sg_err translog_read_checkpoint(struct logfiles *f, const struct note_key *key,
                                     struct checkpoint *ret)
{
    SG_BUF_CLEANUP struct buf text;
    struct note note;
    enum sg_err err;

    buf_init(&text, SG_NOTE_MAX);
    err = logdir_checkpoint(f->reader, &text);
    if (err == SG_ERR_CORRUPT) /* an empty file is no note either */
        err = SG_ERR_BAD_DIGEST;
    if (err == SG_OK)
        err = note_parse((const char *)text.data, text.len, &note) == SG_OK ? SG_OK
                                                                            : SG_ERR_BAD_DIGEST;
    if (err != SG_OK)
        return err;
    if (note_verify(&note, key, NULL) != SG_OK ||
        checkpoint_parse(note.body, note.body_len, ret) != SG_OK ||
        strcmp(ret->origin, key->name) != 0)
        err = SG_ERR_BAD_DIGEST;
    note_fini(&note);
    return err;
}

/* -- what the state says ----------------------------------------------------------------------- */

/* No state: a new log, if nothing is there. */
static enum sg_err begin_log(struct translog *t)
{
    SG_BUF_CLEANUP struct buf note;
    uint64_t bytes = 0;
    bool replaced;
    enum sg_err err = logfiles_length(&t->files, &bytes);

    buf_init(&note, SG_NOTE_MAX);
    if (err != SG_OK)
        return err;
    if (bytes > 0 || logdir_checkpoint(t->files.reader, &note) != SG_ERR_NOT_FOUND)
        return refuse_with(t, "state-missing",
                           "%" PRIu64 " bytes of entries and %" PRIu64 " of a checkpoint, and "
                           "no state",
                           bytes, note.len);
    t->state = (struct logstate){.key = t->public_key};
    err = logstate_save(t->state_path, &t->state, &replaced);
    if (err == SG_OK)
        log_write(SG_LOG_INFO, "keyring.log_made", SG_STR("origin", t->public_key.name));
    return err;
}

static enum sg_err load_state(struct translog *t)
{
    struct logstate state;
    uint64_t bytes;
    enum sg_err err = logstate_load(t->state_path, &state);

    if (err == SG_ERR_NOT_FOUND)
        return begin_log(t);
    if (err == SG_ERR_CORRUPT)
        return refuse(t, "state-damaged", "a state that does not match its own checksum");
    if (err == SG_ERR_CONFLICT)
        return refuse_with(t, "state-copied",
                           "a state of %" PRIu64 " entries that was copied or put back",
                           state.frontier.size);
    if (err == SG_OK)
        err = logfiles_length(&t->files, &bytes);
    if (err != SG_OK)
        return err;
    if (memcmp(state.key.public_key, t->public_key.public_key, sizeof state.key.public_key) != 0 ||
        strcmp(state.key.name, t->public_key.name) != 0)
        return refuse(t, "key-changed", "a log key that is not the state's");
    if (bytes < state.bytes)
        return refuse_with(t, "log-shorter",
                           "%" PRIu64 " bytes of entries where the state has %" PRIu64, bytes,
                           state.bytes);
    t->state = state;
    return SG_OK;
}

/* -- what follows from the entries ------------------------------------------------------------- */

static enum sg_err read_to_state(struct translog *t, struct logscan *s, bool derive)
{
    enum sg_err err = SG_OK;

    while (err == SG_OK && s->bytes < t->state.bytes && !s->torn) {
        err = logscan_next(&t->files, s, t->state.bytes, NULL);
        if (err == SG_OK && derive)
            err = logfiles_derive(&t->files, s);
    }
    return err;
}

enum sg_err translog_reread(struct translog *t, bool all, bool derive, bool *ret_same)
{
    struct merkle_frontier from = {.size = 0};
    merkle_hash expected;
    merkle_hash found;
    struct logscan scan;
    enum sg_err err = SG_OK;

    if (!all)
        err = logfiles_frontier(&t->files, t->state.synced, &from);
    if (err == SG_ERR_NOT_FOUND) {
        *ret_same = false;
        return SG_OK;
    }
    if (err != SG_OK)
        return err;
    logscan_init(&scan, &from, all ? 0 : t->state.synced_bytes);
    err = read_to_state(t, &scan, derive);
    if (err == SG_OK) {
        merkle_frontier_root(&t->state.frontier, expected);
        merkle_frontier_root(&scan.frontier, found);
        *ret_same = !scan.torn && scan.frontier.size == t->state.frontier.size &&
                    memcmp(found, expected, sizeof found) == 0;
    }
    logscan_fini(&scan);
    return err;
}

/* Whether the entries make the state's root: the last ones are read again, those before are taken
 * from the hash files, and when that does not fit, all are. */
static enum sg_err check_entries(struct translog *t)
{
    bool same = false;
    bool all = false;
    enum sg_err err = translog_reread(t, false, false, &same);

    if (err == SG_OK && !same) {
        all = true;
        err = translog_reread(t, true, false, &same);
    }
    if (err != SG_OK)
        return err;
    if (!same)
        return refuse_with(t, "entries-changed",
                           "%" PRIu64 " entries that do not have the state's root",
                           t->state.frontier.size);
    if (all)
        log_write(SG_LOG_WARN, "keyring.log_rebuilt", SG_STR("log", t->log_dir),
                  SG_STR("reason", "hash files that do not follow from the entries"));
    if (all)
        t->state.synced = t->state.synced_bytes = 0;
    return translog_reread(t, all, true, &same);
}

/* -- what was published ------------------------------------------------------------------------ */

static enum sg_err check_checkpoint(struct translog *t)
{
    struct merkle_frontier frontier;
    struct checkpoint c;
    merkle_hash root;
    enum sg_err err = translog_read_checkpoint(&t->files, &t->public_key, &c);

    if (err == SG_ERR_NOT_FOUND)
        return SG_OK;
    if (err == SG_ERR_BAD_DIGEST) {
        log_write(SG_LOG_WARN, "keyring.log_checkpoint_unreadable", SG_STR("log", t->log_dir));
        return SG_OK;
    }
    if (err != SG_OK)
        return err;
    if (c.size > t->state.frontier.size)
        return refuse_with(t, "checkpoint-ahead",
                           "a checkpoint of %" PRIu64 " entries where the state has %" PRIu64,
                           c.size, t->state.frontier.size);
    err = logfiles_frontier(&t->files, c.size, &frontier);
    if (err != SG_OK)
        return err;
    merkle_frontier_root(&frontier, root);
    if (memcmp(root, c.root, sizeof root) != 0)
        return refuse_with(t, "forked",
                           "a checkpoint of %" PRIu64 " entries that is of another tree than "
                           "the state's %" PRIu64,
                           c.size, t->state.frontier.size);
    return SG_OK;
}

/* -- what is beyond the state ------------------------------------------------------------------ */

/* Entries that were durable before their state was: no signature of them has left, and they are as
 * good as any. A torn one is cut. */
static enum sg_err adopt_tail(struct translog *t)
{
    struct logstate state = t->state;
    struct logscan scan;
    uint64_t length;
    bool replaced;
    enum sg_err err = logfiles_length(&t->files, &length);

    if (err != SG_OK || length == state.bytes)
        return err;
    logscan_init(&scan, &state.frontier, state.bytes);
    err = logfiles_sync(&t->files);
    while (err == SG_OK && scan.bytes < length && !scan.torn) {
        err = logscan_next(&t->files, &scan, length, NULL);
        if (err == SG_OK)
            err = logfiles_derive(&t->files, &scan);
    }
    if (err == SG_OK && scan.torn)
        err = logfiles_truncate(&t->files, scan.bytes);
    if (err == SG_OK) {
        log_write(SG_LOG_WARN, "keyring.log_tail",
                  SG_INT("adopted", scan.frontier.size - state.frontier.size),
                  SG_INT("cut_bytes", length - scan.bytes));
        state.frontier = scan.frontier;
        state.bytes = scan.bytes;
        err = logstate_save(t->state_path, &state, &replaced);
    }
    if (err == SG_OK)
        t->state = state;
    logscan_fini(&scan);
    return err;
}

enum sg_err translog_recover(struct translog *t)
{
    enum sg_err err;

    t->ready = false;
    logfiles_close(&t->files);
    err = logfiles_open(&t->files, t->log_dir);
    if (err == SG_OK)
        err = load_state(t);
    if (err == SG_OK)
        err = check_entries(t);
    if (err == SG_OK)
        err = check_checkpoint(t);
    if (err == SG_OK)
        err = adopt_tail(t);
    if (err == SG_OK)
        err = translog_publish(t);
    if (err == SG_OK)
        t->ready = true;
    else if (err != SG_ERR_LOG_CLOSED)
        log_write(SG_LOG_ERROR, "keyring.log_unusable", SG_STR("log", t->log_dir),
                  SG_STR("error", err_code(err)));
    return err;
}
