/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of spaces in SQLite: making, changing and removing them, and what users have read. What
 * members are to know enters an event in the same write. It decides no rights.
 */
#include "store/sqlite_internal.h"

#include <stdio.h>
#include <string.h>

/* -- making and removing, inside a write --------------------------------------------------------
 */

enum sg_err sqlite_spaces_event(struct sqlite_conn *c, int64_t space_id,
                                const struct space_actor *actor, struct event_draft *draft)
{
    enum sg_err err =
        sqlite_log_check(c->log, space_id, actor->user_id, actor->check, actor->check_ctx);
    draft->sender = actor->name;
    draft->sent_ns = actor->now_ns;
    return err ? err : sqlite_events_append(c, space_id, actor->user_id, draft);
}

static void kind_read(struct sqlite_query *q, void *to)
{
    *(enum space_kind *)to = (enum space_kind)sqlite_query_get_int(q, 0);
}

enum sg_err sqlite_spaces_kind(struct sqlite_conn *c, int64_t id, enum space_kind *ret)
{
    static const struct sqlite_row row = {sizeof(enum space_kind), kind_read};
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_KIND);
    sqlite_query_int(&q, id);
    return sqlite_query_one(&q, &row, ret);
}

/* `owner_id` and `peers` may be 0 and NULL. */
static enum sg_err space_insert(struct sqlite_conn *c, enum space_kind kind, const char *name,
                                int64_t owner_id, const int64_t *peers, const char *description,
                                int64_t now_ns, int64_t *ret_id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_INSERT);
    sqlite_query_text(&q, name);
    sqlite_query_int(&q, owner_id);
    sqlite_query_int(&q, kind);
    sqlite_query_int(&q, peers ? peers[0] : 0);
    sqlite_query_int(&q, peers ? peers[1] : 0);
    sqlite_query_text(&q, description);
    sqlite_query_int(&q, now_ns);
    enum sg_err err = sqlite_query_run(&q);
    if (!err)
        *ret_id = sqlite3_last_insert_rowid(c->db);
    return err;
}

enum sg_err sqlite_spaces_add_own(struct sqlite_conn *c, const char *user, int64_t user_id,
                                  int64_t now_ns)
{
    char name[SG_SPACE_NAME_SIZE];
    int64_t id;
    (void)snprintf(name, sizeof(name), "~%s", user);
    return space_insert(c, SG_SPACE_OWN, name, user_id, NULL, "", now_ns, &id);
}

enum sg_err sqlite_spaces_drop(struct sqlite_conn *c, int64_t id)
{
    /* What was read and the log's ends cascade. */
    static const enum sqlite_sql steps[] = {SG_SQL_SPACE_DROP, SG_SQL_SPACE_CLEAR_ENTRIES,
                                            SG_SQL_SPACE_CLEAR_MEMBERS, SG_SQL_SPACE_DELETE};
    enum sg_err err = SG_OK;
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
        err = sqlite_query_run_int(c, steps[i], id);
    return err;
}

/* -- the rest of dropped spaces -----------------------------------------------------------------
 */

static enum sg_err sweep_some(struct sqlite_conn *c, enum sqlite_sql id, int64_t space_id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_int(&q, space_id);
    sqlite_query_int(&q, SG_SQLITE_SWEEP_EVENTS);
    return sqlite_query_run(&q);
}

enum sg_err sqlite_spaces_dropped(struct sqlite_conn *c, int64_t *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_DROPPED);
    return sqlite_query_numbers(&q, 1, ret);
}

static enum sg_err sweep_run(struct sqlite_conn *c, void *ctx)
{
    bool *more = ctx;
    int64_t id = 0;
    enum sg_err err = sqlite_spaces_dropped(c, &id);
    *more = id != 0;
    if (err || id == 0)
        return err;
    err = sweep_some(c, SG_SQL_SPACE_DROP_LINKS, id); /* before the events that they belong to */
    if (!err)
        err = sweep_some(c, SG_SQL_SPACE_DROP_EVENTS, id);
    if (err || sqlite3_changes(c->db) == SG_SQLITE_SWEEP_EVENTS)
        return err;
    err = sqlite_query_run_int(c, SG_SQL_SPACE_DROP_END, id);
    id = 0;
    if (!err)
        err = sqlite_spaces_dropped(c, &id);
    *more = id != 0;
    return err;
}

void sqlite_spaces_sweep(void *self)
{
    struct sqlite_conn *c = NULL;
    int64_t id = 0;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return;
    err = sqlite_spaces_dropped(c, &id);
    sqlite_conn_release(self, c);
    for (bool more = id != 0; !err && more;)
        err = sqlite_write(self, sweep_run, &more);
}

/* -- changes ------------------------------------------------------------------------------------
 */

struct direct_job {
    int64_t user_id;
    const char *other;
    int64_t now_ns;
    struct space_record space;
};

static enum sg_err direct_run(struct sqlite_conn *c, void *ctx)
{
    struct direct_job *job = ctx;
    char name[64];
    enum sg_err err = sqlite_members_user_there(c, job->user_id);
    if (!err)
        err = sqlite_spaces_direct_find(c, job->user_id, job->other, &job->space);
    if (err || job->space.id != 0)
        return err;
    const int64_t *peers = job->space.peers;
    (void)snprintf(name, sizeof(name), "@%lld:%lld", (long long)peers[0], (long long)peers[1]);
    return space_insert(c, SG_SPACE_DIRECT, name, 0, peers, "", job->now_ns, &job->space.id);
}

enum sg_err sqlite_spaces_direct(void *self, int64_t user_id, const char *other, int64_t now_ns,
                                 struct space_record *ret)
{
    struct sqlite_conn *c = NULL;
    struct direct_job job = {.user_id = user_id, .other = other, .now_ns = now_ns};
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_spaces_direct_find(c, user_id, other, &job.space);
    sqlite_conn_release(self, c);
    if (!err && job.space.id == 0)
        err = sqlite_write(self, direct_run, &job);
    if (!err)
        *ret = job.space;
    return err;
}

struct change_job {
    int64_t id;
    const char *name, *description;
    const struct space_change *change;
    const struct space_actor *actor;
    struct space_info info;
};

static enum sg_err create_run(struct sqlite_conn *c, void *ctx)
{
    struct change_job *job = ctx;
    const struct space_actor *actor = job->actor;
    struct event_draft draft = {.type = SG_EVENT_SPACE_CREATED};
    struct space_record other;
    int64_t id = 0;
    enum sg_err err = sqlite_spaces_find(c, job->name, actor->user_id, &other);
    if (err != SG_ERR_NOT_FOUND)
        return err ? err : SG_ERR_NAME_TAKEN;
    err =
        space_insert(c, SG_SPACE_SHARED, job->name, 0, NULL, job->description, actor->now_ns, &id);
    if (!err)
        err = sqlite_members_add(c, id, actor->user_id, SG_SPACE_OWNER, actor->now_ns);
    if (!err)
        err = sqlite_spaces_event(c, id, actor, &draft);
    return err ? err : sqlite_spaces_info_find(c, id, actor->user_id, &job->info);
}

enum sg_err sqlite_spaces_create(void *self, const char *name, const char *description,
                                 const struct space_actor *actor, struct space_info *ret)
{
    struct change_job job = {.name = name, .description = description, .actor = actor};
    enum sg_err err = sqlite_write(self, create_run, &job);
    if (!err)
        *ret = job.info;
    return err;
}

static bool changes(const struct space_change *change, const struct space_info *info)
{
    return (change->description && strcmp(change->description, info->description) != 0) ||
           (change->retention_s && *change->retention_s != info->retention_s) ||
           (change->retention_count && *change->retention_count != info->retention_count);
}

static enum sg_err update_run(struct sqlite_conn *c, void *ctx)
{
    struct change_job *job = ctx;
    const struct space_change *change = job->change;
    struct space_info *info = &job->info;
    struct event_draft draft = {.type = SG_EVENT_SPACE_UPDATED};
    enum sg_err err = sqlite_spaces_info_find(c, job->id, job->actor->user_id, info);
    if (err || !changes(change, info))
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_UPDATE);
    sqlite_query_text(&q, change->description ? change->description : info->description);
    sqlite_query_int(&q, change->retention_s ? *change->retention_s : info->retention_s);
    sqlite_query_int(
        &q, (int64_t)(change->retention_count ? *change->retention_count : info->retention_count));
    sqlite_query_int(&q, job->id);
    err = sqlite_query_run(&q);
    if (!err)
        err = sqlite_spaces_event(c, job->id, job->actor, &draft);
    return err ? err : sqlite_spaces_info_find(c, job->id, job->actor->user_id, info);
}

enum sg_err sqlite_spaces_update(void *self, int64_t id, const struct space_change *change,
                                 const struct space_actor *actor, struct space_info *ret)
{
    struct change_job job = {.id = id, .change = change, .actor = actor};
    enum sg_err err = sqlite_write(self, update_run, &job);
    if (!err)
        *ret = job.info;
    return err;
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const int64_t *id = ctx;
    enum space_kind kind = SG_SPACE_SHARED;
    enum sg_err err = sqlite_spaces_kind(c, *id, &kind);
    if (!err && kind != SG_SPACE_SHARED)
        err = SG_ERR_FIXED_MEMBERS;
    return err ? err : sqlite_spaces_drop(c, *id);
}

enum sg_err sqlite_spaces_remove(void *self, int64_t id)
{
    return sqlite_write(self, remove_run, &id);
}

/* -- reading marks ------------------------------------------------------------------------------
 */

struct read_job {
    int64_t id, user_id;
    uint64_t seq;
};

static enum sg_err read_run(struct sqlite_conn *c, void *ctx)
{
    const struct read_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_READ);
    sqlite_query_int(&q, job->user_id);
    sqlite_query_int(&q, job->id);
    sqlite_query_int(&q, (int64_t)job->seq);
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
}

enum sg_err sqlite_spaces_read_set(void *self, int64_t id, int64_t user_id, uint64_t seq)
{
    struct read_job job = {.id = id, .user_id = user_id, .seq = seq};
    return seq > INT64_MAX ? SG_ERR_BAD_FIELD : sqlite_write(self, read_run, &job);
}
