/* SPDX-License-Identifier: Apache-2.0 */
/* Users and invites in SQLite. Every rule over several rows (last admin, one use of an invite)
 * holds inside one write. */
#include "store/sqlite_internal.h"

#include <stdio.h>
#include <string.h>

static enum user_role role_from(struct sqlite_query *q, int column)
{
    int64_t value = sqlite_query_get_int(q, column);
    if (value < SG_ROLE_GUEST || value > SG_ROLE_ADMIN) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return SG_ROLE_GUEST;
    }
    return (enum user_role)value;
}

static void user_read(struct sqlite_query *q, void *to)
{
    struct user_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->id = sqlite_query_get_int(q, 0);
    sqlite_query_get_text(q, 1, ret->name, sizeof(ret->name));
    ret->role = role_from(q, 2);
    ret->disabled = sqlite_query_get_int(q, 3) != 0;
    sqlite_query_get_text(q, 4, ret->password_hash, sizeof(ret->password_hash));
    ret->created_ns = sqlite_query_get_int(q, 5);
}

static const struct sqlite_row user_row = {sizeof(struct user_record), user_read};

static enum sg_err user_by_name(struct sqlite_conn *c, const char *name, struct user_record *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_USER_BY_NAME);
    sqlite_query_text(&q, name);
    return sqlite_query_one(&q, &user_row, ret);
}

static enum sg_err user_by_id(struct sqlite_conn *c, int64_t id, struct user_record *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_USER_BY_ID);
    sqlite_query_int(&q, id);
    return sqlite_query_one(&q, &user_row, ret);
}

enum sg_err sqlite_users_enabled(struct sqlite_conn *c, int64_t id)
{
    struct user_record user;
    enum sg_err err = user_by_id(c, id, &user);
    return err ? err : user.disabled ? SG_ERR_USER_DISABLED : SG_OK;
}

/* SG_ERR_LAST_ADMIN when `user` was an enabled admin and now there is none. */
static enum sg_err check_admins(struct sqlite_conn *c, const struct user_record *before)
{
    struct sqlite_query q;
    int64_t admins = 0;
    if (before->role != SG_ROLE_ADMIN || before->disabled)
        return SG_OK;
    sqlite_query_begin(&q, c, SG_SQL_ADMIN_COUNT);
    enum sg_err err = sqlite_query_numbers(&q, 1, &admins);
    if (!err && admins == 0)
        err = SG_ERR_LAST_ADMIN;
    return err;
}

static enum sg_err end_sessions(struct sqlite_conn *c, int64_t user_id, const uint8_t *keep)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_DELETE_OTHERS);
    sqlite_query_int(&q, user_id);
    sqlite_query_blob(&q, keep, SG_SESSION_ID_SIZE);
    enum sg_err err = sqlite_query_run(&q);
    if (err)
        return err;
    /* Else a device that was let in before could begin a session after. */
    return sqlite_query_run_int(c, SG_SQL_DEVICE_OF_USER, user_id);
}

static enum sg_err delete_invites_by(struct sqlite_conn *c, const char *creator)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_INVITE_DELETE_BY);
    sqlite_query_text(&q, creator);
    return sqlite_query_run(&q);
}

/* -- create -------------------------------------------------------------------------------------
 */

struct create_job {
    struct user_record user;
    const uint8_t *code;
    int64_t now_ns;
};

static void invite_read(struct sqlite_query *q, void *to)
{
    struct invite_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->role = role_from(q, 0);
    ret->expires_ns = sqlite_query_get_int(q, 1);
    sqlite_query_get_text(q, 2, ret->created_by, sizeof(ret->created_by));
}

static const struct sqlite_row invite_row = {sizeof(struct invite_record), invite_read};

static enum sg_err use_invite(struct sqlite_conn *c, const uint8_t *code, int64_t now_ns,
                              enum user_role *ret)
{
    struct sqlite_query q;
    struct invite_record invite;
    sqlite_query_begin(&q, c, SG_SQL_INVITE_GET);
    sqlite_query_blob(&q, code, SG_DIGEST_SIZE);
    enum sg_err err = sqlite_query_one(&q, &invite_row, &invite);
    if (err == SG_ERR_NOT_FOUND || (!err && invite.expires_ns <= now_ns))
        err = SG_ERR_BAD_CODE;
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_INVITE_DELETE);
    sqlite_query_blob(&q, code, SG_DIGEST_SIZE);
    err = sqlite_query_run(&q);
    if (!err)
        *ret = invite.role;
    return err;
}

static enum sg_err create_run(struct sqlite_conn *c, void *ctx)
{
    struct create_job *job = ctx;
    struct user_record *user = &job->user;
    struct user_record other;
    enum sg_err err = SG_OK;
    /* The code first: who has none does not learn which names exist. */
    if (job->code)
        err = use_invite(c, job->code, job->now_ns, &user->role);
    if (err)
        return err;
    err = user_by_name(c, user->name, &other);
    if (err != SG_ERR_NOT_FOUND)
        return err ? err : SG_ERR_NAME_TAKEN;

    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_USER_INSERT);
    sqlite_query_text(&q, user->name);
    sqlite_query_int(&q, user->role);
    sqlite_query_int(&q, user->disabled);
    sqlite_query_text(&q, user->password_hash);
    sqlite_query_int(&q, user->created_ns);
    err = sqlite_query_run(&q);
    if (err)
        return err;
    user->id = sqlite3_last_insert_rowid(c->db);
    return sqlite_spaces_add_own(c, user->name, user->id, user->created_ns);
}

static enum sg_err users_create(void *self, struct user_record *user, const uint8_t *code_sha256,
                                int64_t now_ns)
{
    struct create_job job = {.user = *user, .code = code_sha256, .now_ns = now_ns};
    enum sg_err err = sqlite_write(self, create_run, &job);
    if (!err)
        *user = job.user;
    return err;
}

/* -- reading ------------------------------------------------------------------------------------
 */

static enum sg_err users_get_by_name(void *self, const char *name, struct user_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_USER_BY_NAME);
    sqlite_query_text(&q, name);
    return sqlite_query_one(&q, &user_row, ret);
}

static enum sg_err users_get_by_id(void *self, int64_t id, struct user_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_USER_BY_ID);
    sqlite_query_int(&q, id);
    return sqlite_query_one(&q, &user_row, ret);
}

static enum sg_err users_list(void *self, const char *after, size_t limit, struct user_record *ret,
                              size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_USER_LIST);
    sqlite_query_text(&q, after);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &user_row, limit, ret, ret_count);
}

static enum sg_err users_count(void *self, size_t *ret_users, size_t *ret_enabled_admins)
{
    struct sqlite_query q;
    int64_t n[2];
    sqlite_query_open(&q, self, SG_SQL_USER_COUNTS);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (err)
        return err;
    *ret_users = (size_t)n[0];
    *ret_enabled_admins = (size_t)n[1];
    return SG_OK;
}

/* -- changing -----------------------------------------------------------------------------------
 */

struct update_job {
    const char *name;
    const enum user_role *role;
    const bool *disabled;
    struct user_record user;
};

static enum sg_err update_run(struct sqlite_conn *c, void *ctx)
{
    struct update_job *job = ctx;
    struct user_record before;
    enum sg_err err = user_by_name(c, job->name, &before);
    if (err)
        return err;
    job->user = before;
    if (job->role)
        job->user.role = *job->role;
    if (job->disabled)
        job->user.disabled = *job->disabled;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_USER_UPDATE);
    sqlite_query_int(&q, job->user.role);
    sqlite_query_int(&q, job->user.disabled);
    sqlite_query_int(&q, before.id);
    err = sqlite_query_run(&q);
    if (!err)
        err = check_admins(c, &before);
    if (!err && job->user.disabled)
        err = end_sessions(c, before.id, NULL);
    /* Else who is no admin any more could come back as one. */
    if (!err && (job->user.disabled || job->user.role != SG_ROLE_ADMIN))
        err = delete_invites_by(c, before.name);
    return err;
}

static enum sg_err users_update(void *self, const char *name, const enum user_role *role,
                                const bool *disabled, struct user_record *ret)
{
    struct update_job job = {.name = name, .role = role, .disabled = disabled};
    enum sg_err err = sqlite_write(self, update_run, &job);
    if (!err)
        *ret = job.user;
    return err;
}

struct password_job {
    int64_t id;
    const char *hash;
    const uint8_t *keep;
};

static enum sg_err password_run(struct sqlite_conn *c, void *ctx)
{
    const struct password_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_USER_PASSWORD);
    sqlite_query_text(&q, job->hash);
    sqlite_query_int(&q, job->id);
    enum sg_err err = sqlite_query_change(&q, SG_ERR_NOT_FOUND);
    return err ? err : end_sessions(c, job->id, job->keep);
}

static enum sg_err users_set_password(void *self, int64_t id, const char *hash,
                                      const uint8_t *keep_session)
{
    struct password_job job = {.id = id, .hash = hash, .keep = keep_session};
    return sqlite_write(self, password_run, &job);
}

struct rehash_job {
    int64_t id;
    const char *old_hash, *hash;
};

static enum sg_err rehash_run(struct sqlite_conn *c, void *ctx)
{
    const struct rehash_job *job = ctx;
    struct user_record user;
    struct sqlite_query q;
    enum sg_err err = user_by_id(c, job->id, &user);
    if (err)
        return err == SG_ERR_NOT_FOUND ? SG_ERR_CONFLICT : err;
    if (strcmp(user.password_hash, job->old_hash) != 0)
        return SG_ERR_CONFLICT;
    sqlite_query_begin(&q, c, SG_SQL_USER_PASSWORD);
    sqlite_query_text(&q, job->hash);
    sqlite_query_int(&q, job->id);
    return sqlite_query_run(&q);
}

static enum sg_err users_replace_hash(void *self, int64_t id, const char *old_hash,
                                      const char *hash)
{
    struct rehash_job job = {.id = id, .old_hash = old_hash, .hash = hash};
    return sqlite_write(self, rehash_run, &job);
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const char *name = ctx;
    struct user_record user;
    enum sg_err err = user_by_name(c, name, &user);
    if (!err)
        err = sqlite_members_remove_user(c, user.id, user.name);
    if (!err)
        err = delete_invites_by(c, user.name);
    if (err)
        return err;
    err = sqlite_query_run_int(c, SG_SQL_USER_DELETE, user.id); /* sessions, addresses cascade */
    return err ? err : check_admins(c, &user);
}

static enum sg_err users_remove(void *self, const char *name)
{
    char copy[SG_USER_NAME_SIZE];
    int len = snprintf(copy, sizeof(copy), "%s", name);
    if (len < 0 || (size_t)len >= sizeof(copy))
        return SG_ERR_NOT_FOUND;
    return sqlite_write(self, remove_run, copy);
}

/* -- invites ------------------------------------------------------------------------------------
 */

static enum sg_err add_invite_run(struct sqlite_conn *c, void *ctx)
{
    const struct invite_record *invite = ctx;
    struct user_record creator;
    enum sg_err err;
    if (invite->created_by[0] == '\0') { /* there is one setup code at most */
        err = delete_invites_by(c, "");
    } else {
        err = user_by_name(c, invite->created_by, &creator);
        if (err == SG_ERR_NOT_FOUND ||
            (!err && (creator.disabled || creator.role != SG_ROLE_ADMIN)))
            err = SG_ERR_FORBIDDEN;
    }
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_INVITE_INSERT);
    sqlite_query_blob(&q, invite->code_sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, invite->role);
    sqlite_query_text(&q, invite->created_by);
    sqlite_query_int(&q, invite->expires_ns);
    return sqlite_query_run(&q);
}

static enum sg_err users_add_invite(void *self, const struct invite_record *invite)
{
    struct invite_record copy = *invite;
    return sqlite_write(self, add_invite_run, &copy);
}

static enum sg_err users_has_invite(void *self, const uint8_t *code_sha256, bool *ret)
{
    struct sqlite_query q;
    struct invite_record invite;
    sqlite_query_open(&q, self, SG_SQL_INVITE_GET);
    sqlite_query_blob(&q, code_sha256, SG_DIGEST_SIZE);
    enum sg_err err = sqlite_query_one(&q, &invite_row, &invite);
    if (err && err != SG_ERR_NOT_FOUND)
        return err;
    *ret = !err && invite.created_by[0] == '\0';
    return SG_OK;
}

struct prune_job {
    int64_t now_ns;
    bool setup_too;
};

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    const struct prune_job *job = ctx;
    enum sg_err err = sqlite_query_run_int(c, SG_SQL_INVITE_PRUNE, job->now_ns);
    if (!err && job->setup_too)
        err = delete_invites_by(c, "");
    return err;
}

static enum sg_err users_prune_invites(void *self, int64_t now_ns, bool setup_too)
{
    struct prune_job job = {.now_ns = now_ns, .setup_too = setup_too};
    return sqlite_write(self, prune_run, &job);
}

const struct users_vtable sqlite_users_vtable = {
    .create = users_create,
    .get_by_name = users_get_by_name,
    .get_by_id = users_get_by_id,
    .list = users_list,
    .update = users_update,
    .set_password = users_set_password,
    .remove = users_remove,
    .count = users_count,
    .add_invite = users_add_invite,
    .has_invite = users_has_invite,
    .prune_invites = users_prune_invites,
    .replace_hash = users_replace_hash,
};
