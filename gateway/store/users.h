/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of users and invites. */
#ifndef SG_STORE_USERS_H
#define SG_STORE_USERS_H

#include "store/store.h"

struct user_record {
    int64_t id; /* never used again, unlike the name */
    char name[SG_USER_NAME_SIZE];
    enum user_role role;
    bool disabled;
    char password_hash[160]; /* argon2id, encoded form */
    int64_t created_ns;
};

struct invite_record {
    uint8_t code_sha256[SG_DIGEST_SIZE];
    enum user_role role;
    char created_by[SG_USER_NAME_SIZE]; /* "" for the setup code */
    int64_t expires_ns;                 /* INT64_MAX: never */
};

struct users_store {
    void *self;
    const struct users_vtable *vt;
};

struct users_vtable {
    /* Adds a user (id is made). With `code_sha256`: in the same transaction consumes that invite,
     * which gives the role; SG_ERR_BAD_CODE when there is none or it has expired at `now_ns`.
     * SG_ERR_NAME_TAKEN. Makes the user's own space "~name". Fills user->id and user->role. */
    enum sg_err (*create)(void *self, struct user_record *user, const uint8_t *code_sha256,
                          int64_t now_ns) SG_MUST_CHECK;
    enum sg_err (*get_by_name)(void *self, const char *name, struct user_record *ret) SG_MUST_CHECK;
    enum sg_err (*get_by_id)(void *self, int64_t id, struct user_record *ret) SG_MUST_CHECK;
    /* Up to `limit` users with name > `after` ("" from the start), in byte order of names. */
    enum sg_err (*list)(void *self, const char *after, size_t limit, struct user_record *ret,
                        size_t *ret_count) SG_MUST_CHECK;
    /* Changes role and disabled where not NULL. SG_ERR_LAST_ADMIN when no enabled admin would be
     * left. In the same transaction disabling ends the user's sessions, and whoever is no enabled
     * admin afterwards loses the invites that nobody has used yet. */
    enum sg_err (*update)(void *self, const char *name, const enum user_role *role,
                          const bool *disabled, struct user_record *ret) SG_MUST_CHECK;
    /* Sets the password hash and ends all sessions but `keep` (NULL: all), in one transaction. */
    enum sg_err (*set_password)(void *self, int64_t id, const char *hash,
                                const uint8_t *keep_session) SG_MUST_CHECK;
    /* Removes user, sessions, own space and direct ones with all in them, memberships, invites made
     * by it. In shared spaces: event member.removed of the user itself; when no owner is left, the
     * highest, longest member becomes one (event member.updated); without members the space goes
     * too. Events of spaces that go are left to `sweep` of spaces. SG_ERR_LAST_ADMIN. */
    enum sg_err (*remove)(void *self, const char *name) SG_MUST_CHECK;
    enum sg_err (*count)(void *self, size_t *ret_users, size_t *ret_enabled_admins) SG_MUST_CHECK;
    /* Adds an invite; replaces the one of the same digest. A setup code (created_by "") replaces
     * all others; else SG_ERR_FORBIDDEN unless created_by is an enabled admin, in the same
     * transaction. */
    enum sg_err (*add_invite)(void *self, const struct invite_record *invite) SG_MUST_CHECK;
    /* True when a setup code (created_by "") with this digest is there. */
    enum sg_err (*has_invite)(void *self, const uint8_t *code_sha256, bool *ret) SG_MUST_CHECK;
    /* Removes expired invites, and every setup code when `setup_too`. */
    enum sg_err (*prune_invites)(void *self, int64_t now_ns, bool setup_too) SG_MUST_CHECK;
    /* Puts `hash` (same password, newer parameters) in the place of `old_hash` and keeps all
     * sessions; SG_ERR_CONFLICT when it is not there any more. May be NULL: hashes then stay as
     * they are. */
    enum sg_err (*replace_hash)(void *self, int64_t id, const char *old_hash,
                                const char *hash) SG_MUST_CHECK;
};

#endif
