/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving files and directories, within a space and between spaces: authority in both, then one
 * write of the store. Content is never touched, but that of a replaced file is collected.
 */
#include "core/files_internal.h"

#include <string.h>

/* A slash at the end says that a directory is meant, on either side. */
static enum sg_err check_slashes(struct files *f, int64_t space_id, const struct path *from,
                                 const struct path *to, struct arena *arena)
{
    struct entry_record entry;
    if (!from->directory && !to->directory)
        return SG_OK;
    enum sg_err err = f->store.vt->get(f->store.self, space_id, from->rest, arena, &entry);
    if (!err && entry.type == SG_ENTRY_FILE)
        err = from->directory ? SG_ERR_NOT_DIRECTORY : SG_ERR_IS_DIRECTORY;
    return err;
}

static enum sg_err move_once(struct files *f, const struct principal *who, const struct path *from,
                             const struct path *to, bool overwrite,
                             const struct entry_condition *condition, struct arena *arena,
                             struct spaces_act *act, struct entry_record *ret)
{
    static const uint8_t none[SG_DIGEST_SIZE];
    struct space_record source, target;
    enum space_role role;
    struct entry_record entry = {0};
    uint8_t old[SG_DIGEST_SIZE] = {0};
    spaces_act_begin(act, f->spaces, who);
    enum sg_err err =
        spaces_authorize(f->spaces, who, from->space, SG_SPACE_WRITER, &source, &role);
    if (!err)
        err = spaces_authorize(f->spaces, who, to->space, SG_SPACE_WRITER, &target, &role);
    if (err)
        return err;
    if (from->rest[0] == '\0' || to->rest[0] == '\0')
        return SG_ERR_CONFLICT;
    if (source.id == 0)
        return SG_ERR_NOT_FOUND;
    err = check_slashes(f, source.id, from, to, arena);
    if (err)
        return err;
    /* Before the commit: nothing may fail once it is done. */
    struct entry_record shown = {.path = arena_strdup(arena, to->rest)};
    if (!shown.path)
        return SG_ERR_NO_MEMORY;
    err = files_full_path(&target, arena, &shown);
    if (!err)
        err = spaces_make(f->spaces, who, &target);
    act->space_ids[0] = source.id;
    act->space_ids[1] = target.id;
    if (!err)
        err = f->store.vt->move(f->store.self, source.id, from->rest, target.id, to->rest,
                                overwrite, condition, &act->actor, arena, &entry, old);
    if (err)
        return err;
    if (memcmp(old, none, sizeof(old)) != 0 && memcmp(old, entry.sha256, sizeof(old)) != 0)
        files_collect_one(f, old);
    entry.path = shown.path;
    *ret = entry;
    return SG_OK;
}

enum sg_err files_move(struct files *f, const struct principal *who, const struct path *from,
                       const struct path *to, bool overwrite,
                       const struct entry_condition *condition, struct arena *arena,
                       struct entry_record *ret)
{
    struct spaces_act act = {.tries = 0};
    enum sg_err err;
    do
        err = move_once(f, who, from, to, overwrite, condition, arena, &act, ret);
    while (spaces_act_again(&act, &err));
    return err;
}
