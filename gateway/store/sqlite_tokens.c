/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens for scripts in SQLite. It stores digests, never a token. */
#include "store/sqlite_internal.h"

#include <string.h>

#include "base/encode.h"

#define SPACES_BYTES (SG_LIMIT_SPACES * 8)
#define KEYS_BYTES   (SG_LIMIT_KEYS * SG_LIMIT_KEY_SIZE)

/* Ids, big-endian 64 bits each; NULL: all. */
static void spaces_from_row(struct sqlite_query *q, int column, struct token_record *ret)
{
    const uint8_t *blob = sqlite3_column_blob(q->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);
    ret->spaces_only = !sqlite_query_is_null(q, column);
    if (len % 8 != 0 || len > SPACES_BYTES) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return;
    }
    for (size_t i = 0; i < len; i += 8)
        ret->space[ret->space_count++] = (int64_t)encode_unbe64(blob + i);
}

/* Names, one a line; NULL: all. */
static void keys_from_row(struct sqlite_query *q, int column, struct token_record *ret)
{
    const char *text = (const char *)sqlite3_column_text(q->stmt, column);
    ret->keys_only = text != NULL;
    while (text && *text != '\0') {
        size_t len = strcspn(text, "\n");
        if (len == 0 || len >= SG_LIMIT_KEY_SIZE || ret->key_count == SG_LIMIT_KEYS) {
            sqlite_query_fail(q, SG_ERR_CORRUPT);
            return;
        }
        memcpy(ret->key[ret->key_count++], text, len);
        text += len;
        text += *text == '\n';
    }
}

static void token_read(struct sqlite_query *q, void *to)
{
    struct token_record *ret = to;
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

static const struct sqlite_row token_row = {sizeof(struct token_record), token_read};

/* -- create -------------------------------------------------------------------------------------
 */

struct create_job {
    const struct token_record *token;
    size_t limit;
};

/* Whether the user has room for one more, and none of this name. What has expired does not count.
 */
static enum sg_err check_room(struct sqlite_conn *c, const struct create_job *job)
{
    struct sqlite_query q;
    int64_t n[2]; /* all of the user's, those of this name */
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_ROOM);
    sqlite_query_int(&q, job->token->user_id);
    sqlite_query_text(&q, job->token->name);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (err)
        return err;
    return n[1] > 0 ? SG_ERR_NAME_TAKEN : (uint64_t)n[0] >= job->limit ? SG_ERR_LIMIT : SG_OK;
}

static void bind_limits(struct sqlite_query *q, const struct token_record *t, uint8_t *spaces,
                        char *keys)
{
    size_t at = 0;
    for (size_t i = 0; i < t->space_count; i++)
        encode_be64((uint64_t)t->space[i], spaces + 8 * i);
    for (size_t i = 0; i < t->key_count; i++) {
        size_t len = strnlen(t->key[i], SG_LIMIT_KEY_SIZE - 1);
        memcpy(keys + at, t->key[i], len);
        at += len;
        keys[at++] = '\n';
    }
    keys[at > 0 ? at - 1 : 0] = '\0';
    sqlite_query_blob(q, t->spaces_only ? spaces : NULL, 8 * t->space_count);
    sqlite_query_text(q, t->keys_only ? keys : NULL);
}

static enum sg_err create_run(struct sqlite_conn *c, void *ctx)
{
    const struct create_job *job = ctx;
    const struct token_record *t = job->token;
    uint8_t spaces[SPACES_BYTES];
    char keys[KEYS_BYTES + 1];
    struct sqlite_query q;
    enum sg_err err = sqlite_users_enabled(c, t->user_id);
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

static enum sg_err tokens_find(void *self, const uint8_t *sha256, struct token_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_TOKEN_FIND);
    sqlite_query_blob(&q, sha256, SG_DIGEST_SIZE);
    return sqlite_query_one(&q, &token_row, ret);
}

static enum sg_err tokens_get(void *self, const uint8_t *id, struct token_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_TOKEN_GET);
    sqlite_query_blob(&q, id, SG_TOKEN_ID_SIZE);
    return sqlite_query_one(&q, &token_row, ret);
}

static enum sg_err tokens_list(void *self, int64_t user_id, size_t limit, struct token_record *ret,
                               size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_TOKEN_LIST);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &token_row, limit, ret, ret_count);
}

/* -- changing -----------------------------------------------------------------------------------
 */

struct change_job {
    const uint8_t *id;
    int64_t number; /* user, or time */
    const char *address;
};

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct change_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOKEN_DELETE);
    sqlite_query_blob(&q, job->id, SG_TOKEN_ID_SIZE);
    sqlite_query_int(&q, job->number);
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
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
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
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
