/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage of spaces and who is in them. Which role that gives is a rule (core/spaces.h), not a fact
 * of the store: it tells the kind of a space and the role that was written down for a member.
 * Names: "common", "~USER" (a user's own), "NAME" (shared), "@USER" (the direct talk of the asking
 * user with that one).
 */
#ifndef SG_STORE_SPACES_H
#define SG_STORE_SPACES_H

#include "store/store.h"

#define SG_SPACE_DESCRIPTION_SIZE 1025 /* 256 characters as bytes of UTF-8, with NUL */

enum space_kind { SG_SPACE_COMMON = 0, SG_SPACE_OWN = 1, SG_SPACE_SHARED = 2, SG_SPACE_DIRECT = 3 };
enum space_role { SG_SPACE_NONE = 0, SG_SPACE_READER = 1, SG_SPACE_WRITER = 2, SG_SPACE_OWNER = 3 };

struct space_record {
    int64_t id;
    enum space_kind kind;
    char name[SG_SPACE_NAME_SIZE]; /* as the asking user names it */
    int64_t owner_id;              /* of SG_SPACE_OWN; else 0 */
    int64_t peers[2];              /* of SG_SPACE_DIRECT; else 0 */
    enum space_role member;        /* of the asking user in SG_SPACE_SHARED; else NONE */
};

/* A space as its members see it. */
struct space_info {
    struct space_record space;
    char description[SG_SPACE_DESCRIPTION_SIZE];
    int64_t created_ns;
    int64_t retention_s;      /* 0: the configured default */
    uint64_t retention_count; /* 0: the configured default */
    uint64_t last_read;       /* seq that the asking user has read up to */
    uint64_t head_seq;        /* last event; 0: none */
    uint64_t pruned_seq;
    unsigned unread; /* messages of others after last_read; at most SG_UNREAD_MAX */
};
#define SG_UNREAD_MAX 1000

struct space_change {
    const char *description; /* NULL: as it is; so with the others */
    const int64_t *retention_s;
    const uint64_t *retention_count;
};

struct member_record {
    int64_t user_id;
    char name[SG_USER_NAME_SIZE];
    enum space_role role;
    int64_t added_ns;
};

/* What a space has asked for, and what has been removed by it. */
struct space_retention {
    int64_t id;
    int64_t retention_s;      /* 0: the configured default */
    uint64_t retention_count; /* 0: the configured default */
    uint64_t pruned_seq;      /* 0: nothing has been removed */
};

/* Who does it, for the event. */
struct space_actor {
    int64_t user_id;
    const char *name;
    int64_t now_ns;
    /* Asked inside the transaction, for each event; an error undoes the change. With a check, an
     * actor whose membership in the space changed in the same transaction gets SG_ERR_CONFLICT,
     * too. May be NULL; must not block. */
    enum sg_err (*check)(void *ctx);
    void *check_ctx;
};

struct spaces_store {
    void *self;
    const struct spaces_vtable *vt;
};

struct spaces_vtable {
    /* By name as `user_id` says it. SG_ERR_NOT_FOUND. "@USER": also when the two have no space yet
     * (see direct). Only reads. */
    enum sg_err (*get)(void *self, const char *name, int64_t user_id,
                       struct space_record *ret) SG_MUST_CHECK;
    enum sg_err (*get_by_id)(void *self, int64_t id, int64_t user_id,
                             struct space_record *ret) SG_MUST_CHECK;
    /* Makes the direct space of two users, or finds it. SG_ERR_NOT_FOUND when there is no such
     * other user, or it is the user itself. */
    enum sg_err (*direct)(void *self, int64_t user_id, const char *other, int64_t now_ns,
                          struct space_record *ret) SG_MUST_CHECK;
    /* "common", the user's own, shared ones with a membership, direct ones; sorted by name; at most
     * `limit` into ret. */
    enum sg_err (*list)(void *self, int64_t user_id, size_t limit, struct space_info *ret,
                        size_t *ret_count) SG_MUST_CHECK;
    enum sg_err (*info)(void *self, int64_t id, int64_t user_id,
                        struct space_info *ret) SG_MUST_CHECK;
    /* A shared space with the actor as its owner; event space.created. SG_ERR_NAME_TAKEN,
     * LIMIT (too many spaces). */
    enum sg_err (*create)(void *self, const char *name, const char *description,
                          const struct space_actor *actor, struct space_info *ret) SG_MUST_CHECK;
    /* Event space.updated, unless nothing changes. */
    enum sg_err (*update)(void *self, int64_t id, const struct space_change *change,
                          const struct space_actor *actor, struct space_info *ret) SG_MUST_CHECK;
    /* With files and members; blobs are left to the collection, events to `sweep`. FIXED_MEMBERS
     * when it is no shared space. */
    enum sg_err (*remove)(void *self, int64_t id) SG_MUST_CHECK;
    /* Removes the events of spaces that are gone, also with their users, in short writes, so that
     * others get their turn. May take long: first make sure that nobody reads there any more. What
     * an error leaves is removed by the next call. */
    void (*sweep)(void *self);
    enum sg_err (*member_get)(void *self, int64_t id, const char *user,
                              struct member_record *ret) SG_MUST_CHECK;
    /* Up to `limit` members with name > `after`, in byte order of names. */
    enum sg_err (*member_list)(void *self, int64_t id, const char *after, size_t limit,
                               struct member_record *ret, size_t *ret_count) SG_MUST_CHECK;
    /* Adds a member or changes its role (nothing happens when it has it); event member.added or
     * .updated. SG_ERR_NOT_FOUND (no such user or space), FIXED_MEMBERS, LAST_OWNER, LIMIT. */
    enum sg_err (*member_set)(void *self, int64_t id, const char *user, enum space_role role,
                              const struct space_actor *actor, struct member_record *ret,
                              bool *ret_created) SG_MUST_CHECK;
    /* Event member.removed. SG_ERR_NOT_FOUND, FIXED_MEMBERS, LAST_OWNER. *ret_user_id: who that
     * was. */
    enum sg_err (*member_remove)(void *self, int64_t id, const char *user,
                                 const struct space_actor *actor,
                                 int64_t *ret_user_id) SG_MUST_CHECK;
    /* Moves what the user has read forward, never back. */
    enum sg_err (*read_set)(void *self, int64_t id, int64_t user_id, uint64_t seq) SG_MUST_CHECK;
    /* As list, without what costs time: records only, ordered by id, with id > `after_id`. */
    enum sg_err (*visible)(void *self, int64_t user_id, int64_t after_id, size_t limit,
                           struct space_record *ret, size_t *ret_count) SG_MUST_CHECK;
    /* Of all spaces, whosever, ordered by id, with id > `after_id`; at most `limit`. */
    enum sg_err (*retentions)(void *self, int64_t after_id, size_t limit,
                              struct space_retention *ret, size_t *ret_count) SG_MUST_CHECK;
};
#define SG_SPACES_PER_USER   500 /* memberships of shared spaces */
#define SG_MEMBERS_PER_SPACE 10000

#endif
