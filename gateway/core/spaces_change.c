/* SPDX-License-Identifier: Apache-2.0 */
/* Making, changing and removing spaces, and how far somebody has read. It never changes members. */
#include "core/spaces_internal.h"

#include <string.h>
#include <unistr.h>

#include "base/clock.h"
#include "base/text.h"

#define DESCRIPTION_POINTS 256
#define RETENTION_MAX_S    (INT64_C(100) * 366 * 86400)

static bool description_ok(const char *text)
{
    size_t len = strnlen(text, SG_SPACE_DESCRIPTION_SIZE);
    if (len == SG_SPACE_DESCRIPTION_SIZE || u8_check((const uint8_t *)text, len))
        return false;
    return !text_has_control(text, len) &&
           u8_mbsnlen((const uint8_t *)text, len) <= DESCRIPTION_POINTS;
}

bool spaces_name_ok(const char *name)
{
    return identity_user_name_ok(name) && strcmp(name, "common") != 0;
}

enum sg_err spaces_create(struct spaces *s, const struct principal *who, const char *name,
                          const char *description, struct space_info *ret)
{
    const struct space_actor by = {
        .user_id = who->user_id, .name = who->user, .now_ns = clock_now_ns()};
    /* What a token that counts in some spaces only made would be out of its own reach. */
    if (who->role == SG_ROLE_GUEST || who->limits.spaces_only)
        return SG_ERR_FORBIDDEN;
    if (strcmp(name, "common") == 0)
        return SG_ERR_NAME_TAKEN;
    if (!spaces_name_ok(name) || !description_ok(description ? description : ""))
        return SG_ERR_BAD_FIELD;
    enum sg_err err =
        s->store.vt->create(s->store.self, name, description ? description : "", &by, ret);
    if (!err)
        spaces_changed(s, who->user_id, 0);
    return err;
}

static bool change_ok(const struct space_change *change)
{
    if (change->description && !description_ok(change->description))
        return false;
    if (change->retention_s && (*change->retention_s < 0 || *change->retention_s > RETENTION_MAX_S))
        return false;
    return !change->retention_count || *change->retention_count <= INT64_MAX;
}

enum sg_err spaces_update(struct spaces *s, const struct principal *who, const char *name,
                          const struct space_change *change, struct space_info *ret)
{
    struct spaces_act act = {.tries = 0};
    struct space_record space;
    enum space_role role;
    enum sg_err err;
    do {
        spaces_act_begin(&act, s, who);
        err = spaces_authorize(s, who, name, SG_SPACE_OWNER, &space, &role);
        if (!err && !change_ok(change))
            err = SG_ERR_BAD_FIELD;
        if (err)
            return err;
        act.space_ids[0] = space.id;
        err = s->store.vt->update(s->store.self, space.id, change, &act.actor, ret);
    } while (spaces_act_again(&act, &err));
    return err;
}

enum sg_err spaces_remove(struct spaces *s, const struct principal *who, const char *name)
{
    struct space_record space;
    enum space_role role;
    enum sg_err err = spaces_authorize(s, who, name, SG_SPACE_READER, &space, &role);
    if (err)
        return err;
    if (space.kind != SG_SPACE_SHARED)
        return SG_ERR_FIXED_MEMBERS;
    if (role < SG_SPACE_OWNER)
        return SG_ERR_FORBIDDEN;
    err = s->store.vt->remove(s->store.self, space.id);
    if (err)
        return err;
    /* First the rights: nobody reads what is half gone. */
    spaces_changed(s, 0, space.id);
    s->store.vt->sweep(s->store.self);
    return SG_OK;
}

enum sg_err spaces_read_set(struct spaces *s, const struct principal *who, const char *name,
                            uint64_t seq)
{
    struct space_info info;
    enum space_role role;
    enum sg_err err = spaces_info(s, who, name, &info, &role);
    if (err)
        return err;
    /* What a poll calls `next` may be beyond the last event of the space itself. */
    if (seq > info.head_seq && (!s->hub || seq > hub_position(s->hub)))
        return SG_ERR_BAD_FIELD;
    if (info.space.id == 0 || seq <= info.last_read)
        return SG_OK;
    return s->store.vt->read_set(s->store.self, info.space.id, who->user_id, seq);
}

enum sg_err spaces_retentions(struct spaces *s, int64_t after_id, size_t limit,
                              struct space_retention *ret, size_t *ret_count)
{
    return s->store.vt->retentions(s->store.self, after_id, limit, ret, ret_count);
}
