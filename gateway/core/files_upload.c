/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads: early refusal, streaming into the blob store, publication. Order at commit: blob durable
 * and pinned, metadata committed, pin released, old blob collected; a crash in between leaves an
 * unreferenced blob, never a reference to nothing.
 */
#include "core/files_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/mediatype.h"

/* So many missing parents are looked at before an upload; deeper trees are checked at commit only.
 */
#define SG_EARLY_PARENTS 16
#define SG_EARLY_ARENA   131072

struct file_upload {
    struct files *files;
    struct space_record space; /* id 0: made at the commit */
    struct principal who;
    uint64_t generation; /* of roles under which `who` was allowed to */
    int64_t expected;    /* -1 unknown */
    uint64_t size;
    bool conditional;
    struct entry_condition condition;
    struct blob_writer *writer; /* NULL until the first byte */
    size_t sniffed;
    uint8_t sniff[SG_MEDIATYPE_SNIFF];
    char path[]; /* in the space */
};

static bool matches(const struct entry_condition *condition, const struct entry_record *current)
{
    if (condition->must_not_exist && current)
        return false;
    if (condition->must_exist && !current)
        return false;
    bool found = condition->match_count == 0;
    for (size_t i = 0; current && i < condition->match_count; i++)
        found |= memcmp(condition->match[i], current->sha256, SG_DIGEST_SIZE) == 0;
    return found;
}

/* The nearest directory above must be one. */
static enum sg_err check_parents(struct files *f, int64_t space_id, const char *path,
                                 struct arena *arena)
{
    char *above = arena_strdup(arena, path);
    if (!above)
        return SG_ERR_NO_MEMORY;
    for (unsigned i = 0; i < SG_EARLY_PARENTS; i++) {
        struct entry_record entry;
        char *slash = strrchr(above, '/');
        if (!slash)
            return SG_OK;
        *slash = '\0';
        enum sg_err err = f->store.vt->get(f->store.self, space_id, above, arena, &entry);
        if (!err)
            return entry.type == SG_ENTRY_DIRECTORY ? SG_OK : SG_ERR_NOT_DIRECTORY;
        if (err != SG_ERR_NOT_FOUND)
            return err;
    }
    return SG_OK;
}

/* What can be known before the body: the tree, then the conditions. */
static enum sg_err check_early(struct files *f, int64_t space_id, const char *path,
                               const struct entry_condition *condition)
{
    struct arena *arena = arena_new(SG_EARLY_ARENA);
    if (!arena)
        return SG_ERR_NO_MEMORY;
    struct entry_record current;
    enum sg_err err = f->store.vt->get(f->store.self, space_id, path, arena, &current);
    bool there = err == SG_OK;
    if (there && current.type == SG_ENTRY_DIRECTORY)
        err = SG_ERR_IS_DIRECTORY;
    else if (err == SG_ERR_NOT_FOUND)
        err = check_parents(f, space_id, path, arena);
    if (!err && condition && !matches(condition, there ? &current : NULL))
        err = SG_ERR_PRECONDITION;
    arena_free(arena);
    return err;
}

static enum sg_err check_size(struct files *f, int64_t expected)
{
    uint64_t left = 0, wanted = expected > 0 ? (uint64_t)expected : 0;
    if (wanted > f->config.max_file_bytes)
        return SG_ERR_TOO_LARGE;
    enum sg_err err = f->blobs.vt->space_left(f->blobs.self, &left);
    if (!err && (left == 0 || wanted > left))
        err = SG_ERR_NO_SPACE;
    return err;
}

enum sg_err files_upload_begin(struct files *f, const struct principal *who,
                               const struct path *path, int64_t expected,
                               const struct entry_condition *condition, struct file_upload **ret)
{
    struct space_record space;
    enum space_role role;
    uint64_t generation = spaces_generation(f->spaces);
    enum sg_err err = spaces_authorize(f->spaces, who, path->space, SG_SPACE_WRITER, &space, &role);
    if (err)
        return err;
    if (path->directory || path->rest[0] == '\0')
        return SG_ERR_IS_DIRECTORY;
    if (space.id != 0)
        err = check_early(f, space.id, path->rest, condition);
    else if (condition && !matches(condition, NULL))
        err = SG_ERR_PRECONDITION;
    if (!err)
        err = check_size(f, expected);
    if (err)
        return err;
    size_t len = strlen(path->rest);
    struct file_upload *u = calloc(1, sizeof(*u) + len + 1);
    if (!u)
        return SG_ERR_NO_MEMORY;
    u->files = f;
    u->space = space;
    u->expected = expected;
    u->who = *who;
    u->generation = generation;
    memcpy(u->path, path->rest, len);
    if (condition) {
        u->conditional = true;
        u->condition = *condition;
    }
    *ret = u;
    return SG_OK;
}

static enum sg_err open_writer(struct file_upload *u)
{
    const struct blobs_store *blobs = &u->files->blobs;
    return u->writer ? SG_OK : blobs->vt->start(blobs->self, u->expected, &u->writer);
}

enum sg_err files_upload_write(struct file_upload *u, const void *data, size_t len)
{
    const struct files *f = u->files;
    uint64_t size;
    if (__builtin_add_overflow(u->size, len, &size) || size > f->config.max_file_bytes)
        return SG_ERR_TOO_LARGE;
    enum sg_err err = open_writer(u);
    if (!err)
        err = f->blobs.vt->write(f->blobs.self, u->writer, data, len);
    if (err)
        return err;
    size_t room = sizeof(u->sniff) - u->sniffed;
    size_t take = len < room ? len : room;
    if (take > 0)
        memcpy(u->sniff + u->sniffed, data, take);
    u->sniffed += take;
    u->size = size;
    return SG_OK;
}

/* The generation is read first: what changes meanwhile is looked at again. */
enum sg_err files_upload_authorize(struct file_upload *u, const struct principal *who)
{
    struct space_record space;
    enum space_role role;
    uint64_t generation = spaces_generation(u->files->spaces);
    enum sg_err err =
        spaces_authorize(u->files->spaces, who, u->space.name, SG_SPACE_WRITER, &space, &role);
    if (!err && u->space.id != 0 && space.id != u->space.id)
        err = SG_ERR_NOT_FOUND;
    if (err)
        return err;
    u->generation = generation;
    u->who = *who;
    return SG_OK;
}

/* Right before the commit, as whoever began it or was looked at since. */
static enum sg_err put(struct file_upload *u, struct spaces_act *act, struct entry_record *entry,
                       bool *ret_created, uint8_t ret_old[SG_DIGEST_SIZE])
{
    struct files *f = u->files;
    spaces_act_begin(act, f->spaces, &u->who);
    enum sg_err err = act->generation == u->generation ? SG_OK : files_upload_authorize(u, &u->who);
    if (!err)
        err = spaces_make(f->spaces, &u->who, &u->space);
    act->space_ids[0] = u->space.id;
    entry->modified_ns = act->actor.now_ns;
    if (!err)
        err = f->store.vt->put(f->store.self, u->space.id, entry,
                               u->conditional ? &u->condition : NULL, &act->actor, ret_created,
                               ret_old);
    return err;
}

/* False after a commit that failed on its way: the entry may be in the database's log all the same,
 * and be there when the log is read again after a crash. */
static bool is_refusal(enum sg_err err)
{
    return err == SG_ERR_FORBIDDEN || err == SG_ERR_CONFLICT || err == SG_ERR_PRECONDITION ||
           err == SG_ERR_IS_DIRECTORY || err == SG_ERR_NOT_DIRECTORY || err == SG_ERR_NOT_FOUND ||
           err == SG_ERR_NO_SPACE || err == SG_ERR_OVERLOADED || err == SG_ERR_UNAVAILABLE;
}

/* The metadata of a durable, pinned blob. */
static enum sg_err publish(struct file_upload *u, struct entry_record *entry, struct arena *arena,
                           bool *ret_created)
{
    struct files *f = u->files;
    uint8_t old[SG_DIGEST_SIZE] = {0};
    static const uint8_t none[SG_DIGEST_SIZE];
    entry->path = u->path;
    struct spaces_act act = {.tries = 0};
    memcpy(entry->owner, u->who.user, sizeof(entry->owner));
    mediatype_guess(path_name(u->path), u->sniff, u->sniffed, entry->media_type);
    /* Before the commit: nothing may fail once it is done. */
    struct entry_record shown = *entry;
    enum sg_err err = files_full_path(&u->space, arena, &shown);
    if (!err)
        do
            err = put(u, &act, entry, ret_created, old);
        while (spaces_act_again(&act, &err));
    shown.modified_ns = entry->modified_ns;
    f->blobs.vt->unpin(f->blobs.self, entry->sha256);
    if (err) {
        if (is_refusal(err)) /* else the hourly pass decides */
            files_collect_one(f, entry->sha256);
        return err;
    }
    if (memcmp(old, none, sizeof(old)) != 0 && memcmp(old, entry->sha256, sizeof(old)) != 0)
        files_collect_one(f, old);
    entry->path = shown.path;
    return SG_OK;
}

enum sg_err files_upload_commit(struct file_upload **upload, const uint8_t *sha256,
                                struct arena *arena, struct entry_record *ret, bool *ret_created)
{
    struct file_upload *u = *upload;
    const struct files *f = u->files;
    struct entry_record entry = {.type = SG_ENTRY_FILE};
    bool created = false;
    enum sg_err err = SG_OK;
    if (u->expected >= 0 && u->size != (uint64_t)u->expected)
        err = SG_ERR_INCOMPLETE;
    if (!err)
        err = open_writer(u);
    if (!err)
        err = f->blobs.vt->finish(f->blobs.self, &u->writer, sha256, entry.sha256, &entry.size);
    if (!err)
        err = publish(u, &entry, arena, &created);
    files_upload_abort(upload);
    if (err)
        return err;
    *ret = entry;
    *ret_created = created;
    return SG_OK;
}

void files_upload_abort(struct file_upload **upload)
{
    struct file_upload *u = *upload;
    *upload = NULL;
    if (!u)
        return;
    u->files->blobs.vt->abort(u->files->blobs.self, &u->writer);
    free(u);
}
