/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of the event log: one ordered, durable log; what belongs to a space is a view of it with
 * a chain of digests of its own (store/eventtext.h). Numbers rise by one with each event and are
 * never used again. Changes of files, members and spaces enter their events in the transaction of
 * the change itself.
 */
#ifndef SG_STORE_EVENTS_H
#define SG_STORE_EVENTS_H

#include <stdatomic.h>

#include "store/files.h"
#include "store/store.h"

#define SG_EPOCH_SIZE           13 /* 12 hexadecimal digits and NUL */
#define SG_EVENT_TEXT_MAX       16384
#define SG_EVENT_FILES_MAX      16
#define SG_EVENT_SALT_SIZE      16
#define SG_IDEMPOTENCY_KEY_SIZE 256

/* X(name, public name). The order is stored: add at the end only. */
#define SG_EVENT_TYPES(X)                                                                          \
    X(MESSAGE, "message")                                                                          \
    X(MESSAGE_UPDATED, "message.updated")                                                          \
    X(MESSAGE_DELETED, "message.deleted")                                                          \
    X(FILE_STORED, "file.stored")                                                                  \
    X(FILE_MOVED, "file.moved")                                                                    \
    X(FILE_DELETED, "file.deleted")                                                                \
    X(MEMBER_ADDED, "member.added")                                                                \
    X(MEMBER_UPDATED, "member.updated")                                                            \
    X(MEMBER_REMOVED, "member.removed")                                                            \
    X(SPACE_CREATED, "space.created")                                                              \
    X(SPACE_UPDATED, "space.updated")                                                              \
    X(SIGNATURE_CREATED, "signature.created")

enum event_type {
#define X(name, text) SG_EVENT_##name,
    SG_EVENT_TYPES(X)
#undef X
        SG_EVENT_TYPE_COUNT
};

/*
 * An event as it is shown, immutable and shared: whoever keeps it holds a reference. `json` are its
 * members without the braces and without `space`, whose name depends on who asks.
 */
struct event {
    atomic_int refs;
    uint64_t seq;
    int64_t space_id;
    enum event_type type;
    uint64_t target; /* of MESSAGE_UPDATED and _DELETED: the message; else 0 */
    int64_t sender_id;
    int64_t member_id; /* of MEMBER_*, when the sink gets it: whom it concerns; else 0 */
    int64_t sent_ns;
    uint8_t chain[SG_DIGEST_SIZE];
    size_t len;
    char json[]; /* NUL follows */
};
void event_ref(struct event *e);
void event_unref(struct event *e); /* NULL is legal */

/*
 * A message on its way into the log. The caller fills the first part and keeps all of it until
 * `done`, which is called exactly once after `post` returned SG_OK, from a thread of the engine,
 * after the commit and after the sink has seen the event; it must not block and may free the post.
 */
struct event_post {
    int64_t space_id;
    int64_t sender_id;
    const char *sender;
    const char *text; /* UTF-8, 1 to SG_EVENT_TEXT_MAX bytes, no NUL */
    size_t text_len;
    uint8_t salt[SG_EVENT_SALT_SIZE];
    uint64_t reply_to;        /* 0: none */
    const char *const *files; /* paths in the space; the current version of each is linked */
    size_t file_count;
    const char *idempotency_key;         /* NULL: none; of the sender, for SG_EVENT_KEY_LIFE_NS */
    uint8_t fingerprint[SG_DIGEST_SIZE]; /* of space, text, reply and files, with a key */
    int64_t now_ns;
    /* Asked first inside the transaction; an error is the result. May be NULL. Must not block. With
     * a check, a sender whose membership changed in the same transaction before it gets
     * SG_ERR_CONFLICT, too: the sink tells of that later. */
    enum sg_err (*check)(void *ctx);
    void *check_ctx;
    void (*done)(struct event_post *post);
    struct { /* core/chat's own, for `check` */
        void *chat;
        uint64_t generation;
    } rules;

    /* The result. SG_ERR_NOT_FOUND (space gone, reply_to no message of it), NO_FILE (detail index
     * in bad_file), IDEMPOTENCY (another message under this key; as long as it has its first text,
     * then nobody can tell), CONFLICT (the key's message has been pruned), storage errors. With
     * SG_OK `event` is a reference of the caller's; `replayed`: it was there already. */
    enum sg_err result;
    size_t bad_file;
    bool replayed;
    struct event *event;
    void *engine[12]; /* the engine's own */
};
#define SG_EVENT_KEY_LIFE_NS (INT64_C(86400) * 1000000000)

/* A change of a message. Its text and those of earlier changes are wiped in the same transaction;
 * their digests stay. */
struct event_revision {
    int64_t space_id;
    uint64_t target; /* seq of the message */
    int64_t actor_id;
    const char *actor;
    bool any_author;  /* the actor may change what others wrote */
    const char *text; /* NULL: deletion */
    size_t text_len;
    uint8_t salt[SG_EVENT_SALT_SIZE];
    int64_t now_ns;
    enum sg_err (*check)(void *ctx); /* as of a post */
    void *check_ctx;
};

/* Which events: of the spaces given, in order of seq. */
struct event_query {
    const int64_t *space_ids; /* sorted */
    size_t space_count;
    uint64_t after;  /* seq > after */
    uint64_t before; /* seq < before; 0: no bound */
    bool newest;     /* the last `limit` of the range instead of the first; still ascending */
    unsigned types;  /* bits 1 << enum event_type */
    size_t limit;    /* 1 to 1000 */
    size_t bytes;    /* stop (after one event at least) when json would be more */
};

/* Where the log of a space begins and ends. */
struct event_range {
    uint64_t head_seq; /* last event; 0: none yet */
    uint8_t head_chain[SG_DIGEST_SIZE];
    uint64_t pruned_seq;                  /* events up to here have been pruned; 0: none */
    uint8_t pruned_chain[SG_DIGEST_SIZE]; /* chain value of that one; zero when none */
    uint64_t count;                       /* events that are left */
};

struct events_store {
    void *self;
    const struct events_vtable *vt;
};

struct events_vtable {
    /* The identity of this log, made with it. */
    enum sg_err (*epoch)(void *self, char ret[SG_EPOCH_SIZE]) SG_MUST_CHECK;
    /* After a backup has been put back: cursors from before are refused from now on. */
    enum sg_err (*new_epoch)(void *self) SG_MUST_CHECK;
    /* Whoever is to hear of every event, in order, after its commit and before anybody is answered;
     * from a thread of the engine; must not block. Set once, before the first event. */
    void (*set_sink)(void *self, void (*sink)(void *ctx, struct event *const *events, size_t count),
                     void *ctx);
    /* seq of the last event of all; 0: none. */
    enum sg_err (*head)(void *self, uint64_t *ret) SG_MUST_CHECK;
    enum sg_err (*range)(void *self, int64_t space_id, struct event_range *ret) SG_MUST_CHECK;
    /* Does not block. An error at once (SG_ERR_OVERLOADED, UNAVAILABLE): `done` is not called. */
    enum sg_err (*post)(void *self, struct event_post *post) SG_MUST_CHECK;
    /* SG_ERR_NOT_FOUND (no message of that space), FORBIDDEN (not the author), GONE (deleted
     * already), CONFLICT or what else `check` says. *ret: the new event. */
    enum sg_err (*revise)(void *self, const struct event_revision *revision,
                          struct event **ret) SG_MUST_CHECK;
    /* References into ret[limit]. *ret_seq: everything up to it has been looked at (the last event
     * returned when more follow; else the head of the log as it was read); with `newest` and
     * `before` unspecified. */
    enum sg_err (*list)(void *self, const struct event_query *query, struct event **ret,
                        size_t *ret_count, uint64_t *ret_seq) SG_MUST_CHECK;
    /* Removes up to `batch` of the oldest events of a space that were sent before `before_ns` or of
     * which `keep` newer ones exist (0: no bound by number). */
    enum sg_err (*prune)(void *self, int64_t space_id, int64_t before_ns, uint64_t keep,
                         size_t batch, size_t *ret_removed) SG_MUST_CHECK;
    /* Forgets idempotency keys made before `before_ns`. */
    enum sg_err (*prune_keys)(void *self, int64_t before_ns) SG_MUST_CHECK;
    /* The version of a file that some message links; path in the arena. NOT_FOUND. */
    enum sg_err (*linked_file)(void *self, int64_t space_id, const char *path, uint64_t version,
                               struct arena *arena, struct entry_record *ret) SG_MUST_CHECK;
};

const char *event_type_name(enum event_type type);

#endif
