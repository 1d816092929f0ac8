/* SPDX-License-Identifier: Apache-2.0 */
/* What is written to the event log itself: messages, their changes, what retention removes. Each is
 * one write of the writer; it never waits for a commit in a post. */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <string.h>

/* -- messages -------------------------------------------------------------------------------------
 */

/* What is known about a message of a space. */
struct message {
    int64_t sender_id;
    uint64_t revised_seq;
    bool deleted;
};

static void message_read(struct sqlite_query *q, void *to)
{
    *(struct message *)to = (struct message){
        .sender_id = sqlite_query_get_int(q, 0),
        .revised_seq = (uint64_t)sqlite_query_get_int(q, 1),
        .deleted = sqlite_query_get_int(q, 2) == SG_EVENT_MESSAGE_DELETED,
    };
}

static enum sg_err message_get(struct sqlite_conn *c, int64_t space_id, uint64_t seq,
                               struct message *ret)
{
    static const struct sqlite_row row = {sizeof(struct message), message_read};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_MESSAGE_GET);
    sqlite_query_int(&q, (int64_t)seq);
    sqlite_query_int(&q, space_id);
    return sqlite_query_one(&q, &row, ret);
}

/* Files of a message: what each was when the message was written. */
struct linked {
    size_t count;
    struct entry_record entry[SG_EVENT_FILES_MAX];
    struct event_file file[SG_EVENT_FILES_MAX];
};

static bool linked_already(const struct linked *l, const char *path)
{
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->file[i].path, path) == 0)
            return true;
    return false;
}

static enum sg_err link_find(struct sqlite_conn *c, int64_t space_id, const char *path,
                             struct linked *l)
{
    struct entry_record *entry = &l->entry[l->count];
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_GET);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, path);
    enum sg_err err = sqlite_query_one(&q, &sqlite_entry_row, entry);
    if (err == SG_ERR_NOT_FOUND || (!err && entry->type != SG_ENTRY_FILE))
        err = SG_ERR_NO_FILE;
    if (err)
        return err;
    struct event_file *file = &l->file[l->count++];
    *file = (struct event_file){.path = path,
                                .version = entry->version,
                                .size = entry->size,
                                .media_type = entry->media_type};
    memcpy(file->sha256, entry->sha256, SG_DIGEST_SIZE);
    return SG_OK;
}

static enum sg_err link_insert(struct sqlite_conn *c, uint64_t seq, int64_t space_id,
                               const struct linked *l)
{
    enum sg_err err = SG_OK;
    for (size_t i = 0; !err && i < l->count; i++) {
        const struct entry_record *entry = &l->entry[i];
        struct sqlite_query q;
        sqlite_query_begin(&q, c, SG_SQL_LINK_INSERT);
        sqlite_query_int(&q, (int64_t)seq);
        sqlite_query_int(&q, space_id);
        sqlite_query_text(&q, l->file[i].path);
        sqlite_query_int(&q, (int64_t)entry->version);
        sqlite_query_int(&q, (int64_t)entry->size);
        sqlite_query_blob(&q, entry->sha256, SG_DIGEST_SIZE);
        sqlite_query_int(&q, entry->modified_ns);
        sqlite_query_text(&q, entry->owner);
        sqlite_query_text(&q, entry->media_type);
        err = sqlite_query_run(&q);
    }
    return err;
}

/* -- idempotency ----------------------------------------------------------------------------------
 */

/* The fingerprint as it is kept: with the salt of the message, so that it tells nothing either once
 * the text has been removed. */
static void salted(const uint8_t salt[SG_EVENT_SALT_SIZE], const struct event_post *post,
                   uint8_t ret[SG_DIGEST_SIZE])
{
    eventtext_digest(salt, (const char *)post->fingerprint, SG_DIGEST_SIZE, ret);
}

/* A key that was used: for which message, and what is left of that. */
struct used_key {
    uint8_t fingerprint[SG_DIGEST_SIZE];
    uint64_t seq;
    int64_t created_ns;
    bool has_space, has_salt;
    int64_t space_id;
    uint8_t salt[SG_EVENT_SALT_SIZE];
};

static void key_read(struct sqlite_query *q, void *to)
{
    struct used_key *ret = to;
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_blob(q, 0, ret->fingerprint, sizeof(ret->fingerprint));
    ret->seq = (uint64_t)sqlite_query_get_int(q, 1);
    ret->created_ns = sqlite_query_get_int(q, 2);
    ret->has_space = !sqlite_query_is_null(q, 3);
    ret->space_id = sqlite_query_get_int(q, 3);
    ret->has_salt = !sqlite_query_is_null(q, 4);
    if (ret->has_salt)
        sqlite_query_get_blob(q, 4, ret->salt, sizeof(ret->salt));
}

/* Without a salt any message of that space is taken for the same. */
static bool is_same(const struct used_key *key, const struct event_post *post)
{
    uint8_t fingerprint[SG_DIGEST_SIZE];
    if (key->has_space && key->space_id != post->space_id)
        return false;
    if (!key->has_salt)
        return true;
    salted(key->salt, post, fingerprint);
    return memcmp(fingerprint, key->fingerprint, sizeof(fingerprint)) == 0;
}

/* SG_OK with *ret_seq 0: the key is free. */
static enum sg_err key_get(struct sqlite_conn *c, const struct event_post *post, uint64_t *ret_seq)
{
    static const struct sqlite_row row = {sizeof(struct used_key), key_read};
    struct sqlite_query q;
    struct used_key key;
    sqlite_query_begin(&q, c, SG_SQL_KEY_GET);
    sqlite_query_int(&q, post->sender_id);
    sqlite_query_text(&q, post->idempotency_key);
    enum sg_err err = sqlite_query_one(&q, &row, &key);
    if (err == SG_ERR_NOT_FOUND || (!err && key.created_ns < post->now_ns - SG_EVENT_KEY_LIFE_NS)) {
        *ret_seq = 0;
        return SG_OK;
    }
    if (!err && !is_same(&key, post))
        err = SG_ERR_IDEMPOTENCY;
    if (!err)
        *ret_seq = key.seq;
    return err;
}

static enum sg_err key_set(struct sqlite_conn *c, const struct event_post *post, uint64_t seq)
{
    struct sqlite_query q;
    uint8_t fingerprint[SG_DIGEST_SIZE];
    salted(post->salt, post, fingerprint);
    sqlite_query_begin(&q, c, SG_SQL_KEY_SET);
    sqlite_query_int(&q, post->sender_id);
    sqlite_query_text(&q, post->idempotency_key);
    sqlite_query_blob(&q, fingerprint, SG_DIGEST_SIZE);
    sqlite_query_int(&q, (int64_t)seq);
    sqlite_query_int(&q, post->now_ns);
    enum sg_err err = sqlite_query_run(&q);
    /* Its user has been removed a moment ago, by a write of the same batch. */
    if (err && sqlite3_extended_errcode(c->db) == SQLITE_CONSTRAINT_FOREIGNKEY)
        err = SG_ERR_NOT_FOUND;
    return err;
}

/* -- posts ----------------------------------------------------------------------------------------
 */

static enum sg_err post_enter(struct sqlite_conn *c, struct event_post *post, struct linked *l)
{
    struct message answered;
    enum sg_err err = SG_OK;
    if (post->reply_to)
        err = message_get(c, post->space_id, post->reply_to, &answered);
    for (size_t i = 0; !err && i < post->file_count; i++) {
        if (linked_already(l, post->files[i]))
            continue;
        err = link_find(c, post->space_id, post->files[i], l);
        if (err == SG_ERR_NO_FILE)
            post->bad_file = i;
    }
    if (err)
        return err;
    struct event_draft draft = {.type = SG_EVENT_MESSAGE,
                                .sender = post->sender,
                                .sent_ns = post->now_ns,
                                .text = post->text,
                                .text_len = post->text_len,
                                .salt = post->salt,
                                .reply_to = post->reply_to,
                                .files = l->file,
                                .file_count = l->count};
    err = sqlite_events_append(c, post->space_id, post->sender_id, &draft);
    if (!err)
        err = link_insert(c, draft.seq, post->space_id, l);
    if (!err && post->idempotency_key)
        err = key_set(c, post, draft.seq);
    if (!err) {
        post->event = c->log->events[c->log->count - 1];
        event_ref(post->event);
    }
    return err;
}

static enum sg_err post_run(struct sqlite_conn *c, void *ctx)
{
    struct event_post *post = ctx;
    struct linked linked;
    uint64_t seq = 0;
    enum sg_err err =
        sqlite_log_check(c->log, post->space_id, post->sender_id, post->check, post->check_ctx);
    if (!err && post->idempotency_key)
        err = key_get(c, post, &seq);
    if (err)
        return err;
    if (seq == 0) {
        linked.count = 0;
        return post_enter(c, post, &linked);
    }
    err = sqlite_events_load(c, seq, &post->event);
    post->replayed = !err;
    return err == SG_ERR_NOT_FOUND ? SG_ERR_CONFLICT : err;
}

static void post_finish(struct sqlite_job *job)
{
    struct event_post *post = job->ctx;
    post->result = job->result;
    if (post->result) {
        event_unref(post->event);
        post->event = NULL;
        post->replayed = false;
    }
    post->done(post);
}

static enum sg_err events_post(void *self, struct event_post *post)
{
    struct sqlite_job *job = (struct sqlite_job *)post->engine;
    static_assert(sizeof(*job) <= sizeof(post->engine), "a post holds its job");
    if (post->file_count > SG_EVENT_FILES_MAX || post->text_len > SG_EVENT_TEXT_MAX)
        return SG_ERR_TOO_LARGE;
    post->event = NULL;
    post->replayed = false;
    post->bad_file = 0;
    *job = (struct sqlite_job){.run = post_run, .ctx = post, .finish = post_finish};
    return sqlite_write_later(self, job);
}

/* -- changes --------------------------------------------------------------------------------------
 */

struct revise_job {
    const struct event_revision *revision;
    struct event *event;
};

static enum sg_err revise_run(struct sqlite_conn *c, void *ctx)
{
    struct revise_job *job = ctx;
    const struct event_revision *r = job->revision;
    struct message message = {0};
    enum sg_err err = sqlite_log_check(c->log, r->space_id, r->actor_id, r->check, r->check_ctx);
    if (!err)
        err = message_get(c, r->space_id, r->target, &message);
    if (!err && message.sender_id != r->actor_id && !r->any_author)
        err = SG_ERR_FORBIDDEN;
    if (!err && message.deleted)
        err = SG_ERR_GONE;
    if (err)
        return err;
    struct event_draft draft = {.type =
                                    r->text ? SG_EVENT_MESSAGE_UPDATED : SG_EVENT_MESSAGE_DELETED,
                                .sender = r->actor,
                                .sent_ns = r->now_ns,
                                .text = r->text,
                                .text_len = r->text_len,
                                .salt = r->salt,
                                .target = r->target};
    err = sqlite_events_append(c, r->space_id, r->actor_id, &draft);
    if (!err) {
        struct sqlite_query q;
        sqlite_query_begin(&q, c, SG_SQL_MESSAGE_REVISE);
        sqlite_query_int(&q, (int64_t)draft.seq);
        sqlite_query_int(&q, (int64_t)r->target);
        err = sqlite_query_run(&q);
    }
    /* Of earlier changes only the latest still has its text. */
    if (!err && message.revised_seq)
        err = sqlite_query_run_int(c, SG_SQL_EVENT_WIPE, (int64_t)message.revised_seq);
    if (!err && !r->text)
        err = sqlite_query_run_int(c, SG_SQL_LINK_CLEAR, (int64_t)r->target);
    if (!err) {
        job->event = c->log->events[c->log->count - 1];
        event_ref(job->event);
    }
    return err;
}

static enum sg_err events_revise(void *self, const struct event_revision *revision,
                                 struct event **ret)
{
    struct revise_job job = {.revision = revision};
    if (revision->text_len > SG_EVENT_TEXT_MAX)
        return SG_ERR_TOO_LARGE;
    enum sg_err err = sqlite_write(self, revise_run, &job);
    if (err) {
        event_unref(job.event); /* it was in a transaction that got lost */
        return err;
    }
    *ret = job.event;
    return SG_OK;
}

/* -- retention ------------------------------------------------------------------------------------
 */

struct prune_job {
    int64_t space_id;
    int64_t before_ns;
    uint64_t keep;
    size_t batch;
    size_t removed;
    uint64_t last_seq;
    uint8_t last_chain[SG_DIGEST_SIZE];
};

/* The oldest events that may go: up to the first that has to stay. */
static enum sg_err prune_find(struct sqlite_conn *c, struct prune_job *job, uint64_t count)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_EVENT_OLDEST);
    sqlite_query_int(&q, job->space_id);
    sqlite_query_int(&q, (int64_t)job->batch);
    while (sqlite_query_next(&q)) {
        bool old = sqlite_query_get_int(&q, 1) < job->before_ns;
        bool surplus = job->keep > 0 && count > job->keep + job->removed;
        if (!old && !surplus)
            break;
        job->last_seq = (uint64_t)sqlite_query_get_int(&q, 0);
        sqlite_query_get_blob(&q, 2, job->last_chain, SG_DIGEST_SIZE);
        job->removed++;
    }
    return sqlite_query_end(&q);
}

static enum sg_err prune_remove(struct sqlite_conn *c, const struct prune_job *job,
                                enum sqlite_sql id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, job->space_id);
    sqlite_query_int(&q, (int64_t)job->last_seq);
    return sqlite_query_run(&q);
}

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    struct prune_job *job = ctx;
    struct sqlite_query q;
    int64_t count = 0;
    sqlite_query_begin(&q, c, SG_SQL_LOG_COUNT);
    sqlite_query_int(&q, job->space_id);
    enum sg_err err = sqlite_query_numbers(&q, 1, &count);
    if (!err)
        err = prune_find(c, job, (uint64_t)count);
    if (err || job->removed == 0)
        return err;
    err = prune_remove(c, job, SG_SQL_LINK_PRUNE);
    if (!err)
        err = prune_remove(c, job, SG_SQL_EVENT_PRUNE);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_LOG_PRUNED);
    sqlite_query_int(&q, (int64_t)job->last_seq);
    sqlite_query_blob(&q, job->last_chain, SG_DIGEST_SIZE);
    sqlite_query_int(&q, (int64_t)job->removed);
    sqlite_query_int(&q, job->space_id);
    return sqlite_query_run(&q);
}

static enum sg_err events_prune(void *self, int64_t space_id, int64_t before_ns, uint64_t keep,
                                size_t batch, size_t *ret_removed)
{
    struct prune_job job = {
        .space_id = space_id, .before_ns = before_ns, .keep = keep, .batch = batch};
    enum sg_err err = sqlite_write(self, prune_run, &job);
    if (!err)
        *ret_removed = job.removed;
    return err;
}

static enum sg_err prune_keys_run(struct sqlite_conn *c, void *ctx)
{
    return sqlite_query_run_int(c, SG_SQL_KEY_PRUNE, *(const int64_t *)ctx);
}

static enum sg_err events_prune_keys(void *self, int64_t before_ns)
{
    return sqlite_write(self, prune_keys_run, &before_ns);
}

/* -- the log itself -------------------------------------------------------------------------------
 */

static enum sg_err new_epoch_run(struct sqlite_conn *c, void *ctx)
{
    (void)ctx;
    enum sg_err err = sqlite_conn_run(c, SG_SQL_LOG_EPOCH_NEW);
    c->log->loaded = false;
    return err ? err : sqlite_log_load(c);
}

static enum sg_err events_new_epoch(void *self)
{
    return sqlite_write(self, new_epoch_run, NULL);
}

static void events_set_sink(void *self,
                            void (*sink)(void *ctx, struct event *const *events, size_t count),
                            void *ctx)
{
    struct sqlite_store *s = self;
    pthread_mutex_lock(&s->writer.lock);
    s->log.sink = sink;
    s->log.sink_ctx = ctx;
    pthread_mutex_unlock(&s->writer.lock);
}

const struct events_vtable sqlite_events_vtable = {
    .epoch = sqlite_events_epoch,
    .new_epoch = events_new_epoch,
    .set_sink = events_set_sink,
    .head = sqlite_events_head,
    .range = sqlite_events_range,
    .post = events_post,
    .revise = events_revise,
    .list = sqlite_events_list,
    .prune = events_prune,
    .prune_keys = events_prune_keys,
    .linked_file = sqlite_events_linked_file,
};
