/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spaces and file trees in SQLite: rows keyed by (space, path), every directory a row but the root.
 * It never touches content. Checks stand in this order: the tree (what is there, parents), then the
 * conditions (RFC 9110 section 13.2.1: they only count when the request would succeed without
 * them).
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const uint8_t no_digest[SG_DIGEST_SIZE];

/* -- spaces -------------------------------------------------------------------------------------
 */

static void space_from_row(struct sqlite_query *q, struct space_record *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->id = sqlite_query_get_int(q, 0);
    sqlite_query_get_text(q, 1, ret->name, sizeof(ret->name));
    ret->owner_id = sqlite_query_get_int(q, 2);
}

static enum sg_err files_space_get(void *self, const char *name, struct space_record *ret)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    struct sqlite_query q;
    struct space_record space;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_BY_NAME);
    sqlite_query_text(&q, name);
    err = sqlite_query_step(&q, &row);
    if (!err && row)
        space_from_row(&q, &space);
    err = sqlite_query_end(&q);
    sqlite_conn_release(self, c);
    if (err)
        return err;
    if (!row)
        return SG_ERR_NOT_FOUND;
    *ret = space;
    return SG_OK;
}

static enum sg_err files_space_list(void *self, int64_t user_id, size_t limit,
                                    struct space_record *ret, size_t *ret_count)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    struct sqlite_query q;
    size_t count = 0;
    bool row = true;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_LIST);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    while (!err && row && count < limit) {
        err = sqlite_query_step(&q, &row);
        if (!err && row)
            space_from_row(&q, &ret[count++]);
    }
    err = sqlite_query_end(&q);
    sqlite_conn_release(self, c);
    if (!err)
        *ret_count = count;
    return err;
}

static enum sg_err space_exists(struct sqlite_conn *c, int64_t id)
{
    struct sqlite_query q;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_BY_ID);
    sqlite_query_int(&q, id);
    enum sg_err err = sqlite_query_step(&q, &row);
    err = sqlite_query_end(&q);
    return err ? err : row ? SG_OK : SG_ERR_NOT_FOUND;
}

enum sg_err sqlite_files_space_add(struct sqlite_conn *c, const char *name, int64_t owner_id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_INSERT);
    sqlite_query_text(&q, name);
    sqlite_query_int(&q, owner_id);
    return sqlite_query_run(&q);
}

enum sg_err sqlite_files_space_remove(struct sqlite_conn *c, int64_t owner_id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_CLEAR);
    sqlite_query_int(&q, owner_id);
    enum sg_err err = sqlite_query_run(&q);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_DELETE);
    sqlite_query_int(&q, owner_id);
    return sqlite_query_run(&q);
}

/* -- entries ------------------------------------------------------------------------------------
 */

/* The root is a directory without a row, in every space that is there. */
static enum sg_err entry_get(struct sqlite_conn *c, int64_t space_id, const char *path, size_t len,
                             struct arena *arena, struct entry_record *ret)
{
    if (len == 0) {
        enum sg_err err = space_exists(c, space_id);
        if (err)
            return err;
        memset(ret, 0, sizeof(*ret));
        ret->type = SG_ENTRY_DIRECTORY;
        ret->path = arena ? arena_strdup(arena, "") : NULL;
        return arena && !ret->path ? SG_ERR_NO_MEMORY : SG_OK;
    }
    struct sqlite_query q;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_GET);
    sqlite_query_int(&q, space_id);
    sqlite_query_text_n(&q, path, len);
    enum sg_err err = sqlite_query_step(&q, &row);
    if (!err && row)
        sqlite_list_row(&q, arena, ret);
    err = sqlite_query_end(&q);
    return err ? err : row ? SG_OK : SG_ERR_NOT_FOUND;
}

static enum sg_err files_get(void *self, int64_t space_id, const char *path, struct arena *arena,
                             struct entry_record *ret)
{
    struct sqlite_conn *c = NULL;
    struct entry_record entry;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = entry_get(c, space_id, path, strlen(path), arena, &entry);
    sqlite_conn_release(self, c);
    if (!err)
        *ret = entry;
    return err;
}

/* Length of the parent's path; 0: the root. */
static size_t parent_len(const char *path, size_t len)
{
    while (len > 0 && path[len - 1] != '/')
        len--;
    return len > 0 ? len - 1 : 0;
}

static enum sg_err entry_insert(struct sqlite_conn *c, int64_t space_id,
                                const struct entry_record *entry, size_t len, enum entry_type type)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_INSERT);
    sqlite_query_int(&q, space_id);
    sqlite_query_text_n(&q, entry->path, len);
    sqlite_query_text_n(&q, entry->path, parent_len(entry->path, len));
    sqlite_query_int(&q, type);
    sqlite_query_int(&q, type == SG_ENTRY_FILE ? (int64_t)entry->size : 0);
    if (type == SG_ENTRY_FILE)
        sqlite_query_blob(&q, entry->sha256, SG_DIGEST_SIZE);
    else
        sqlite_query_null(&q);
    sqlite_query_int(&q, entry->modified_ns);
    sqlite_query_int(&q, type == SG_ENTRY_FILE ? 1 : 0);
    sqlite_query_text(&q, entry->owner);
    sqlite_query_text(&q, type == SG_ENTRY_FILE ? entry->media_type : "");
    return sqlite_query_run(&q);
}

/* Makes the directories above path[0..len), from the deepest that is missing upwards. */
static enum sg_err make_parents(struct sqlite_conn *c, int64_t space_id,
                                const struct entry_record *entry)
{
    size_t len = parent_len(entry->path, strlen(entry->path));
    enum sg_err err = space_exists(c, space_id);
    while (!err && len > 0) {
        struct entry_record above;
        err = entry_get(c, space_id, entry->path, len, NULL, &above);
        if (!err)
            return above.type == SG_ENTRY_DIRECTORY ? SG_OK : SG_ERR_NOT_DIRECTORY;
        if (err != SG_ERR_NOT_FOUND)
            return err;
        err = entry_insert(c, space_id, entry, len, SG_ENTRY_DIRECTORY);
        if (err)
            return err;
        len = parent_len(entry->path, len);
    }
    return err;
}

/* `current` NULL: nothing is there. */
static enum sg_err check_condition(const struct entry_condition *condition,
                                   const struct entry_record *current)
{
    if (!condition)
        return SG_OK;
    if (condition->must_not_exist && current)
        return SG_ERR_PRECONDITION;
    if (condition->must_exist && !current)
        return SG_ERR_PRECONDITION;
    if (condition->match_count == 0)
        return SG_OK;
    if (!current || current->type != SG_ENTRY_FILE)
        return SG_ERR_PRECONDITION;
    for (size_t i = 0; i < condition->match_count; i++)
        if (memcmp(condition->match[i], current->sha256, SG_DIGEST_SIZE) == 0)
            return SG_OK;
    return SG_ERR_PRECONDITION;
}

struct put_job {
    int64_t space_id;
    struct entry_record entry;
    const struct entry_condition *condition;
    const struct space_actor *actor;
    bool created;
    uint8_t old_sha256[SG_DIGEST_SIZE];
};

static enum sg_err replace(struct sqlite_conn *c, struct put_job *job,
                           const struct entry_record *current)
{
    struct entry_record *entry = &job->entry;
    entry->version = current->version + 1;
    memcpy(job->old_sha256, current->sha256, SG_DIGEST_SIZE);
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_UPDATE);
    sqlite_query_int(&q, (int64_t)entry->size);
    sqlite_query_blob(&q, entry->sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, entry->modified_ns);
    sqlite_query_int(&q, (int64_t)entry->version);
    sqlite_query_text(&q, entry->owner);
    sqlite_query_text(&q, entry->media_type);
    sqlite_query_int(&q, job->space_id);
    sqlite_query_text(&q, entry->path);
    return sqlite_query_run(&q);
}

static enum sg_err put_run(struct sqlite_conn *c, void *ctx)
{
    struct put_job *job = ctx;
    struct entry_record current;
    const char *path = job->entry.path;
    enum sg_err err = entry_get(c, job->space_id, path, strlen(path), NULL, &current);
    if (!err && current.type == SG_ENTRY_DIRECTORY)
        return SG_ERR_IS_DIRECTORY;
    if (!err) {
        err = check_condition(job->condition, &current);
        return err ? err : replace(c, job, &current);
    }
    if (err != SG_ERR_NOT_FOUND)
        return err;
    err = make_parents(c, job->space_id, &job->entry);
    if (!err)
        err = check_condition(job->condition, NULL);
    if (!err)
        err = entry_insert(c, job->space_id, &job->entry, strlen(path), SG_ENTRY_FILE);
    job->created = true;
    job->entry.version = 1;
    return err;
}

static enum sg_err files_put(void *self, int64_t space_id, struct entry_record *entry,
                             const struct entry_condition *condition,
                             const struct space_actor *actor, bool *ret_created,
                             uint8_t ret_old_sha256[SG_DIGEST_SIZE])
{
    struct put_job job = {
        .space_id = space_id, .entry = *entry, .condition = condition, .actor = actor};
    if (entry->size > INT64_MAX)
        return SG_ERR_TOO_LARGE;
    enum sg_err err = sqlite_write(self, put_run, &job);
    if (err)
        return err;
    entry->type = SG_ENTRY_FILE;
    entry->version = job.entry.version;
    *ret_created = job.created;
    memcpy(ret_old_sha256, job.created ? no_digest : job.old_sha256, SG_DIGEST_SIZE);
    return SG_OK;
}

static enum sg_err mkdir_run(struct sqlite_conn *c, void *ctx)
{
    struct put_job *job = ctx;
    struct entry_record current;
    const char *path = job->entry.path;
    enum sg_err err = entry_get(c, job->space_id, path, strlen(path), NULL, &current);
    if (!err && current.type == SG_ENTRY_FILE)
        return SG_ERR_CONFLICT;
    if (!err) {
        current.path = job->entry.path;
        job->entry = current;
        return check_condition(job->condition, &current);
    }
    if (err != SG_ERR_NOT_FOUND)
        return err;
    err = make_parents(c, job->space_id, &job->entry);
    if (!err)
        err = check_condition(job->condition, NULL);
    if (!err)
        err = entry_insert(c, job->space_id, &job->entry, strlen(path), SG_ENTRY_DIRECTORY);
    job->created = true;
    return err;
}

static enum sg_err files_mkdir(void *self, int64_t space_id, struct entry_record *entry,
                               const struct entry_condition *condition, bool *ret_created)
{
    struct put_job job = {.space_id = space_id, .entry = *entry, .condition = condition};
    job.entry.type = SG_ENTRY_DIRECTORY;
    job.entry.size = 0;
    job.entry.version = 0;
    job.entry.media_type[0] = '\0';
    memset(job.entry.sha256, 0, SG_DIGEST_SIZE);
    enum sg_err err = sqlite_write(self, mkdir_run, &job);
    if (err)
        return err;
    *entry = job.entry;
    *ret_created = job.created;
    return SG_OK;
}

/* -- removal ------------------------------------------------------------------------------------
 */

struct remove_job {
    int64_t space_id;
    const char *path;
    bool recursive;
    const struct entry_condition *condition;
    const struct space_actor *actor;
};

static enum sg_err has_child(struct sqlite_conn *c, int64_t space_id, const char *dir, bool *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_HAS_CHILD);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, dir);
    enum sg_err err = sqlite_query_step(&q, ret);
    (void)err; /* kept by the query */
    return sqlite_query_end(&q);
}

/* Everything below a directory is one range: from "dir/" to before "dir0", for '0' follows '/'. */
static enum sg_err remove_below(struct sqlite_conn *c, int64_t space_id, const char *dir)
{
    char low[SG_PATH_SIZE + 1], high[SG_PATH_SIZE + 1];
    int len = snprintf(low, sizeof(low), "%s/", dir);
    if (len < 0 || (size_t)len >= sizeof(low))
        return SG_ERR_NOT_FOUND;
    (void)snprintf(high, sizeof(high), "%s0", dir);
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_DELETE_BELOW);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, low);
    sqlite_query_text(&q, high);
    return sqlite_query_run(&q);
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct remove_job *job = ctx;
    struct entry_record current;
    bool child = false;
    size_t len = strlen(job->path);
    enum sg_err err = entry_get(c, job->space_id, job->path, len, NULL, &current);
    if (!err && len == 0)
        err = SG_ERR_CONFLICT; /* the root stays */
    if (!err && current.type == SG_ENTRY_DIRECTORY)
        err = has_child(c, job->space_id, job->path, &child);
    if (!err && child && !job->recursive)
        err = SG_ERR_NOT_EMPTY;
    if (!err)
        err = check_condition(job->condition, &current);
    if (!err && child)
        err = remove_below(c, job->space_id, job->path);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_DELETE);
    sqlite_query_int(&q, job->space_id);
    sqlite_query_text(&q, job->path);
    return sqlite_query_run(&q);
}

static enum sg_err files_remove(void *self, int64_t space_id, const char *path, bool recursive,
                                const struct entry_condition *condition,
                                const struct space_actor *actor)
{
    struct remove_job job = {.space_id = space_id,
                             .path = path,
                             .recursive = recursive,
                             .condition = condition,
                             .actor = actor};
    return sqlite_write(self, remove_run, &job);
}

/* -- listing ------------------------------------------------------------------------------------
 */

static enum sg_err files_list(void *self, const struct entry_query *query, struct arena *arena,
                              struct entry_record *ret, size_t *ret_count, bool *ret_more)
{
    struct sqlite_conn *c = NULL;
    size_t count = 0;
    bool more = false;
    assert(query->limit > 0);
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_list_page(c, query, arena, ret, &count, &more);
    if (!err && count == 0) { /* rows prove the directory; without them it is looked up */
        struct entry_record dir;
        err = entry_get(c, query->space_id, query->dir, strlen(query->dir), NULL, &dir);
        if (!err && dir.type != SG_ENTRY_DIRECTORY)
            err = SG_ERR_NOT_DIRECTORY;
    }
    sqlite_conn_release(self, c);
    if (err)
        return err;
    *ret_count = count;
    *ret_more = more;
    return SG_OK;
}

static enum sg_err files_blob_used(void *self, const uint8_t *sha256, bool *ret)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    struct sqlite_query q;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_BLOB_USED);
    sqlite_query_blob(&q, sha256, SG_DIGEST_SIZE);
    err = sqlite_query_step(&q, &row);
    err = sqlite_query_end(&q);
    sqlite_conn_release(self, c);
    if (!err)
        *ret = row;
    return err;
}

const struct files_vtable sqlite_files_vtable = {
    .space_get = files_space_get,
    .space_list = files_space_list,
    .get = files_get,
    .put = files_put,
    .mkdir = files_mkdir,
    .remove = files_remove,
    .list = files_list,
    .blob_used = files_blob_used,
};
