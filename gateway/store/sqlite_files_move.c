/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving of files and directories in SQLite, within a space and across spaces: rows get another
 * key, all in one write. It never touches content.
 */
#include "store/sqlite_internal.h"

#include <string.h>

/* Whatever the name of its space, a path must be one that can be asked for. */
#define SG_MOVED_PATH_MAX (SG_PATH_SIZE - 1 - SG_SPACE_NAME_SIZE)

struct move_job {
    int64_t from_id, to_id;
    const char *from, *to;
    bool overwrite;
    const struct entry_condition *condition;
    const struct space_actor *actor;
    struct entry_record entry; /* what is moved; path NULL */
    uint8_t old_sha256[SG_DIGEST_SIZE];
};

static size_t slashes(const char *path)
{
    size_t count = 0;
    for (; *path; path++)
        count += *path == '/';
    return count;
}

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* What is at the new place: nothing, or a file that may be replaced. Settles the version. */
static enum sg_err clear_target(struct sqlite_conn *c, struct move_job *job)
{
    struct entry_record *entry = &job->entry, there;
    uint64_t version = 0;
    enum sg_err err = sqlite_files_entry(c, job->to_id, job->to, strlen(job->to), NULL, &there);
    if (err == SG_ERR_NOT_FOUND) {
        if (entry->type == SG_ENTRY_DIRECTORY)
            return SG_OK;
        err = sqlite_files_free_version(c, job->to_id, job->to, &version);
        if (!err && version > entry->version)
            entry->version = version;
        return err;
    }
    if (err)
        return err;
    if (!job->overwrite || there.type != SG_ENTRY_FILE || entry->type != SG_ENTRY_FILE)
        return SG_ERR_CONFLICT;
    memcpy(job->old_sha256, there.sha256, sizeof(job->old_sha256));
    entry->version = there.version + 1;
    return sqlite_files_delete(c, job->to_id, job->to);
}

/* Directories on the way to the new place belong to who moves. */
static enum sg_err make_parents(struct sqlite_conn *c, struct move_job *job, char *path)
{
    struct entry_record maker = {.path = path, .modified_ns = job->actor->now_ns};
    size_t len = strlen(job->actor->name);
    if (len >= sizeof(maker.owner))
        return SG_ERR_BAD_FIELD;
    memcpy(maker.owner, job->actor->name, len);
    return sqlite_files_make_parents(c, job->to_id, &maker);
}

/* BAD_PATH when something below the directory would be too deep or have too long a path. */
static enum sg_err check_below(struct sqlite_conn *c, const struct move_job *job,
                               const struct sqlite_files_bounds *below)
{
    struct sqlite_query q;
    int64_t n[2]; /* the longest path, the most segments */
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_BELOW_SIZE);
    sqlite_query_int(&q, job->from_id);
    sqlite_query_text(&q, below->low);
    sqlite_query_text(&q, below->high);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (err || n[0] == 0)
        return err;
    size_t longest = (size_t)n[0] - strlen(job->from) + strlen(job->to);
    size_t deepest = (size_t)n[1] - slashes(job->from) + slashes(job->to);
    return longest > SG_MOVED_PATH_MAX || deepest >= SG_PATH_SEGMENTS ? SG_ERR_BAD_PATH : SG_OK;
}

static enum sg_err move_below(struct sqlite_conn *c, const struct move_job *job)
{
    struct sqlite_files_bounds below;
    enum sg_err err = sqlite_files_below(job->from, &below);
    if (!err)
        err = check_below(c, job, &below);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_MOVE_BELOW);
    sqlite_query_int(&q, job->from_id);
    sqlite_query_text(&q, below.low);
    sqlite_query_text(&q, below.high);
    sqlite_query_text(&q, job->from);
    sqlite_query_text(&q, job->to);
    sqlite_query_int(&q, job->to_id);
    return sqlite_query_run(&q);
}

static enum sg_err move_one(struct sqlite_conn *c, const struct move_job *job)
{
    const char *slash = strrchr(job->to, '/');
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_MOVE);
    sqlite_query_int(&q, job->to_id);
    sqlite_query_text(&q, job->to);
    sqlite_query_text_n(&q, job->to, slash ? (size_t)(slash - job->to) : 0);
    sqlite_query_int(&q, (int64_t)job->entry.version);
    sqlite_query_int(&q, job->from_id);
    sqlite_query_text(&q, job->from);
    return sqlite_query_run(&q);
}

static enum sg_err enter_events(struct sqlite_conn *c, const struct move_job *job,
                                const struct entry_record *before)
{
    if (job->from_id == job->to_id)
        return sqlite_files_event(c, job->to_id, SG_EVENT_FILE_MOVED, job->to, &job->entry,
                                  job->from, job->actor);
    enum event_type arrival =
        before->type == SG_ENTRY_FILE ? SG_EVENT_FILE_STORED : SG_EVENT_FILE_MOVED;
    enum sg_err err = sqlite_files_event(c, job->from_id, SG_EVENT_FILE_DELETED, job->from, before,
                                         NULL, job->actor);
    return err ? err
               : sqlite_files_event(c, job->to_id, arrival, job->to, &job->entry, NULL, job->actor);
}

static enum sg_err move_run(struct sqlite_conn *c, void *ctx)
{
    struct move_job *job = ctx;
    char parents[SG_PATH_SIZE];
    struct entry_record before;
    bool same = job->from_id == job->to_id;
    enum sg_err err =
        sqlite_files_entry(c, job->from_id, job->from, strlen(job->from), NULL, &before);
    if (!err && (job->from[0] == '\0' || job->to[0] == '\0')) /* roots stay */
        err = SG_ERR_CONFLICT;
    if (!err && same &&
        (strcmp(job->from, job->to) == 0 ||
         (before.type == SG_ENTRY_DIRECTORY && is_below(job->to, job->from))))
        err = SG_ERR_CONFLICT;
    if (err)
        return err;
    job->entry = before;
    memcpy(parents, job->to, strlen(job->to) + 1);
    err = make_parents(c, job, parents);
    if (!err)
        err = clear_target(c, job);
    if (!err)
        err = sqlite_files_check(job->condition, &before);
    if (!err && before.type == SG_ENTRY_DIRECTORY)
        err = move_below(c, job);
    if (!err)
        err = move_one(c, job);
    return err ? err : enter_events(c, job, &before);
}

enum sg_err sqlite_files_move(void *self, int64_t from_space_id, const char *from_path,
                              int64_t to_space_id, const char *to_path, bool overwrite,
                              const struct entry_condition *condition,
                              const struct space_actor *actor, struct arena *arena,
                              struct entry_record *ret, uint8_t ret_old_sha256[SG_DIGEST_SIZE])
{
    struct move_job job = {.from_id = from_space_id,
                           .to_id = to_space_id,
                           .from = from_path,
                           .to = to_path,
                           .overwrite = overwrite,
                           .condition = condition,
                           .actor = actor};
    if (strlen(to_path) >= SG_PATH_SIZE)
        return SG_ERR_BAD_PATH;
    char *path = arena_strdup(arena, to_path); /* nothing may fail after the commit */
    if (!path)
        return SG_ERR_NO_MEMORY;
    enum sg_err err = sqlite_write(self, move_run, &job);
    if (err)
        return err;
    *ret = job.entry;
    ret->path = path;
    memcpy(ret_old_sha256, job.old_sha256, SG_DIGEST_SIZE);
    return SG_OK;
}
