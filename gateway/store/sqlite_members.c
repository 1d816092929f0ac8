/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of shared spaces in SQLite. A shared space always has an owner: that holds inside one
 * write, also when a user is removed. It decides no rights.
 */
#include "store/sqlite_internal.h"

#include <string.h>

#include "base/clock.h"

static const char *role_name(enum space_role role)
{
    static const char *const names[] = {"none", "reader", "writer", "owner"};
    return names[role];
}

static void member_read(struct sqlite_query *q, void *to)
{
    struct member_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->user_id = sqlite_query_get_int(q, 0);
    sqlite_query_get_text(q, 1, ret->name, sizeof(ret->name));
    int64_t role = sqlite_query_get_int(q, 2);
    ret->added_ns = sqlite_query_get_int(q, 3);
    if (role >= SG_SPACE_READER && role <= SG_SPACE_OWNER)
        ret->role = (enum space_role)role;
    else
        sqlite_query_fail(q, SG_ERR_CORRUPT);
}

static const struct sqlite_row member_row = {sizeof(struct member_record), member_read};

static enum sg_err member_get(struct sqlite_conn *c, int64_t id, const char *user,
                              struct member_record *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_MEMBER_GET);
    sqlite_query_int(&q, id);
    sqlite_query_text(&q, user);
    return sqlite_query_one(&q, &member_row, ret);
}

/* -- reading ------------------------------------------------------------------------------------
 */

enum sg_err sqlite_members_get(void *self, int64_t id, const char *user, struct member_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_MEMBER_GET);
    sqlite_query_int(&q, id);
    sqlite_query_text(&q, user);
    return sqlite_query_one(&q, &member_row, ret);
}

enum sg_err sqlite_members_list(void *self, int64_t id, const char *after, size_t limit,
                                struct member_record *ret, size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_MEMBER_LIST);
    sqlite_query_int(&q, id);
    sqlite_query_text(&q, after);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &member_row, limit, ret, ret_count);
}

/* -- inside a write -----------------------------------------------------------------------------
 */

/* The number that a statement finds for another; 0 without rows. */
static enum sg_err number_of(struct sqlite_conn *c, enum sqlite_sql id, int64_t key, int64_t *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, key);
    return sqlite_query_numbers(&q, 1, ret);
}

enum sg_err sqlite_members_user_there(struct sqlite_conn *c, int64_t user_id)
{
    int64_t id = 0;
    enum sg_err err = number_of(c, SG_SQL_USER_BY_ID, user_id, &id);
    return err ? err : id != 0 ? SG_OK : SG_ERR_NOT_FOUND;
}

enum sg_err sqlite_members_add(struct sqlite_conn *c, int64_t id, int64_t user_id,
                               enum space_role role, int64_t now_ns)
{
    int64_t spaces = 0, members = 0;
    enum sg_err err = sqlite_members_user_there(c, user_id);
    if (!err)
        err = number_of(c, SG_SQL_MEMBER_SPACES, user_id, &spaces);
    if (!err)
        err = number_of(c, SG_SQL_MEMBER_COUNT, id, &members);
    if (!err && (spaces >= SG_SPACES_PER_USER || members >= SG_MEMBERS_PER_SPACE))
        err = SG_ERR_LIMIT;
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_MEMBER_INSERT);
    sqlite_query_int(&q, id);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, role);
    sqlite_query_int(&q, now_ns);
    return sqlite_query_run(&q);
}

/* SG_ERR_LAST_OWNER when there is no owner but this one. */
static enum sg_err check_owners(struct sqlite_conn *c, int64_t id, const struct member_record *one)
{
    struct sqlite_query q;
    bool other = false;
    if (one->role != SG_SPACE_OWNER)
        return SG_OK;
    sqlite_query_begin(&q, c, SG_SQL_MEMBER_OTHER_OWNER);
    sqlite_query_int(&q, id);
    sqlite_query_int(&q, one->user_id);
    enum sg_err err = sqlite_query_found(&q, &other);
    return err ? err : other ? SG_OK : SG_ERR_LAST_OWNER;
}

static enum sg_err check_shared(struct sqlite_conn *c, int64_t id)
{
    enum space_kind kind = SG_SPACE_SHARED;
    enum sg_err err = sqlite_spaces_kind(c, id, &kind);
    return err ? err : kind == SG_SPACE_SHARED ? SG_OK : SG_ERR_FIXED_MEMBERS;
}

/* Writes a role down and says so. */
static enum sg_err set_role(struct sqlite_conn *c, int64_t id, const struct member_record *member,
                            const struct space_actor *actor)
{
    struct event_draft draft = {.type = SG_EVENT_MEMBER_UPDATED,
                                .member = member->name,
                                .member_id = member->user_id,
                                .role = role_name(member->role)};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_MEMBER_UPDATE);
    sqlite_query_int(&q, member->role);
    sqlite_query_int(&q, id);
    sqlite_query_int(&q, member->user_id);
    enum sg_err err = sqlite_query_run(&q);
    return err ? err : sqlite_spaces_event(c, id, actor, &draft);
}

/* Takes a member away and says so. */
static enum sg_err take_away(struct sqlite_conn *c, int64_t id, const struct member_record *member,
                             const struct space_actor *actor)
{
    struct event_draft draft = {
        .type = SG_EVENT_MEMBER_REMOVED, .member = member->name, .member_id = member->user_id};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_MEMBER_DELETE);
    sqlite_query_int(&q, id);
    sqlite_query_int(&q, member->user_id);
    enum sg_err err = sqlite_query_run(&q);
    return err ? err : sqlite_spaces_event(c, id, actor, &draft);
}

/* -- changing -----------------------------------------------------------------------------------
 */

struct member_job {
    int64_t id;
    const char *user;
    enum space_role role;
    const struct space_actor *actor;
    struct member_record member;
    bool created;
};

static enum sg_err add_run(struct sqlite_conn *c, struct member_job *job)
{
    const struct space_actor *actor = job->actor;
    struct event_draft draft = {
        .type = SG_EVENT_MEMBER_ADDED, .member = job->user, .role = role_name(job->role)};
    struct sqlite_query q;
    int64_t user_id = 0;
    sqlite_query_begin(&q, c, SG_SQL_USER_BY_NAME);
    sqlite_query_text(&q, job->user);
    enum sg_err err = sqlite_query_numbers(&q, 1, &user_id);
    if (!err && user_id == 0)
        err = SG_ERR_NOT_FOUND;
    if (!err)
        err = sqlite_members_add(c, job->id, user_id, job->role, actor->now_ns);
    draft.member_id = user_id;
    if (!err)
        err = sqlite_spaces_event(c, job->id, actor, &draft);
    job->created = true;
    return err ? err : member_get(c, job->id, job->user, &job->member);
}

static enum sg_err set_run(struct sqlite_conn *c, void *ctx)
{
    struct member_job *job = ctx;
    enum sg_err err = check_shared(c, job->id);
    if (err)
        return err;
    err = member_get(c, job->id, job->user, &job->member);
    if (err == SG_ERR_NOT_FOUND)
        return add_run(c, job);
    if (err || job->member.role == job->role)
        return err;
    err = check_owners(c, job->id, &job->member);
    job->member.role = job->role;
    return err ? err : set_role(c, job->id, &job->member, job->actor);
}

enum sg_err sqlite_members_set(void *self, int64_t id, const char *user, enum space_role role,
                               const struct space_actor *actor, struct member_record *ret,
                               bool *ret_created)
{
    struct member_job job = {.id = id, .user = user, .role = role, .actor = actor};
    enum sg_err err = sqlite_write(self, set_run, &job);
    if (err)
        return err;
    *ret = job.member;
    *ret_created = job.created;
    return SG_OK;
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    struct member_job *job = ctx;
    enum sg_err err = check_shared(c, job->id);
    if (!err)
        err = member_get(c, job->id, job->user, &job->member);
    if (!err)
        err = check_owners(c, job->id, &job->member);
    return err ? err : take_away(c, job->id, &job->member, job->actor);
}

enum sg_err sqlite_members_remove(void *self, int64_t id, const char *user,
                                  const struct space_actor *actor, int64_t *ret_user_id)
{
    struct member_job job = {.id = id, .user = user, .actor = actor};
    enum sg_err err = sqlite_write(self, remove_run, &job);
    if (!err)
        *ret_user_id = job.member.user_id;
    return err;
}

/* -- removal of a user --------------------------------------------------------------------------
 */

/* The user's own space and the direct ones, with all in them. */
static enum sg_err drop_private(struct sqlite_conn *c, int64_t user_id)
{
    for (;;) {
        int64_t id = 0;
        enum sg_err err = number_of(c, SG_SQL_SPACE_OF_USER, user_id, &id);
        if (err || id == 0)
            return err;
        err = sqlite_spaces_drop(c, id);
        if (err)
            return err;
    }
}

/* Out of one space. Without an owner left the highest, longest member becomes one. */
static enum sg_err leave(struct sqlite_conn *c, int64_t id, const struct member_record *member,
                         const struct space_actor *actor)
{
    struct member_record heir;
    struct sqlite_query q;
    enum sg_err orphaned = check_owners(c, id, member);
    if (orphaned && orphaned != SG_ERR_LAST_OWNER)
        return orphaned;
    enum sg_err err = take_away(c, id, member, actor);
    if (err || !orphaned)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_MEMBER_HEIR);
    sqlite_query_int(&q, id);
    err = sqlite_query_one(&q, &member_row, &heir);
    if (err == SG_ERR_NOT_FOUND)
        return sqlite_spaces_drop(c, id);
    heir.role = SG_SPACE_OWNER;
    return err ? err : set_role(c, id, &heir, actor);
}

enum sg_err sqlite_members_remove_user(struct sqlite_conn *c, int64_t user_id, const char *name)
{
    const struct space_actor actor = {.user_id = user_id, .name = name, .now_ns = clock_now_ns()};
    enum sg_err err = drop_private(c, user_id);
    while (!err) {
        struct member_record member;
        int64_t id = 0;
        err = number_of(c, SG_SQL_MEMBER_FIRST_SPACE, user_id, &id);
        if (err || id == 0)
            break;
        err = member_get(c, id, name, &member);
        if (!err)
            err = leave(c, id, &member, &actor);
    }
    return err;
}
