/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of files: reading, directories, removal, listing (uploads are in files_upload.c, moves
 * in files_move.c, collection in files_collect.c). It never looks at content.
 */
#include "core/files_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "core/cursor.h"

#define SG_LIST_MAX       1000
#define SG_OPEN_TRIES     8   /* looks at an entry whose content is replaced at the same time */
#define SG_REMOVE_COLLECT 256 /* blobs of a removed tree that are collected at once */
#define SG_REMOVE_ARENA   (SG_REMOVE_COLLECT * (SG_PATH_SIZE + sizeof(struct entry_record) + 64))

struct files *files_new(const struct files_store *store, const struct blobs_store *blobs,
                        const struct events_store *events, struct spaces *spaces,
                        const struct files_config *config)
{
    struct files *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->store = *store;
    f->blobs = *blobs;
    f->events = *events;
    f->spaces = spaces;
    f->config = *config;
    f->small = smallblobs_new();
    if (!f->small || files_collect_init(f)) {
        smallblobs_free(f->small);
        free(f);
        return NULL;
    }
    return f;
}

void files_free(struct files *f)
{
    if (!f)
        return;
    files_collect_fini(f);
    smallblobs_free(f->small);
    free(f);
}

enum sg_err files_full_path(const struct space_record *space, struct arena *arena,
                            struct entry_record *entry)
{
    char *path = arena_printf(arena, "%s%s%s", space->name, entry->path[0] ? "/" : "", entry->path);
    if (!path)
        return SG_ERR_NO_MEMORY;
    entry->path = path;
    return SG_OK;
}

/* -- directories --------------------------------------------------------------------------------
 */

enum sg_err files_mkdir(struct files *f, const struct principal *who, const struct path *path,
                        const struct entry_condition *condition, struct arena *arena,
                        struct entry_record *ret, bool *ret_created)
{
    struct space_record space;
    enum space_role role;
    enum sg_err err = spaces_authorize(f->spaces, who, path->space, SG_SPACE_WRITER, &space, &role);
    if (err)
        return err;
    struct entry_record entry = {.type = SG_ENTRY_DIRECTORY, .modified_ns = clock_now_ns()};
    memcpy(entry.owner, who->user, sizeof(entry.owner));
    entry.path = arena_strdup(arena, path->rest);
    if (!entry.path)
        return SG_ERR_NO_MEMORY;
    struct entry_record shown = entry; /* before the commit: nothing may fail once it is done */
    bool created = false;
    err = files_full_path(&space, arena, &shown);
    if (!err)
        err = spaces_make(f->spaces, who, &space);
    if (!err)
        err = f->store.vt->mkdir(f->store.self, space.id, &entry, condition, &created);
    if (err)
        return err;
    entry.path = shown.path;
    *ret = entry;
    *ret_created = created;
    return SG_OK;
}

/* -- reading ------------------------------------------------------------------------------------
 */

/* Content of a looked up entry, in memory if `ret_small` is not NULL and it is small; NOT_FOUND
 * when it was collected in between. */
static enum sg_err open_content(struct files *f, const struct entry_record *entry,
                                struct smallblob **ret_small, int *ret_fd)
{
    bool small = ret_small && entry->size > 0 && entry->size <= SG_SMALLBLOB_MAX;
    uint64_t size = 0;
    SG_FD_CLEANUP int fd = -1;
    if (small) {
        *ret_small = smallblobs_get(f->small, entry->sha256, entry->size);
        if (*ret_small)
            return SG_OK;
    }
    enum sg_err err = f->blobs.vt->open(f->blobs.self, entry->sha256, &fd, &size);
    if (err)
        return err;
    if (size != entry->size)
        return SG_ERR_CORRUPT;
    if (small)
        return smallblobs_read(f->small, entry->sha256, size, fd, ret_small);
    *ret_fd = fd;
    fd = -1;
    return SG_OK;
}

/* The entry of a file as it is, or as a message links it. */
static enum sg_err look_up(struct files *f, int64_t space_id, const struct path *path,
                           uint64_t version, struct arena *arena, struct entry_record *ret)
{
    enum sg_err err = f->store.vt->get(f->store.self, space_id, path->rest, arena, ret);
    bool current = !err && ret->type == SG_ENTRY_FILE && ret->version == version;
    if (version == 0 || current || (err && err != SG_ERR_NOT_FOUND))
        return err;
    return f->events.vt->linked_file(f->events.self, space_id, path->rest, version, arena, ret);
}

enum sg_err files_open(struct files *f, const struct principal *who, const struct path *path,
                       uint64_t version, struct arena *arena, struct entry_record *ret,
                       struct smallblob **ret_small, int *ret_fd)
{
    struct space_record space;
    enum space_role role;
    struct entry_record entry;
    uint8_t missing[SG_DIGEST_SIZE] = {0};
    struct smallblob *small = NULL;
    int fd = -1;
    enum sg_err err = spaces_authorize(f->spaces, who, path->space, SG_SPACE_READER, &space, &role);
    if (!err && space.id == 0)
        err = SG_ERR_NOT_FOUND;
    if (err)
        return err;
    for (unsigned i = 0; i < SG_OPEN_TRIES; i++) {
        err = look_up(f, space.id, path, version, arena, &entry);
        if (!err && entry.type == SG_ENTRY_DIRECTORY)
            err = SG_ERR_IS_DIRECTORY;
        if (!err && path->directory)
            err = SG_ERR_NOT_DIRECTORY;
        if (err)
            return err;
        err = open_content(f, &entry, ret_small ? &small : NULL, &fd);
        if (err != SG_ERR_NOT_FOUND)
            break;
        /* The entry still names content that was not there before it was read: that is no race. */
        if (i > 0 && memcmp(missing, entry.sha256, sizeof(missing)) == 0)
            return SG_ERR_CORRUPT;
        memcpy(missing, entry.sha256, sizeof(missing));
        err = SG_ERR_UNAVAILABLE;
    }
    if (!err)
        err = files_full_path(&space, arena, &entry);
    if (err) {
        smallblob_unref(small);
        if (fd >= 0)
            (void)close(fd);
        return err;
    }
    *ret = entry;
    *ret_fd = fd;
    if (ret_small)
        *ret_small = small;
    return SG_OK;
}

/* -- removal ------------------------------------------------------------------------------------
 */

/* The blobs of an entry or tree, so that they can be collected after its removal. */
struct leaving {
    struct arena *arena;
    struct entry_record *entries;
    size_t count;
    bool more;
};

static enum sg_err leaving_find(struct files *f, int64_t space_id, const struct path *path,
                                bool recursive, struct leaving *leaving)
{
    struct entry_record entry;
    enum sg_err err = f->store.vt->get(f->store.self, space_id, path->rest, leaving->arena, &entry);
    if (!err && entry.type == SG_ENTRY_FILE && path->directory)
        err = SG_ERR_NOT_DIRECTORY;
    if (err)
        return err;
    size_t room = recursive ? SG_REMOVE_COLLECT : 1;
    leaving->entries = arena_alloc(leaving->arena, room * sizeof(*leaving->entries));
    if (!leaving->entries)
        return SG_ERR_NO_MEMORY;
    if (entry.type == SG_ENTRY_FILE) {
        leaving->entries[0] = entry;
        leaving->count = 1;
        return SG_OK;
    }
    if (!recursive)
        return SG_OK;
    struct entry_query query = {.space_id = space_id,
                                .dir = path->rest,
                                .prefix = "",
                                .recursive = true,
                                .limit = SG_REMOVE_COLLECT};
    err = f->store.vt->list(f->store.self, &query, leaving->arena, leaving->entries,
                            &leaving->count, &leaving->more);
    if (err == SG_ERR_NOT_FOUND ||
        err == SG_ERR_NOT_DIRECTORY) { /* changed meanwhile: remove tells */
        leaving->count = 0;
        leaving->more = true;
        err = SG_OK;
    }
    return err;
}

static enum sg_err remove_once(struct files *f, const struct principal *who,
                               const struct path *path, bool recursive,
                               const struct entry_condition *condition, struct spaces_act *act)
{
    struct space_record space;
    enum space_role role;
    struct leaving leaving = {0};
    spaces_act_begin(act, f->spaces, who);
    enum sg_err err = spaces_authorize(f->spaces, who, path->space, SG_SPACE_WRITER, &space, &role);
    if (err)
        return err;
    act->space_ids[0] = space.id;
    if (path->rest[0] == '\0')
        return SG_ERR_CONFLICT;
    if (space.id == 0)
        return SG_ERR_NOT_FOUND;
    leaving.arena = arena_new(SG_REMOVE_ARENA);
    if (!leaving.arena)
        return SG_ERR_NO_MEMORY;
    err = leaving_find(f, space.id, path, recursive, &leaving);
    if (!err)
        err = f->store.vt->remove(f->store.self, space.id, path->rest, recursive, condition,
                                  &act->actor);
    for (size_t i = 0; !err && i < leaving.count; i++)
        if (leaving.entries[i].type == SG_ENTRY_FILE)
            files_collect_one(f, leaving.entries[i].sha256);
    if (!err && leaving.more)
        files_collect_soon(f);
    arena_free(leaving.arena);
    return err;
}

enum sg_err files_remove(struct files *f, const struct principal *who, const struct path *path,
                         bool recursive, const struct entry_condition *condition)
{
    struct spaces_act act = {.tries = 0};
    enum sg_err err;
    do
        err = remove_once(f, who, path, recursive, condition, &act);
    while (spaces_act_again(&act, &err));
    return err;
}

/* -- listing ------------------------------------------------------------------------------------
 */

enum sg_err files_list(struct files *f, const struct principal *who, const struct path *dir,
                       const struct files_list_options *options, struct arena *arena,
                       struct entry_record **ret, size_t *ret_count, char **ret_cursor)
{
    struct space_record space;
    enum space_role role;
    enum sg_err err = spaces_authorize(f->spaces, who, dir->space, SG_SPACE_READER, &space, &role);
    if (err)
        return err;
    if (options->limit < 1 || options->limit > SG_LIST_MAX)
        return SG_ERR_BAD_FIELD;
    struct entry_query query = {.space_id = space.id,
                                .dir = dir->rest,
                                .recursive = options->recursive,
                                .sort = options->sort,
                                .descending = options->descending,
                                .limit = options->limit};
    err = path_prefix(options->prefix ? options->prefix : "", arena, &query.prefix);
    if (!err && options->cursor && options->cursor[0])
        err = cursor_decode(options->cursor, arena, &query);
    if (err)
        return err;

    struct entry_record *entries = arena_alloc(arena, options->limit * sizeof(*entries));
    char *cursor = NULL;
    size_t count = 0;
    bool more = false;
    if (!entries)
        return SG_ERR_NO_MEMORY;
    if (space.id != 0)
        err = f->store.vt->list(f->store.self, &query, arena, entries, &count, &more);
    else if (dir->rest[0]) /* of a direct talk that nobody has used yet, only the root is there */
        err = SG_ERR_NOT_FOUND;
    if (!err && more) {
        cursor = cursor_encode(&query, &entries[count - 1], arena);
        err = cursor ? SG_OK : SG_ERR_NO_MEMORY;
    }
    for (size_t i = 0; !err && i < count; i++)
        err = files_full_path(&space, arena, &entries[i]);
    if (err)
        return err;
    *ret = entries;
    *ret_count = count;
    *ret_cursor = cursor;
    return SG_OK;
}
