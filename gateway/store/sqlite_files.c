/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File trees in SQLite: rows keyed by (space, path), every directory a row but the root.
 * It never touches content. Checks stand in this order: the tree (what is there, parents), then the
 * conditions (RFC 9110 section 13.2.1: they only count when the request would succeed without
 * them).
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const uint8_t no_digest[SG_DIGEST_SIZE];

/* -- entries ------------------------------------------------------------------------------------
 */

/* The root is a directory without a row, in every space that is there. */
enum sg_err sqlite_files_entry(struct sqlite_conn *c, int64_t space_id, const char *path,
                               size_t len, struct arena *arena, struct entry_record *ret)
{
    if (len == 0) {
        enum space_kind kind;
        enum sg_err err = sqlite_spaces_kind(c, space_id, &kind);
        if (err)
            return err;
        char *root = arena ? arena_strdup(arena, "") : NULL;
        if (arena && !root)
            return SG_ERR_NO_MEMORY;
        *ret = (struct entry_record){.path = root, .type = SG_ENTRY_DIRECTORY};
        return SG_OK;
    }
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_GET);
    sqlite_query_int(&q, space_id);
    sqlite_query_text_n(&q, path, len);
    q.arena = arena;
    return sqlite_query_one(&q, &sqlite_entry_row, ret);
}

static enum sg_err files_get(void *self, int64_t space_id, const char *path, struct arena *arena,
                             struct entry_record *ret)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_files_entry(c, space_id, path, strlen(path), arena, ret);
    sqlite_conn_release(self, c);
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
    sqlite_query_blob(&q, type == SG_ENTRY_FILE ? entry->sha256 : NULL, SG_DIGEST_SIZE);
    sqlite_query_int(&q, entry->modified_ns);
    sqlite_query_int(&q, type == SG_ENTRY_FILE ? (int64_t)entry->version : 0);
    sqlite_query_text(&q, entry->owner);
    sqlite_query_text(&q, type == SG_ENTRY_FILE ? entry->media_type : "");
    return sqlite_query_run(&q);
}

/* Makes the directories above path[0..len), from the deepest that is missing upwards. */
enum sg_err sqlite_files_make_parents(struct sqlite_conn *c, int64_t space_id,
                                      const struct entry_record *entry)
{
    size_t len = parent_len(entry->path, strlen(entry->path));
    enum space_kind kind;
    enum sg_err err = sqlite_spaces_kind(c, space_id, &kind);
    while (!err && len > 0) {
        struct entry_record above;
        err = sqlite_files_entry(c, space_id, entry->path, len, NULL, &above);
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
enum sg_err sqlite_files_check(const struct entry_condition *condition,
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

enum sg_err sqlite_files_free_version(struct sqlite_conn *c, int64_t space_id, const char *path,
                                      uint64_t *ret)
{
    struct sqlite_query q;
    int64_t linked = 0;
    sqlite_query_begin(&q, c, SG_SQL_LINK_VERSION);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, path);
    enum sg_err err = sqlite_query_numbers(&q, 1, &linked);
    if (!err)
        *ret = (uint64_t)linked + 1;
    return err;
}

enum sg_err sqlite_files_event(struct sqlite_conn *c, int64_t space_id, enum event_type type,
                               const char *path, const struct entry_record *entry,
                               const char *from_path, const struct space_actor *actor)
{
    struct event_file file = {.path = path,
                              .version = entry->version,
                              .size = entry->size,
                              .media_type = entry->media_type};
    struct event_draft draft = {.type = type,
                                .files = &file,
                                .file_count = 1,
                                .from_path = from_path,
                                .directory = entry->type == SG_ENTRY_DIRECTORY};
    memcpy(file.sha256, entry->sha256, sizeof(file.sha256));
    return sqlite_spaces_event(c, space_id, actor, &draft);
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

static enum sg_err put_new(struct sqlite_conn *c, struct put_job *job)
{
    struct entry_record *entry = &job->entry;
    enum sg_err err = sqlite_files_make_parents(c, job->space_id, entry);
    if (!err)
        err = sqlite_files_check(job->condition, NULL);
    if (!err)
        err = sqlite_files_free_version(c, job->space_id, entry->path, &entry->version);
    if (!err)
        err = entry_insert(c, job->space_id, entry, strlen(entry->path), SG_ENTRY_FILE);
    job->created = true;
    return err;
}

static enum sg_err put_run(struct sqlite_conn *c, void *ctx)
{
    struct put_job *job = ctx;
    struct entry_record current;
    const char *path = job->entry.path;
    enum sg_err err = sqlite_files_entry(c, job->space_id, path, strlen(path), NULL, &current);
    if (!err && current.type == SG_ENTRY_DIRECTORY)
        return SG_ERR_IS_DIRECTORY;
    if (!err) {
        err = sqlite_files_check(job->condition, &current);
        if (!err)
            err = replace(c, job, &current);
    } else if (err == SG_ERR_NOT_FOUND) {
        err = put_new(c, job);
    }
    return err ? err
               : sqlite_files_event(c, job->space_id, SG_EVENT_FILE_STORED, path, &job->entry, NULL,
                                    job->actor);
}

static enum sg_err files_put(void *self, int64_t space_id, struct entry_record *entry,
                             const struct entry_condition *condition,
                             const struct space_actor *actor, bool *ret_created,
                             uint8_t ret_old_sha256[SG_DIGEST_SIZE])
{
    struct put_job job = {
        .space_id = space_id, .entry = *entry, .condition = condition, .actor = actor};
    job.entry.type = SG_ENTRY_FILE;
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
    enum sg_err err = sqlite_files_entry(c, job->space_id, path, strlen(path), NULL, &current);
    if (!err && current.type == SG_ENTRY_FILE)
        return SG_ERR_CONFLICT;
    if (!err) {
        current.path = job->entry.path;
        job->entry = current;
        return sqlite_files_check(job->condition, &current);
    }
    if (err != SG_ERR_NOT_FOUND)
        return err;
    err = sqlite_files_make_parents(c, job->space_id, &job->entry);
    if (!err)
        err = sqlite_files_check(job->condition, NULL);
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
    return sqlite_query_found(&q, ret);
}

/* One range: from "dir/" to before "dir0", for '0' follows '/'. */
enum sg_err sqlite_files_below(const char *dir, struct sqlite_files_bounds *ret)
{
    int len = snprintf(ret->low, sizeof(ret->low), "%s/", dir);
    if (len < 0 || (size_t)len >= sizeof(ret->low))
        return SG_ERR_NOT_FOUND;
    (void)snprintf(ret->high, sizeof(ret->high), "%s0", dir);
    return SG_OK;
}

static enum sg_err remove_below(struct sqlite_conn *c, int64_t space_id, const char *dir)
{
    struct sqlite_files_bounds below;
    enum sg_err err = sqlite_files_below(dir, &below);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_DELETE_BELOW);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, below.low);
    sqlite_query_text(&q, below.high);
    return sqlite_query_run(&q);
}

enum sg_err sqlite_files_delete(struct sqlite_conn *c, int64_t space_id, const char *path)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_ENTRY_DELETE);
    sqlite_query_int(&q, space_id);
    sqlite_query_text(&q, path);
    return sqlite_query_run(&q);
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct remove_job *job = ctx;
    struct entry_record current;
    bool child = false;
    size_t len = strlen(job->path);
    enum sg_err err = sqlite_files_entry(c, job->space_id, job->path, len, NULL, &current);
    if (!err && len == 0)
        err = SG_ERR_CONFLICT; /* the root stays */
    if (!err && current.type == SG_ENTRY_DIRECTORY)
        err = has_child(c, job->space_id, job->path, &child);
    if (!err && child && !job->recursive)
        err = SG_ERR_NOT_EMPTY;
    if (!err)
        err = sqlite_files_check(job->condition, &current);
    if (!err && child)
        err = remove_below(c, job->space_id, job->path);
    if (!err)
        err = sqlite_files_delete(c, job->space_id, job->path);
    return err ? err
               : sqlite_files_event(c, job->space_id, SG_EVENT_FILE_DELETED, job->path, &current,
                                    NULL, job->actor);
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
        err = sqlite_files_entry(c, query->space_id, query->dir, strlen(query->dir), NULL, &dir);
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
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_BLOB_USED);
    sqlite_query_blob(&q, sha256, SG_DIGEST_SIZE);
    return sqlite_query_found(&q, ret);
}

const struct files_vtable sqlite_files_vtable = {
    .get = files_get,
    .put = files_put,
    .mkdir = files_mkdir,
    .remove = files_remove,
    .move = sqlite_files_move,
    .list = files_list,
    .blob_used = files_blob_used,
};
