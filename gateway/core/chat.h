/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of chat and events: posting, changing, paging, listening, retention. The answer of a
 * poll never skips an event, never repeats one, and shows nothing that the user may not see at the
 * moment it is made. No HTTP, no SQL, no JSON but the events' own text.
 */
#ifndef SG_CORE_CHAT_H
#define SG_CORE_CHAT_H

#include "core/eventcursor.h"
#include "core/hub.h"
#include "core/identity.h"
#include "core/spaces.h"
#include "store/events.h"

struct chat;

struct chat_config {
    int64_t retention_s;      /* of spaces that have none of their own; 0: for ever */
    uint64_t retention_count; /* likewise; 0: no bound */
};

enum sg_err chat_new(const struct events_store *events, struct spaces *spaces, struct hub *hub,
                     struct identity *identity, const struct chat_config *config,
                     struct chat **ret) SG_MUST_CHECK;
void chat_free(struct chat *c);
const char *chat_epoch(const struct chat *c);

/* -- writing -------------------------------------------------------------------------------------
 */
struct chat_message {
    const char *text;
    size_t text_len;
    uint64_t reply_to;
    const char *const *files; /* paths in the space, normalized as for files */
    size_t file_count;
    const char *idempotency_key;
};
/* Checks everything and hands the post to the log; does not block when space->id is not 0 (make it
 * first). `space` comes from spaces_authorize with least SG_SPACE_WRITER at generation
 * `generation`, read before that: if rights have changed when its turn comes, it fails with
 * SG_ERR_CONFLICT and is to be tried again from the authorization. `post` has `done` set; what the
 * message points to must live until then, and `who` too. SG_ERR_BAD_FIELD, TOO_LARGE: *ret_reason
 * is a static text. */
enum sg_err chat_post(struct chat *c, const struct principal *who, const struct space_record *space,
                      uint64_t generation, const struct chat_message *message,
                      struct event_post *post, const char **ret_reason) SG_MUST_CHECK;
/* Author or owner. `text` NULL deletes. SG_ERR_NOT_FOUND, FORBIDDEN, GONE, OVERLOADED. Blocks.
 * *ret: a reference. */
enum sg_err chat_revise(struct chat *c, const struct principal *who, const char *space,
                        uint64_t seq, const char *text, size_t text_len, struct event **ret,
                        struct space_record *ret_space) SG_MUST_CHECK;
/* UTF-8 without NUL, 1 to SG_EVENT_TEXT_MAX bytes; *ret_reason static text. */
enum sg_err chat_text_ok(const char *text, size_t len, const char **ret_reason) SG_MUST_CHECK;
/* 1 to 255 visible ASCII characters, with or without the quotes of a structured field (RFC 8941).
 */
enum sg_err chat_key_ok(const char *key, char ret[SG_IDEMPOTENCY_KEY_SIZE]) SG_MUST_CHECK;

/* -- reading -------------------------------------------------------------------------------------
 */
/* What the log has for a listener: for the answer, and for the details of cursor errors. */
struct chat_bounds {
    struct eventcursor oldest; /* after it comes the oldest event that is left */
    struct eventcursor newest; /* nothing comes after it */
};

struct chat_page {
    struct event *events[500]; /* references: chat_page_fini */
    size_t count;
    struct hub_note notes[64];
    size_t note_count;
    struct eventcursor next;
    struct chat_bounds bounds;
};
void chat_page_fini(struct chat_page *page);

/* Where the log of a space begins and ends, with the chain values there. Reads only. */
enum sg_err chat_range(struct chat *c, int64_t space_id, struct event_range *ret) SG_MUST_CHECK;

#define SG_CHAT_LIMIT_MAX  500
#define SG_CHAT_ANSWER_MAX (256 * 1024) /* bytes of events in a page; one event at least */

/* One page of a space without waiting: the newest (`before` NULL) or those before a cursor. Blocks
 * for reads only. ret->bounds are set with SG_ERR_CURSOR_FUTURE and CURSOR_PRUNED too; the epoch of
 * `before` does not count. */
enum sg_err chat_page(struct chat *c, const struct principal *who, const char *space,
                      const char *before, size_t limit, unsigned types, struct chat_page *ret,
                      struct space_record *ret_space) SG_MUST_CHECK;

/* One event of a space, as chat_page shows it; a reference. SG_ERR_NOT_FOUND, CURSOR_PRUNED. */
enum sg_err chat_get(struct chat *c, const struct principal *who, const char *space, uint64_t seq,
                     struct event **ret, struct space_record *ret_space,
                     struct chat_bounds *ret_bounds) SG_MUST_CHECK;

/* A poll or a stream. Memory of the operation's state; one thread at a time. */
struct chat_listener {
    struct chat *chat;
    struct principal *who;          /* borrowed; brought up to date by rechecks */
    char space[SG_SPACE_NAME_SIZE]; /* "" all */
    struct space_record record;     /* of the one space */
    uint64_t generation;
    struct hub_waiter waiter;
};
/* Authority, cursor and its range. `space` NULL: all that the user may read; `after` NULL: from now
 * on. SG_ERR_BAD_CURSOR, CURSOR_EPOCH, CURSOR_FUTURE, CURSOR_PRUNED (these three with
 * *ret_bounds), NOT_FOUND, FORBIDDEN. Blocks when the space is a direct one that must be made; else
 * reads only: with `at_once` it does not even try and sets *ret_done false. */
enum sg_err chat_listen(struct chat *c, struct principal *who, const char *space, const char *after,
                        unsigned types, const char *address, bool at_once,
                        struct chat_listener *ret, struct chat_bounds *ret_bounds,
                        bool *ret_done) SG_MUST_CHECK;

enum chat_state {
    SG_CHAT_NEWS,    /* *page has something */
    SG_CHAT_WAITS,   /* nothing yet: entered, `wake` will be called once */
    SG_CHAT_NOTHING, /* nothing, and it was not to wait */
    SG_CHAT_BLOCKS   /* at_once: the store must be read, call again where that is allowed */
};
/* What has happened since. `wait`: if there is nothing, the listener waits in the hub. Rights are
 * proved again when they may have changed: SG_ERR_SESSION_ENDED, TOKEN_EXPIRED, USER_DISABLED,
 * NOT_FOUND (no longer a member, space gone), FORBIDDEN (scope lost), CURSOR_PRUNED (fell too far
 * behind), TOO_MANY_WAITERS. page->next is where to go on, whatever
 * the state. On an error *page holds nothing but page->bounds of CURSOR_PRUNED. */
enum sg_err chat_next(struct chat_listener *l, bool wait, bool at_once, size_t limit,
                      struct chat_page *page, enum chat_state *ret) SG_MUST_CHECK;
/* It counts among those who wait from now on, not only when it waits: for streams, which may never
 * catch up. Its `wake` must be set. Errors as of chat_next. */
enum sg_err chat_listen_enter(struct chat_listener *l) SG_MUST_CHECK;
/* Takes it out of the hub; also legal when chat_listen failed or never ran (zeroed). */
void chat_listen_end(struct chat_listener *l);

/* Name of an event's space for the listener; NULL when it may not be seen. */
const char *chat_space_name(const struct chat_listener *l, int64_t space_id);

/* Removes some of what retention no longer keeps, and idempotency keys that are too old; call now
 * and then, from one thread. True when there is more: soon again. Blocks. */
bool chat_prune(struct chat *c);

/* Whether it is to be called before its time: a space has another retention (chat_prune_soon, any
 * thread, never blocks). Clears it. */
void chat_prune_soon(struct chat *c);
bool chat_prune_wanted(struct chat *c);

/* "message", "file" (= all file.*), "presence.joined", ...: bits for hub_waiter.types. BAD_FIELD.
 */
enum sg_err chat_types_parse(const char *list, unsigned *ret) SG_MUST_CHECK;
const char *chat_note_name(enum hub_note_type type);

#endif
