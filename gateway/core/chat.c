/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat: posting, changing messages, and pages of what was said (listening is in chat_listen.c,
 * retention in chat_retention.c). It never makes the text of an event; the store does.
 */
#include "core/chat_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/rng.h"
#include "core/sha256.h"

#define FINGERPRINT_MAX (SG_EVENT_TEXT_MAX + SG_EVENT_FILES_MAX * (SG_PATH_SIZE + 8) + 64)

enum sg_err chat_new(const struct events_store *events, struct spaces *spaces, struct hub *hub,
                     struct identity *identity, const struct chat_config *config, struct chat **ret)
{
    struct chat *c = calloc(1, sizeof(*c));
    if (!c)
        return SG_ERR_NO_MEMORY;
    c->events = *events;
    c->spaces = spaces;
    c->hub = hub;
    c->identity = identity;
    c->config = *config;
    enum sg_err err = chat_retention_init(c);
    if (!err)
        err = events->vt->epoch(events->self, c->epoch);
    if (err) {
        chat_free(c);
        return err;
    }
    *ret = c;
    return SG_OK;
}

void chat_free(struct chat *c)
{
    if (!c)
        return;
    chat_retention_fini(c);
    free(c);
}

const char *chat_epoch(const struct chat *c)
{
    return c->epoch;
}

/* -- what may be said ---------------------------------------------------------------------------
 */

enum sg_err chat_text_ok(const char *text, size_t len, const char **ret_reason)
{
    enum sg_err err = SG_ERR_BAD_FIELD;
    if (len == 0) {
        *ret_reason = "The text is empty.";
    } else if (len > SG_EVENT_TEXT_MAX) {
        *ret_reason = "The text has more than 16384 bytes.";
        err = SG_ERR_TOO_LARGE;
    } else if (memchr(text, 0, len)) {
        *ret_reason = "The text has a NUL.";
    } else if (u8_check((const uint8_t *)text, len)) {
        *ret_reason = "The text is not valid UTF-8.";
    } else {
        err = SG_OK;
    }
    return err;
}

enum sg_err chat_key_ok(const char *key, char ret[SG_IDEMPOTENCY_KEY_SIZE])
{
    char plain[SG_IDEMPOTENCY_KEY_SIZE];
    bool quoted = key[0] == '"';
    size_t len = 0;
    for (key += quoted; *key && !(quoted && *key == '"'); key++) {
        if (quoted && *key == '\\') {
            key++;
            if (*key != '\\' && *key != '"')
                return SG_ERR_BAD_FIELD;
        }
        if (*key < 0x21 || *key > 0x7e || len == sizeof(plain) - 1)
            return SG_ERR_BAD_FIELD;
        plain[len++] = *key;
    }
    if (len == 0 || (quoted && (key[0] != '"' || key[1])))
        return SG_ERR_BAD_FIELD;
    plain[len] = '\0';
    memcpy(ret, plain, len + 1);
    return SG_OK;
}

/* -- posting ------------------------------------------------------------------------------------
 */

static void put_sized(struct buf *out, const void *data, size_t len)
{
    const uint64_t size = len;
    buf_append(out, &size, sizeof(size));
    buf_append(out, data, len);
}

/* What a retry under the same key must have in common with the first. */
static enum sg_err fingerprint(const struct space_record *space, const struct chat_message *message,
                               uint8_t ret[SG_DIGEST_SIZE])
{
    SG_BUF_CLEANUP struct buf all;
    buf_init(&all, FINGERPRINT_MAX);
    put_sized(&all, &space->id, sizeof(space->id));
    put_sized(&all, message->text, message->text_len);
    put_sized(&all, &message->reply_to, sizeof(message->reply_to));
    for (size_t i = 0; i < message->file_count; i++)
        put_sized(&all, message->files[i], strlen(message->files[i]));
    enum sg_err err = buf_status(&all);
    if (!err)
        sha256_digest(all.data, all.len, ret);
    return err;
}

/* In the transaction of the message: may its author still write there? */
static enum sg_err check_author(void *ctx)
{
    const struct event_post *post = ctx;
    const struct chat *c = post->rules.chat;
    return spaces_changed_since(c->spaces, post->sender_id, post->space_id, post->rules.generation)
               ? SG_ERR_CONFLICT
               : SG_OK;
}

/* Brings a principal up to date whose rights may have changed since its token was looked at. */
static enum sg_err renew(struct chat *c, struct principal *who, bool *ret_changed)
{
    enum sg_err err = identity_confirm(c->identity, who, ret_changed);
    if (err == SG_ERR_SESSION_ENDED)
        err = identity_why_ended(c->identity, who);
    return !err && !(who->scopes & SG_SCOPE_CHAT_WRITE) ? SG_ERR_FORBIDDEN : err;
}

/* If `who` has an old role, what followed from it is looked at again. */
static enum sg_err confirm(struct chat *c, const struct principal *who,
                           const struct space_record *space)
{
    struct principal now = *who;
    struct space_record found;
    enum space_role role;
    bool changed = false;
    enum sg_err err = renew(c, &now, &changed);
    if (!err && changed)
        err = spaces_authorize(c->spaces, &now, space->name, SG_SPACE_WRITER, &found, &role);
    if (!err && changed && found.id != space->id)
        err = SG_ERR_NOT_FOUND;
    return err;
}

static enum sg_err check_message(const struct chat_message *message, const char **ret_reason)
{
    if (message->file_count > SG_EVENT_FILES_MAX) {
        *ret_reason = "More than 16 files are named.";
        return SG_ERR_BAD_FIELD;
    }
    if (message->reply_to > INT64_MAX) {
        *ret_reason = "There is no message with such a number.";
        return SG_ERR_BAD_FIELD;
    }
    return chat_text_ok(message->text, message->text_len, ret_reason);
}

enum sg_err chat_post(struct chat *c, const struct principal *who, const struct space_record *space,
                      uint64_t generation, const struct chat_message *message,
                      struct event_post *post, const char **ret_reason)
{
    enum sg_err err = check_message(message, ret_reason);
    if (!err)
        err = confirm(c, who, space);
    if (!err && message->idempotency_key)
        err = fingerprint(space, message, post->fingerprint);
    if (err)
        return err;
    post->space_id = space->id;
    post->sender_id = who->user_id;
    post->sender = who->user;
    post->text = message->text;
    post->text_len = message->text_len;
    rng_bytes(post->salt, sizeof(post->salt));
    post->reply_to = message->reply_to;
    post->files = message->files;
    post->file_count = message->file_count;
    post->idempotency_key = message->idempotency_key;
    post->now_ns = clock_now_ns();
    post->check = check_author;
    post->check_ctx = post;
    post->rules.chat = c;
    post->rules.generation = generation;
    return c->events.vt->post(c->events.self, post);
}

/* -- changing -----------------------------------------------------------------------------------
 */

/* One try: SG_ERR_CONFLICT when rights have changed before its turn came. */
static enum sg_err revise(struct chat *c, struct spaces_act *act, const struct principal *who,
                          const char *space, struct event_revision *revision, struct event **ret,
                          struct space_record *ret_space)
{
    struct principal now = *who;
    enum space_role role;
    bool changed;
    enum sg_err err = renew(c, &now, &changed);
    if (!err)
        err = spaces_authorize(c->spaces, &now, space, SG_SPACE_WRITER, ret_space, &role);
    if (!err && ret_space->id == 0)
        err = SG_ERR_NOT_FOUND;
    if (err)
        return err;
    act->space_ids[0] = ret_space->id;
    revision->space_id = ret_space->id;
    revision->any_author = role == SG_SPACE_OWNER;
    revision->check = act->actor.check;
    revision->check_ctx = act->actor.check_ctx;
    return c->events.vt->revise(c->events.self, revision, ret);
}

enum sg_err chat_revise(struct chat *c, const struct principal *who, const char *space,
                        uint64_t seq, const char *text, size_t text_len, struct event **ret,
                        struct space_record *ret_space)
{
    struct space_record record;
    const char *reason;
    enum sg_err err = text ? chat_text_ok(text, text_len, &reason) : SG_OK;
    if (!err && (seq == 0 || seq > INT64_MAX))
        err = SG_ERR_NOT_FOUND;
    if (err)
        return err;
    struct event_revision revision = {.target = seq,
                                      .actor_id = who->user_id,
                                      .actor = who->user,
                                      .text = text,
                                      .text_len = text ? text_len : 0,
                                      .now_ns = clock_now_ns()};
    struct spaces_act act = {.tries = 0};
    rng_bytes(revision.salt, sizeof(revision.salt));
    do {
        spaces_act_begin(&act, c->spaces, who);
        err = revise(c, &act, who, space, &revision, ret, &record);
    } while (spaces_act_again(&act, &err));
    if (!err)
        *ret_space = record;
    return err;
}

/* -- pages --------------------------------------------------------------------------------------
 */

void chat_page_fini(struct chat_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        event_unref(page->events[i]);
    page->count = page->note_count = 0;
}

unsigned chat_visible_types(unsigned types, const struct principal *who)
{
    return who->scopes & SG_SCOPE_FILES_READ ? types : types & ~(unsigned)SG_CHAT_FILE_TYPES;
}

enum sg_err chat_range(struct chat *c, int64_t space_id, struct event_range *ret)
{
    return c->events.vt->range(c->events.self, space_id, ret);
}

/* Authority, and where the space's log begins and ends; nothing was said yet in one with id 0. */
static enum sg_err open_space(struct chat *c, const struct principal *who, const char *space,
                              struct space_record *ret, struct chat_bounds *ret_bounds)
{
    enum space_role role;
    uint64_t pruned = 0;
    enum sg_err err = spaces_authorize(c->spaces, who, space, SG_SPACE_READER, ret, &role);
    if (!err && ret->id != 0)
        err = chat_retention_pruned(c, ret->id, &pruned);
    if (!err)
        *ret_bounds = (struct chat_bounds){{.seq = pruned}, {.seq = hub_position(c->hub)}};
    return err;
}

/* The id of an event of any epoch: those from before a backup was put back have kept theirs, and
 * what comes before one is no promise that nothing is missing. */
static enum sg_err read_before(struct chat *c, const char *text, const struct chat_bounds *bounds,
                               uint64_t *ret)
{
    struct eventcursor before;
    uint64_t head = 0;
    char epoch[SG_EPOCH_SIZE];
    (void)snprintf(epoch, sizeof(epoch), "%s", text);
    enum sg_err err = eventcursor_parse(text, epoch, &before);
    if (!err && before.seq > bounds->newest.seq) /* the hub may be about to hear of it */
        err = c->events.vt->head(c->events.self, &head);
    if (!err && before.seq > bounds->newest.seq && before.seq > head)
        err = SG_ERR_CURSOR_FUTURE;
    if (!err && before.seq <= bounds->oldest.seq && bounds->oldest.seq > 0)
        err = SG_ERR_CURSOR_PRUNED;
    if (!err)
        *ret = before.seq;
    return err;
}

static enum sg_err read_page(struct chat *c, const struct principal *who, const char *space,
                             const char *before, size_t limit, unsigned types,
                             struct chat_page *ret, struct space_record *ret_space)
{
    struct space_record record;
    struct event_query query = {.newest = true,
                                .types = chat_visible_types(types & SG_CHAT_EVENT_TYPES, who),
                                .limit = limit < SG_CHAT_LIMIT_MAX ? limit : SG_CHAT_LIMIT_MAX,
                                .bytes = SG_CHAT_ANSWER_MAX};
    ret->count = ret->note_count = 0;
    enum sg_err err = open_space(c, who, space, &record, &ret->bounds);
    if (!err && before)
        err = read_before(c, before, &ret->bounds, &query.before);
    if (err)
        return err;
    /* All up to here has been committed, so that it is on this page, before it, or not wanted. */
    uint64_t seq = before ? (query.before ? query.before - 1 : 0) : ret->bounds.newest.seq;
    uint64_t looked_at;
    query.space_ids = &record.id;
    query.space_count = 1;
    if (record.id != 0 && (!before || query.before > 1))
        err = c->events.vt->list(c->events.self, &query, ret->events, &ret->count, &looked_at);
    if (err)
        return err;
    if (ret->count > 0 && (before || ret->events[ret->count - 1]->seq > seq))
        seq = ret->events[ret->count - 1]->seq;
    ret->next = (struct eventcursor){.seq = seq};
    *ret_space = record;
    return SG_OK;
}

enum sg_err chat_page(struct chat *c, const struct principal *who, const char *space,
                      const char *before, size_t limit, unsigned types, struct chat_page *ret,
                      struct space_record *ret_space)
{
    uint64_t generation;
    enum sg_err err;
    do {
        generation = spaces_generation(c->spaces);
        err = read_page(c, who, space, before, limit, types, ret, ret_space);
        if (!err && !spaces_changed_since(c->spaces, who->user_id, ret_space->id, generation))
            return SG_OK;
        chat_page_fini(ret); /* what it shows may be from after the right to see it */
    } while (!err);
    return err;
}

static enum sg_err read_one(struct chat *c, const struct principal *who, const char *space,
                            uint64_t seq, struct event **ret, struct space_record *ret_space,
                            struct chat_bounds *ret_bounds)
{
    struct space_record record;
    struct event *event = NULL;
    size_t count = 0;
    uint64_t looked_at;
    enum sg_err err = open_space(c, who, space, &record, ret_bounds);
    if (!err && (record.id == 0 || seq == 0 || seq >= INT64_MAX))
        err = SG_ERR_NOT_FOUND;
    if (!err && seq <= ret_bounds->oldest.seq)
        err = SG_ERR_CURSOR_PRUNED;
    if (err)
        return err;
    const struct event_query query = {.space_ids = &record.id,
                                      .space_count = 1,
                                      .after = seq - 1,
                                      .before = seq + 1,
                                      .types = chat_visible_types(SG_CHAT_EVENT_TYPES, who),
                                      .limit = 1,
                                      .bytes = SG_CHAT_ANSWER_MAX};
    err = c->events.vt->list(c->events.self, &query, &event, &count, &looked_at);
    if (!err && count == 0)
        err = SG_ERR_NOT_FOUND;
    if (err)
        return err;
    *ret = event;
    *ret_space = record;
    return SG_OK;
}

enum sg_err chat_get(struct chat *c, const struct principal *who, const char *space, uint64_t seq,
                     struct event **ret, struct space_record *ret_space,
                     struct chat_bounds *ret_bounds)
{
    for (;;) {
        uint64_t generation = spaces_generation(c->spaces);
        enum sg_err err = read_one(c, who, space, seq, ret, ret_space, ret_bounds);
        if (err || !spaces_changed_since(c->spaces, who->user_id, ret_space->id, generation))
            return err;
        event_unref(*ret); /* as above */
    }
}
