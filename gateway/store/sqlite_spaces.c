/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spaces in SQLite: finding and listing them under the names that users give them. It only reads
 * (changes: sqlite_spaces_change.c, members: sqlite_members.c) and decides no rights.
 */
#include "store/sqlite_internal.h"

#include <stdio.h>
#include <string.h>

/* -- rows ---------------------------------------------------------------------------------------
 */

static void record_read(struct sqlite_query *q, void *to)
{
    struct space_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    int64_t kind = sqlite_query_get_int(q, 1), role = sqlite_query_get_int(q, 6);
    if (kind < SG_SPACE_COMMON || kind > SG_SPACE_DIRECT || role < SG_SPACE_NONE ||
        role > SG_SPACE_OWNER) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return;
    }
    ret->id = sqlite_query_get_int(q, 0);
    ret->kind = (enum space_kind)kind;
    sqlite_query_get_text(q, 2, ret->name, sizeof(ret->name));
    ret->owner_id = sqlite_query_get_int(q, 3);
    ret->peers[0] = sqlite_query_get_int(q, 4);
    ret->peers[1] = sqlite_query_get_int(q, 5);
    ret->member = (enum space_role)role;
}

static const struct sqlite_row record_row = {sizeof(struct space_record), record_read};

static void info_read(struct sqlite_query *q, void *to)
{
    struct space_info *ret = to;
    record_read(q, &ret->space);
    sqlite_query_get_text(q, 7, ret->description, sizeof(ret->description));
    ret->created_ns = sqlite_query_get_int(q, 8);
    ret->retention_s = sqlite_query_get_int(q, 9);
    ret->retention_count = (uint64_t)sqlite_query_get_int(q, 10);
    ret->last_read = (uint64_t)sqlite_query_get_int(q, 11);
    ret->head_seq = (uint64_t)sqlite_query_get_int(q, 12);
    ret->pruned_seq = (uint64_t)sqlite_query_get_int(q, 13);
    ret->unread = 0;
}

static const struct sqlite_row info_row = {sizeof(struct space_info), info_read};

/* The direct space of a user and "@other" with id 0 when there is none. */
enum sg_err sqlite_spaces_direct_find(struct sqlite_conn *c, int64_t user_id, const char *other,
                                      struct space_record *ret)
{
    struct space_record space = {.kind = SG_SPACE_DIRECT};
    struct sqlite_query q;
    int64_t n[2]; /* the peer, the space */
    sqlite_query_begin(&q, c, SG_SQL_SPACE_DIRECT);
    sqlite_query_int(&q, user_id);
    sqlite_query_text(&q, other);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (err)
        return err;
    int64_t peer = n[0];
    if (peer == 0 || peer == user_id)
        return SG_ERR_NOT_FOUND;
    space.id = n[1];
    space.peers[0] = user_id < peer ? user_id : peer;
    space.peers[1] = user_id < peer ? peer : user_id;
    (void)snprintf(space.name, sizeof(space.name), "@%s", other); /* a user's name: it fits */
    *ret = space;
    return SG_OK;
}

enum sg_err sqlite_spaces_find(struct sqlite_conn *c, const char *name, int64_t user_id,
                               struct space_record *ret)
{
    if (name[0] == '@')
        return sqlite_spaces_direct_find(c, user_id, name + 1, ret);
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_BY_NAME);
    sqlite_query_int(&q, user_id);
    sqlite_query_text(&q, name);
    return sqlite_query_one(&q, &record_row, ret);
}

static enum sg_err hide_from_others(const struct space_record *space, int64_t user_id)
{
    return space->kind == SG_SPACE_DIRECT && space->peers[0] != user_id &&
                   space->peers[1] != user_id
               ? SG_ERR_NOT_FOUND
               : SG_OK;
}

static enum sg_err count_unread(struct sqlite_conn *c, int64_t user_id, struct space_info *info)
{
    if (info->head_seq <= info->last_read)
        return SG_OK;
    struct sqlite_query q;
    int64_t unread = 0;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_UNREAD);
    sqlite_query_int(&q, info->space.id);
    sqlite_query_int(&q, (int64_t)info->last_read);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, SG_UNREAD_MAX);
    enum sg_err err = sqlite_query_numbers(&q, 1, &unread);
    info->unread = (unsigned)unread;
    return err;
}

enum sg_err sqlite_spaces_info_find(struct sqlite_conn *c, int64_t id, int64_t user_id,
                                    struct space_info *ret)
{
    struct space_info info;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_INFO);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, id);
    enum sg_err err = sqlite_query_one(&q, &info_row, &info);
    if (!err)
        err = hide_from_others(&info.space, user_id);
    if (!err)
        err = count_unread(c, user_id, &info);
    if (!err)
        *ret = info;
    return err;
}

/* -- reading ------------------------------------------------------------------------------------
 */

static enum sg_err spaces_get(void *self, const char *name, int64_t user_id,
                              struct space_record *ret)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_spaces_find(c, name, user_id, ret);
    sqlite_conn_release(self, c);
    return err;
}

static enum sg_err spaces_get_by_id(void *self, int64_t id, int64_t user_id,
                                    struct space_record *ret)
{
    struct space_record space;
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_SPACE_BY_ID);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, id);
    enum sg_err err = sqlite_query_one(&q, &record_row, &space);
    if (!err)
        err = hide_from_others(&space, user_id);
    if (!err)
        *ret = space;
    return err;
}

static enum sg_err spaces_info(void *self, int64_t id, int64_t user_id, struct space_info *ret)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    err = sqlite_spaces_info_find(c, id, user_id, ret);
    sqlite_conn_release(self, c);
    return err;
}

static enum sg_err spaces_list(void *self, int64_t user_id, size_t limit, struct space_info *ret,
                               size_t *ret_count)
{
    struct sqlite_conn *c = NULL;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    struct sqlite_query q;
    size_t count = 0;
    sqlite_query_begin(&q, c, SG_SQL_SPACE_LIST);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    err = sqlite_query_rows(&q, &info_row, limit, ret, &count);
    for (size_t i = 0; !err && i < count; i++)
        err = count_unread(c, user_id, &ret[i]);
    sqlite_conn_release(self, c);
    if (!err)
        *ret_count = count;
    return err;
}

static enum sg_err spaces_visible(void *self, int64_t user_id, int64_t after_id, size_t limit,
                                  struct space_record *ret, size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_SPACE_VISIBLE);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, after_id);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &record_row, limit, ret, ret_count);
}

static void retention_read(struct sqlite_query *q, void *to)
{
    *(struct space_retention *)to = (struct space_retention){
        .id = sqlite_query_get_int(q, 0),
        .retention_s = sqlite_query_get_int(q, 1),
        .retention_count = (uint64_t)sqlite_query_get_int(q, 2),
        .pruned_seq = (uint64_t)sqlite_query_get_int(q, 3),
    };
}

static enum sg_err spaces_retentions(void *self, int64_t after_id, size_t limit,
                                     struct space_retention *ret, size_t *ret_count)
{
    static const struct sqlite_row row = {sizeof(struct space_retention), retention_read};
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_SPACE_RETENTIONS);
    sqlite_query_int(&q, after_id);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &row, limit, ret, ret_count);
}

const struct spaces_vtable sqlite_spaces_vtable = {
    .get = spaces_get,
    .get_by_id = spaces_get_by_id,
    .direct = sqlite_spaces_direct,
    .list = spaces_list,
    .info = spaces_info,
    .create = sqlite_spaces_create,
    .update = sqlite_spaces_update,
    .remove = sqlite_spaces_remove,
    .sweep = sqlite_spaces_sweep,
    .member_get = sqlite_members_get,
    .member_list = sqlite_members_list,
    .member_set = sqlite_members_set,
    .member_remove = sqlite_members_remove,
    .read_set = sqlite_spaces_read_set,
    .visible = spaces_visible,
    .retentions = spaces_retentions,
};
