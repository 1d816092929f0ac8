/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of file listings: one range of one index each. It only reads. */
#include "store/sqlite_internal.h"

#include <stdio.h>
#include <string.h>

static void entry_read(struct sqlite_query *q, void *to)
{
    struct entry_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    if (q->arena)
        ret->path = sqlite_query_get_dup(q, 0);
    ret->type = sqlite_query_get_int(q, 1) == SG_ENTRY_FILE ? SG_ENTRY_FILE : SG_ENTRY_DIRECTORY;
    ret->size = (uint64_t)sqlite_query_get_int(q, 2);
    if (ret->type == SG_ENTRY_FILE)
        sqlite_query_get_blob(q, 3, ret->sha256, sizeof(ret->sha256));
    ret->modified_ns = sqlite_query_get_int(q, 4);
    ret->version = (uint64_t)sqlite_query_get_int(q, 5);
    sqlite_query_get_text(q, 6, ret->owner, sizeof(ret->owner));
    sqlite_query_get_text(q, 7, ret->media_type, sizeof(ret->media_type));
}

const struct sqlite_row sqlite_entry_row = {sizeof(struct entry_record), entry_read};

/* Bounds of `path`: [low, high). Paths are UTF-8 without control characters, so nothing stands
 * between a path and the same followed by 0x01, and 0xff ends every range of a prefix. */
struct bounds {
    char low[2 * SG_PATH_SIZE], high[2 * SG_PATH_SIZE];
};

static enum sg_err list_bounds(const struct entry_query *query, struct bounds *ret)
{
    const char *slash = query->dir[0] ? "/" : "";
    const char *prefix = query->prefix ? query->prefix : "";
    if (strlen(query->dir) >= SG_PATH_SIZE || strlen(prefix) >= SG_PATH_SIZE ||
        (query->after_path && strlen(query->after_path) >= SG_PATH_SIZE))
        return SG_ERR_BAD_CURSOR;
    (void)snprintf(ret->low, sizeof(ret->low), "%s%s%s", query->dir, slash, prefix);
    (void)snprintf(ret->high, sizeof(ret->high), "%s%s%s\xff", query->dir, slash, prefix);
    if (query->sort != SG_SORT_NAME || !query->after_path)
        return SG_OK;
    if (!query->descending && strcmp(query->after_path, ret->low) >= 0)
        (void)snprintf(ret->low, sizeof(ret->low), "%s\x01", query->after_path);
    if (query->descending && strcmp(query->after_path, ret->high) < 0)
        (void)snprintf(ret->high, sizeof(ret->high), "%s", query->after_path);
    return SG_OK;
}

static enum sqlite_sql list_statement(const struct entry_query *query)
{
    static const enum sqlite_sql ids[2][3][2] = {
        {{SG_SQL_LIST_NAME, SG_SQL_LIST_NAME_DESC},
         {SG_SQL_LIST_SIZE, SG_SQL_LIST_SIZE_DESC},
         {SG_SQL_LIST_MODIFIED, SG_SQL_LIST_MODIFIED_DESC}},
        {{SG_SQL_TREE_NAME, SG_SQL_TREE_NAME_DESC},
         {SG_SQL_TREE_SIZE, SG_SQL_TREE_SIZE_DESC},
         {SG_SQL_TREE_MODIFIED, SG_SQL_TREE_MODIFIED_DESC}},
    };
    return ids[query->recursive][query->sort][query->descending];
}

/* Where the page begins in the order by `key, path`. */
static void bind_after(struct sqlite_query *q, const struct entry_query *query)
{
    int64_t key = query->descending ? INT64_MAX : INT64_MIN;
    const char *path = query->descending ? "\xff" : "";
    if (query->after_path) {
        path = query->after_path;
        key = query->sort == SG_SORT_SIZE ? (int64_t)query->after_size : query->after_modified_ns;
    }
    sqlite_query_int(q, key);
    sqlite_query_text(q, path);
}

enum sg_err sqlite_list_page(struct sqlite_conn *c, const struct entry_query *query,
                             struct arena *arena, struct entry_record *ret, size_t *ret_count,
                             bool *ret_more)
{
    struct sqlite_query q;
    struct bounds bounds;
    size_t count = 0;
    enum sg_err err = list_bounds(query, &bounds);
    if (err)
        return err;
    sqlite_query_begin(&q, c, list_statement(query));
    sqlite_query_int(&q, query->space_id);
    if (query->recursive)
        sqlite_query_null(&q); /* ?2 is not in the statement, but counts */
    else
        sqlite_query_text(&q, query->dir);
    sqlite_query_text(&q, bounds.low);
    sqlite_query_text(&q, bounds.high);
    sqlite_query_int(&q, (int64_t)query->limit + 1);
    if (query->sort != SG_SORT_NAME)
        bind_after(&q, query);
    q.arena = arena;
    while (count < query->limit && sqlite_query_next(&q))
        entry_read(&q, &ret[count++]);
    bool more = count == query->limit && sqlite_query_next(&q);
    err = sqlite_query_end(&q);
    if (err)
        return err;
    *ret_more = more;
    *ret_count = count;
    return SG_OK;
}
