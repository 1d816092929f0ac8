/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for scripts in SQLite. It stores digests, never a token. */
#include "store/sqlite_internal.h"

#include <string.h>

#define SPACES_BYTES (SG_LIMIT_SPACES * 8)
#define KEYS_BYTES   (SG_LIMIT_KEYS * SG_LIMIT_KEY_SIZE)

/* Ids, big-endian 64 bits each; NULL: all. */
static void spaces_from_row(struct sqlite_query *q, int column, struct token_record *ret)
{
    const uint8_t *blob = sqlite3_column_blob(q->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);
    ret->spaces_only = sqlite3_column_type(q->stmt, column) != SQLITE_NULL;
    if (len % 8 != 0 || len > SPACES_BYTES) {
        q->err = q->err ? q->err : SG_ERR_CORRUPT;
        return;
    }
    for (size_t i = 0; i < len; i += 8) {
        uint64_t id = 0;
        for (size_t j = 0; j < 8; j++)
            id = id << 8 | blob[i + j];
        ret->space[ret->space_count++] = (int64_t)id;
    }
}

/* Names, one a line; NULL: all. */
static void keys_from_row(struct sqlite_query *q, int column, struct token_record *ret)
{
    const char *text = (const char *)sqlite3_column_text(q->stmt, column);
    ret->keys_only = text != NULL;
    while (text && *text != '\0') {
        size_t len = strcspn(text, "\n");
        if (len == 0 || len >= SG_LIMIT_KEY_SIZE || ret->key_count == SG_LIMIT_KEYS) {
            q->err = q->err ? q->err : SG_ERR_CORRUPT;
            return;
        }
        memcpy(ret->key[ret->key_count++], text, len);
        text += len;
        text += *text == '\n';
    }
}

static void token_from_row(struct sqlite_query *q, struct token_record *ret)
{
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_blob(q, 0, ret->id, sizeof(ret->id));
    ret->user_id = sqlite_query_get_int(q, 1);
    sqlite_query_get_text(q, 2, ret->name, sizeof(ret->name));
    sqlite_query_get_blob(q, 3, ret->sha256, sizeof(ret->sha256));
    ret->scopes = (unsigned)sqlite_query_get_int(q, 4);
    spaces_from_row(q, 5, ret);
    keys_from_row(q, 6, ret);
    ret->created_ns = sqlite_query_get_int(q, 7);
    ret->expires_ns = sqlite_query_get_int(q, 8);
    ret->last_used_ns = sqlite_query_get_int(q, 9);
    sqlite_query_get_text(q, 10, ret->last_address, sizeof(ret->last_address));
}

/* -- create -------------------------------------------------------------------------------------
 */

struct create_job {
    const struct token_record *token;
    size_t limit;
};

static enum sg_err check_user(struct sqlite_conn *c, int64_t id)
{
    struct sqlite_query q;
    bool row = false, disabled = false;
    sqlite_query_begin(&q, c, SG_SQL_USER_BY_ID);
    sqlite_query_int(&q, id);
    enum sg_err err = sqlite_query_step(&q, &row);
    if (!err && row)
        disabled = sqlite_query_get_int(&q, 3) != 0;
    err = sqlite_query_end(&q);
    if (err)
        return err;
    return !row ? SG_ERR_NOT_FOUND : disabled ? SG_ERR_USER_DISABLED : SG_OK;
}

/* Whether the user has room for one more, and none of this name. What has expired does not count.
 */
static enum sg_err check_room(struct sqlite_conn *c, const struct create_job *job)
{
    struct sqlite_query q;
    size_t count = 0, named = 0;
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_ROOM);
    sqlite_query_int(&q, job->token->user_id);
    sqlite_query_text(&q, job->token->name);
    if (sqlite_query_next(&q)) {
        count = (size_t)sqlite_query_get_int(&q, 0);
        named = (size_t)sqlite_query_get_int(&q, 1);
    }
    enum sg_err err = sqlite_query_end(&q);
    if (err)
        return err;
    return named > 0 ? SG_ERR_NAME_TAKEN : count >= job->limit ? SG_ERR_LIMIT : SG_OK;
}

static void bind_limits(struct sqlite_query *q, const struct token_record *t, uint8_t *spaces,
                        char *keys)
{
    size_t at = 0;
    for (size_t i = 0; i < t->space_count; i++)
        for (size_t j = 0; j < 8; j++)
            spaces[8 * i + j] = (uint8_t)((uint64_t)t->space[i] >> (56 - 8 * j));
    for (size_t i = 0; i < t->key_count; i++) {
        size_t len = strnlen(t->key[i], SG_LIMIT_KEY_SIZE - 1);
        memcpy(keys + at, t->key[i], len);
        at += len;
        keys[at++] = '\n';
    }
    keys[at > 0 ? at - 1 : 0] = '\0';
    if (t->spaces_only)
        sqlite_query_blob(q, spaces, 8 * t->space_count);
    else
        sqlite_query_null(q);
    if (t->keys_only)
        sqlite_query_text(q, keys);
    else
        sqlite_query_null(q);
}

static enum sg_err create_run(struct sqlite_conn *c, void *ctx)
{
    const struct create_job *job = ctx;
    const struct token_record *t = job->token;
    uint8_t spaces[SPACES_BYTES];
    char keys[KEYS_BYTES + 1];
    struct sqlite_query q;
    enum sg_err err = check_user(c, t->user_id);
    if (err)
        return err;
    /* Else the name of one that nobody can use any more would be taken. */
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_EXPIRED);
    sqlite_query_int(&q, t->user_id);
    sqlite_query_int(&q, t->created_ns);
    err = sqlite_query_run(&q);
    if (!err)
        err = check_room(c, job);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_INSERT);
    sqlite_query_blob(&q, t->id, sizeof(t->id));
    sqlite_query_int(&q, t->user_id);
    sqlite_query_text(&q, t->name);
    sqlite_query_blob(&q, t->sha256, sizeof(t->sha256));
    sqlite_query_int(&q, (int64_t)t->scopes);
    bind_limits(&q, t, spaces, keys);
    sqlite_query_int(&q, t->created_ns);
    sqlite_query_int(&q, t->expires_ns);
    sqlite_query_int(&q, t->last_used_ns);
    sqlite_query_text(&q, t->last_address);
    return sqlite_query_run(&q);
}

static enum sg_err tokens_create(void *self, const struct token_record *token, size_t limit)
{
    struct create_job job = {.token = token, .limit = limit};
    return sqlite_write(self, create_run, &job);
}

/* -- reading ------------------------------------------------------------------------------------
 */

static enum sg_err read_one(void *self, enum sqlite_sql id, const uint8_t *key, size_t len,
                            struct token_record *ret)
{
    struct sqlite_conn *c = NULL;
    struct token_record token;
    bool row = false;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, id);
    sqlite_query_blob(&q, key, len);
    err = sqlite_query_step(&q, &row);
    if (!err && row)
        token_from_row(&q, &token);
    err = sqlite_query_end(&q);
    sqlite_conn_release(self, c);
    if (err || !row)
        return err ? err : SG_ERR_NOT_FOUND;
    *ret = token;
    return SG_OK;
}

static enum sg_err tokens_find(void *self, const uint8_t *sha256, struct token_record *ret)
{
    return read_one(self, SG_SQL_TOKEN_FIND, sha256, SG_DIGEST_SIZE, ret);
}

static enum sg_err tokens_get(void *self, const uint8_t *id, struct token_record *ret)
{
    return read_one(self, SG_SQL_TOKEN_GET, id, SG_TOKEN_ID_SIZE, ret);
}

static enum sg_err tokens_list(void *self, int64_t user_id, size_t limit, struct token_record *ret,
                               size_t *ret_count)
{
    struct sqlite_conn *c = NULL;
    size_t count = 0;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_LIST);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    while (count < limit && sqlite_query_next(&q))
        token_from_row(&q, &ret[count++]);
    err = sqlite_query_end(&q);
    sqlite_conn_release(self, c);
    if (!err)
        *ret_count = count;
    return err;
}

/* -- changing -----------------------------------------------------------------------------------
 */

struct change_job {
    const uint8_t *id;
    int64_t number; /* user, or time */
    const char *address;
};

static enum sg_err run_one(struct sqlite_query *q)
{
    enum sg_err err = sqlite_query_run(q);
    return !err && sqlite3_changes(q->conn->db) == 0 ? SG_ERR_NOT_FOUND : err;
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct change_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_DELETE);
    sqlite_query_blob(&q, job->id, SG_TOKEN_ID_SIZE);
    sqlite_query_int(&q, job->number);
    return run_one(&q);
}

static enum sg_err tokens_remove(void *self, const uint8_t *id, int64_t user_id)
{
    struct change_job job = {.id = id, .number = user_id};
    return sqlite_write(self, remove_run, &job);
}

static enum sg_err touch_run(struct sqlite_conn *c, void *ctx)
{
    const struct change_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_TOUCH);
    sqlite_query_blob(&q, job->id, SG_TOKEN_ID_SIZE);
    sqlite_query_int(&q, job->number);
    sqlite_query_text(&q, job->address);
    return run_one(&q);
}

static enum sg_err tokens_touch(void *self, const uint8_t *id, int64_t now_ns, const char *address)
{
    struct change_job job = {.id = id, .number = now_ns, .address = address};
    return sqlite_write(self, touch_run, &job);
}

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    const int64_t *now_ns = ctx;
    return sqlite_query_run_int(c, SG_SQL_TOKEN_PRUNE, *now_ns);
}

static enum sg_err tokens_prune(void *self, int64_t now_ns)
{
    return sqlite_write(self, prune_run, &now_ns);
}

const struct tokens_vtable sqlite_tokens_vtable = {
    .create = tokens_create,
    .find = tokens_find,
    .get = tokens_get,
    .list = tokens_list,
    .remove = tokens_remove,
    .touch = tokens_touch,
    .prune = tokens_prune,
};
