/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members: of shared spaces as they were written down, of all others as they follow from the rules.
 * The latter cannot be changed. Whom a change concerns, the event tells that comes with it
 * (spaces_publish).
 */
#include "core/spaces_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const role_names[] = {
    [SG_SPACE_READER] = "reader",
    [SG_SPACE_WRITER] = "writer",
    [SG_SPACE_OWNER] = "owner",
};

const char *spaces_role_name(enum space_role role)
{
    return role >= SG_SPACE_READER && role <= SG_SPACE_OWNER ? role_names[role] : "none";
}

enum sg_err spaces_role_parse(const char *text, enum space_role *ret)
{
    for (enum space_role role = SG_SPACE_READER; role <= SG_SPACE_OWNER; role++) {
        if (strcmp(text, role_names[role]) == 0) {
            *ret = role;
            return SG_OK;
        }
    }
    return SG_ERR_BAD_FIELD;
}

/* -- who is there by rule -----------------------------------------------------------------------
 */

/* A user as a member of a space that is not shared; false when he is none. */
static bool by_rule(const struct space_record *space, const struct user_record *user,
                    struct member_record *ret)
{
    struct principal as = {.user_id = user->id, .role = user->role};
    ret->role = spaces_role_in(&as, space);
    ret->user_id = user->id;
    memcpy(ret->name, user->name, sizeof(ret->name));
    ret->added_ns = user->created_ns;
    return ret->role != SG_SPACE_NONE;
}

static enum sg_err one_by_rule(struct spaces *s, const struct space_record *space, const char *user,
                               struct member_record *ret)
{
    struct user_record record;
    struct member_record member;
    enum sg_err err = identity_user(s->identity, user, &record);
    if (!err && !by_rule(space, &record, &member))
        err = SG_ERR_NOT_FOUND;
    if (!err)
        *ret = member;
    return err;
}

/* The names in question, in order; at most two. */
static size_t few_names(const struct principal *who, const struct space_record *space,
                        const char *ret[2])
{
    ret[0] = who->user;
    if (space->kind == SG_SPACE_OWN)
        return 1;
    const char *other = space->name + 1;
    ret[1] = other;
    if (strcmp(other, who->user) < 0) {
        ret[1] = ret[0];
        ret[0] = other;
    }
    return 2;
}

static enum sg_err list_few(struct spaces *s, const struct principal *who,
                            const struct space_record *space, const char *after, size_t limit,
                            struct member_record *ret, size_t *ret_count)
{
    const char *names[2];
    size_t total = few_names(who, space, names), count = 0;
    for (size_t i = 0; i < total && count < limit; i++) {
        if (strcmp(names[i], after) <= 0)
            continue;
        enum sg_err err = one_by_rule(s, space, names[i], &ret[count]);
        if (!err)
            count++;
        else if (err != SG_ERR_NOT_FOUND)
            return err;
    }
    *ret_count = count;
    return SG_OK;
}

static enum sg_err list_common(struct spaces *s, const struct space_record *space,
                               const char *after, size_t limit, struct member_record *ret,
                               size_t *ret_count)
{
    struct user_record *users = calloc(limit, sizeof(*users));
    size_t count = 0, kept = 0;
    if (!users)
        return SG_ERR_NO_MEMORY;
    enum sg_err err = identity_users(s->identity, after, limit, users, &count);
    for (size_t i = 0; !err && i < count; i++)
        if (by_rule(space, &users[i], &ret[kept]))
            kept++;
    free(users);
    if (!err)
        *ret_count = kept;
    return err;
}

/* -- reading ------------------------------------------------------------------------------------
 */

enum sg_err spaces_members(struct spaces *s, const struct principal *who, const char *name,
                           const char *after, size_t limit, struct member_record *ret,
                           size_t *ret_count)
{
    struct space_record space;
    enum space_role role;
    enum sg_err err = spaces_authorize(s, who, name, SG_SPACE_READER, &space, &role);
    if (err)
        return err;
    switch (space.kind) {
    case SG_SPACE_SHARED:
        return s->store.vt->member_list(s->store.self, space.id, after, limit, ret, ret_count);
    case SG_SPACE_COMMON:
        return list_common(s, &space, after, limit, ret, ret_count);
    case SG_SPACE_OWN:
    case SG_SPACE_DIRECT:
        return list_few(s, who, &space, after, limit, ret, ret_count);
    }
    return SG_ERR_INTERNAL;
}

enum sg_err spaces_member(struct spaces *s, const struct principal *who, const char *name,
                          const char *user, struct member_record *ret)
{
    struct space_record space;
    enum space_role role;
    enum sg_err err = spaces_authorize(s, who, name, SG_SPACE_READER, &space, &role);
    if (err)
        return err;
    if (strcmp(user, "me") == 0)
        user = who->user;
    if (space.kind == SG_SPACE_SHARED)
        return s->store.vt->member_get(s->store.self, space.id, user, ret);
    return one_by_rule(s, &space, user, ret);
}

/* -- changing -----------------------------------------------------------------------------------
 */

/* The space, if its members can be changed at all. */
static enum sg_err find_shared(struct spaces *s, const struct principal *who, const char *name,
                               struct space_record *ret, enum space_role *ret_role)
{
    enum sg_err err = spaces_authorize(s, who, name, SG_SPACE_READER, ret, ret_role);
    if (!err && ret->kind != SG_SPACE_SHARED)
        err = SG_ERR_FIXED_MEMBERS;
    return err;
}

/* The space, if `who` may change the membership of `user` there. */
static enum sg_err may_change(struct spaces *s, const struct principal *who, const char *name,
                              bool himself, struct spaces_act *act, struct space_record *ret)
{
    enum space_role mine;
    spaces_act_begin(act, s, who);
    enum sg_err err = find_shared(s, who, name, ret, &mine);
    if (!err && mine < SG_SPACE_OWNER && !himself)
        err = SG_ERR_FORBIDDEN;
    if (!err)
        act->space_ids[0] = ret->id;
    return err;
}

enum sg_err spaces_member_set(struct spaces *s, const struct principal *who, const char *name,
                              const char *user, enum space_role role, struct member_record *ret,
                              bool *ret_created)
{
    struct spaces_act act = {.tries = 0};
    struct space_record space;
    enum sg_err err;
    if (strcmp(user, "me") == 0)
        user = who->user;
    do {
        err = may_change(s, who, name, false, &act, &space);
        if (!err && (role < SG_SPACE_READER || role > SG_SPACE_OWNER))
            err = SG_ERR_BAD_FIELD;
        if (!err)
            err = s->store.vt->member_set(s->store.self, space.id, user, role, &act.actor, ret,
                                          ret_created);
    } while (spaces_act_again(&act, &err));
    return err;
}

enum sg_err spaces_member_remove(struct spaces *s, const struct principal *who, const char *name,
                                 const char *user)
{
    struct spaces_act act = {.tries = 0};
    struct space_record space;
    int64_t removed;
    enum sg_err err;
    if (strcmp(user, "me") == 0)
        user = who->user;
    do {
        err = may_change(s, who, name, strcmp(user, who->user) == 0, &act, &space);
        if (!err)
            err = s->store.vt->member_remove(s->store.self, space.id, user, &act.actor, &removed);
    } while (spaces_act_again(&act, &err));
    return err;
}
