/* SPDX-License-Identifier: Apache-2.0 */
/* Clients, audiences and revoked tokens of OAuth in SQLite; devices are in sqlite_devices.c. It
 * decides nothing but what must be decided in one transaction. */
#include "store/sqlite_internal.h"

#include <string.h>

/* Whether a statement that counts finds fewer than `most`. */
static enum sg_err check_room(struct sqlite_conn *c, enum sqlite_sql count, int64_t most)
{
    struct sqlite_query q;
    int64_t there = 0;
    sqlite_query_begin(&q, c, count);
    enum sg_err err = sqlite_query_numbers(&q, 1, &there);
    return err ? err : there < most ? SG_OK : SG_ERR_LIMIT;
}

/* Removes the one row of a name, or SG_ERR_NOT_FOUND. */
static enum sg_err remove_one(struct sqlite_conn *c, enum sqlite_sql sql, const char *name)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, sql);
    sqlite_query_text(&q, name);
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
}

/* Removes what belongs to it, if anything does. */
static enum sg_err remove_all(struct sqlite_conn *c, enum sqlite_sql sql, const char *name)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, sql);
    sqlite_query_text(&q, name);
    return sqlite_query_run(&q);
}

/* Whether there is a row of this name. */
static enum sg_err is_taken(struct sqlite_conn *c, enum sqlite_sql get, const char *name, bool *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, get);
    sqlite_query_text(&q, name);
    return sqlite_query_found(&q, ret);
}

/* -- clients -------------------------------------------------------------------------------------
 */

static void client_read(struct sqlite_query *q, void *to)
{
    struct oauth_client *ret = to;
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_text(q, 0, ret->id, sizeof(ret->id));
    sqlite_query_get_text(q, 1, ret->name, sizeof(ret->name));
    ret->confidential = sqlite3_column_bytes(q->stmt, 2) > 0;
    if (ret->confidential)
        sqlite_query_get_blob(q, 2, ret->secret_sha256, sizeof(ret->secret_sha256));
    ret->grants = (unsigned)sqlite_query_get_int(q, 3);
    ret->created_ns = sqlite_query_get_int(q, 4);
}

static const struct sqlite_row client_row = {sizeof(struct oauth_client), client_read};

static enum sg_err client_add_run(struct sqlite_conn *c, void *ctx)
{
    const struct oauth_client *client = ctx;
    bool taken = false;
    enum sg_err err = is_taken(c, SG_SQL_CLIENT_GET, client->id, &taken);
    if (err || taken)
        return err ? err : SG_ERR_NAME_TAKEN;
    err = check_room(c, SG_SQL_CLIENT_COUNT, SG_OAUTH_CLIENTS);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_CLIENT_INSERT);
    sqlite_query_text(&q, client->id);
    sqlite_query_text(&q, client->name);
    sqlite_query_blob(&q, client->secret_sha256, client->confidential ? SG_DIGEST_SIZE : 0);
    sqlite_query_int(&q, client->grants);
    sqlite_query_int(&q, client->created_ns);
    return sqlite_query_run(&q);
}

static enum sg_err client_add(void *self, const struct oauth_client *client)
{
    struct oauth_client copy = *client;
    return sqlite_write(self, client_add_run, &copy);
}

static enum sg_err client_get(void *self, const char *id, struct oauth_client *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_CLIENT_GET);
    sqlite_query_text(&q, id);
    return sqlite_query_one(&q, &client_row, ret);
}

static enum sg_err client_list(void *self, size_t limit, struct oauth_client *ret,
                               size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_CLIENT_LIST);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &client_row, limit, ret, ret_count);
}

static enum sg_err client_remove_run(struct sqlite_conn *c, void *ctx)
{
    const char *const *id = ctx;
    /* First: without its client an audience would be that of whoever has its name as an id. */
    enum sg_err err = remove_all(c, SG_SQL_AUDIENCE_OF_CLIENT, *id);
    if (!err)
        err = remove_one(c, SG_SQL_CLIENT_REMOVE, *id);
    if (!err)
        err = remove_all(c, SG_SQL_CLIENT_DEVICES, *id);
    return err ? err : remove_all(c, SG_SQL_CLIENT_SESSIONS, *id);
}

static enum sg_err client_remove(void *self, const char *id)
{
    return sqlite_write(self, client_remove_run, &id);
}

/* -- audiences -----------------------------------------------------------------------------------
 */

static void audience_read(struct sqlite_query *q, void *to)
{
    struct oauth_audience *ret = to;
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_text(q, 0, ret->audience, sizeof(ret->audience));
    sqlite_query_get_text(q, 1, ret->name, sizeof(ret->name));
    ret->scopes = (unsigned)sqlite_query_get_int(q, 2);
    ret->created_ns = sqlite_query_get_int(q, 3);
    sqlite_query_get_text(q, 4, ret->client_id, sizeof(ret->client_id));
}

static const struct sqlite_row audience_row = {sizeof(struct oauth_audience), audience_read};

static enum sg_err audience_add_run(struct sqlite_conn *c, void *ctx)
{
    const struct oauth_audience *audience = ctx;
    bool taken = false, there = audience->client_id[0] == '\0';
    enum sg_err err = is_taken(c, SG_SQL_AUDIENCE_GET, audience->audience, &taken);
    if (err || taken)
        return err ? err : SG_ERR_NAME_TAKEN;
    if (!there)
        err = is_taken(c, SG_SQL_CLIENT_GET, audience->client_id, &there);
    if (err || !there)
        return err ? err : SG_ERR_NOT_FOUND;
    err = check_room(c, SG_SQL_AUDIENCE_COUNT, SG_OAUTH_CLIENTS);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_AUDIENCE_INSERT);
    sqlite_query_text(&q, audience->audience);
    sqlite_query_text(&q, audience->name);
    sqlite_query_int(&q, audience->scopes);
    sqlite_query_int(&q, audience->created_ns);
    sqlite_query_text(&q, audience->client_id[0] != '\0' ? audience->client_id : NULL);
    return sqlite_query_run(&q);
}

static enum sg_err audience_add(void *self, const struct oauth_audience *audience)
{
    struct oauth_audience copy = *audience;
    return sqlite_write(self, audience_add_run, &copy);
}

static enum sg_err audience_get(void *self, const char *audience, struct oauth_audience *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_AUDIENCE_GET);
    sqlite_query_text(&q, audience);
    return sqlite_query_one(&q, &audience_row, ret);
}

static enum sg_err audience_list(void *self, size_t limit, struct oauth_audience *ret,
                                 size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_AUDIENCE_LIST);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &audience_row, limit, ret, ret_count);
}

static enum sg_err audience_remove_run(struct sqlite_conn *c, void *ctx)
{
    return remove_one(c, SG_SQL_AUDIENCE_REMOVE, *(const char *const *)ctx);
}

static enum sg_err audience_remove(void *self, const char *audience)
{
    return sqlite_write(self, audience_remove_run, &audience);
}

/* -- revoked tokens ------------------------------------------------------------------------------
 */

static enum sg_err revoke_run(struct sqlite_conn *c, void *ctx)
{
    const struct revoked_token *token = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_REVOKED_INSERT);
    sqlite_query_text(&q, token->jti);
    sqlite_query_int(&q, token->expires_ns);
    return sqlite_query_run(&q);
}

static enum sg_err revoke(void *self, const struct revoked_token *token)
{
    struct revoked_token copy = *token;
    return sqlite_write(self, revoke_run, &copy);
}

static void revoked_read(struct sqlite_query *q, void *to)
{
    struct revoked_token *ret = to;
    sqlite_query_get_text(q, 0, ret->jti, sizeof(ret->jti));
    ret->expires_ns = sqlite_query_get_int(q, 1);
}

static enum sg_err revoked(void *self, int64_t now_ns, size_t limit, struct revoked_token *ret,
                           size_t *ret_count)
{
    static const struct sqlite_row row = {sizeof(struct revoked_token), revoked_read};
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_REVOKED_LIST);
    sqlite_query_int(&q, now_ns);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &row, limit, ret, ret_count);
}

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    const int64_t *before_ns = ctx;
    enum sg_err err = sqlite_query_run_int(c, SG_SQL_DEVICE_PRUNE, *before_ns);
    return err ? err : sqlite_query_run_int(c, SG_SQL_REVOKED_PRUNE, *before_ns);
}

static enum sg_err prune(void *self, int64_t before_ns)
{
    return sqlite_write(self, prune_run, &before_ns);
}

const struct oauth_vtable sqlite_oauth_vtable = {
    .client_add = client_add,
    .client_get = client_get,
    .client_list = client_list,
    .client_remove = client_remove,
    .audience_add = audience_add,
    .audience_get = audience_get,
    .audience_list = audience_list,
    .audience_remove = audience_remove,
    .device_add = sqlite_device_add,
    .device_get = sqlite_device_get,
    .device_decide = sqlite_device_decide,
    .device_poll = sqlite_device_poll,
    .revoke = revoke,
    .revoked = revoked,
    .prune = prune,
};
