/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions and the addresses that users logged in from, in SQLite. It stores digests, never a
 * token. */
#include "store/sqlite_internal.h"

#include <string.h>

#include "base/place.h"

/* Reads a digest that may be missing (empty). */
static bool digest_from_row(struct sqlite_query *q, int column, uint8_t ret[SG_DIGEST_SIZE])
{
    if (sqlite3_column_bytes(q->stmt, column) == 0)
        return false;
    sqlite_query_get_blob(q, column, ret, SG_DIGEST_SIZE);
    return true;
}

static void binding_from_row(struct sqlite_query *q, struct session_record *ret)
{
    int64_t method = sqlite_query_get_int(q, 13);

    if (method < SG_METHOD_PASSWORD || method > SG_METHOD_DEVICE) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return;
    }
    ret->method = (enum session_method)method;
    ret->scopes = (unsigned)sqlite_query_get_int(q, 14);
    sqlite_query_get_text(q, 15, ret->bound_address, sizeof(ret->bound_address));
    ret->has_certificate = digest_from_row(q, 16, ret->certificate_sha256);
    ret->has_dpop = digest_from_row(q, 17, ret->dpop_sha256);
    sqlite_query_get_text(q, 18, ret->client_id, sizeof(ret->client_id));
}

static void bind_binding(struct sqlite_query *q, const struct session_record *s)
{
    sqlite_query_int(q, s->method);
    sqlite_query_int(q, (int64_t)s->scopes);
    sqlite_query_text(q, s->bound_address);
    sqlite_query_blob(q, s->certificate_sha256, s->has_certificate ? SG_DIGEST_SIZE : 0);
    sqlite_query_blob(q, s->dpop_sha256, s->has_dpop ? SG_DIGEST_SIZE : 0);
    sqlite_query_text(q, s->client_id);
}

static void session_read(struct sqlite_query *q, void *to)
{
    struct session_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_blob(q, 0, ret->id, sizeof(ret->id));
    ret->user_id = sqlite_query_get_int(q, 1);
    sqlite_query_get_text(q, 2, ret->address, sizeof(ret->address));
    sqlite_query_get_text(q, 3, ret->device_name, sizeof(ret->device_name));
    sqlite_query_get_text(q, 4, ret->device_mac, sizeof(ret->device_mac));
    ret->created_ns = sqlite_query_get_int(q, 5);
    ret->last_used_ns = sqlite_query_get_int(q, 6);
    ret->expires_ns = sqlite_query_get_int(q, 7);
    sqlite_query_get_blob(q, 8, ret->family_key, sizeof(ret->family_key));
    sqlite_query_get_blob(q, 9, ret->current_sha256, sizeof(ret->current_sha256));
    sqlite_query_get_blob(q, 10, ret->previous_sha256, sizeof(ret->previous_sha256));
    sqlite_query_get_blob(q, 11, ret->salt, sizeof(ret->salt));
    ret->sequence = (uint64_t)sqlite_query_get_int(q, 12);
    binding_from_row(q, ret);
}

static const struct sqlite_row session_row = {sizeof(struct session_record), session_read};

/* Remembers where a user came from; the oldest addresses beyond the limit are forgotten. */
static enum sg_err note_address(struct sqlite_conn *c, int64_t user_id, const char *address,
                                int64_t ns)
{
    struct sqlite_query q;
    char place[SG_PLACE_SIZE];
    place_text(address, place);
    if (place[0] == '\0')
        return SG_OK;
    sqlite_query_begin(&q, c, SG_SQL_ADDRESS_NOTE);
    sqlite_query_int(&q, user_id);
    sqlite_query_text(&q, place);
    sqlite_query_int(&q, ns);
    enum sg_err err = sqlite_query_run(&q);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_ADDRESS_TRIM);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, SG_KNOWN_ADDRESSES);
    return sqlite_query_run(&q);
}

struct create_job {
    const struct session_record *session;
    const struct session_proof *proof; /* NULL: nothing has to be there */
};

static void owner_read(struct sqlite_query *q, void *to)
{
    *(int64_t *)to = sqlite_query_get_int(q, 1);
}

static enum sg_err check_passkey(struct sqlite_conn *c, const struct create_job *job)
{
    static const struct sqlite_row row = {sizeof(int64_t), owner_read};
    struct sqlite_query q;
    int64_t owner = 0;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_GET);
    sqlite_query_blob(&q, job->proof->passkey, job->proof->passkey_len);
    enum sg_err err = sqlite_query_one(&q, &row, &owner);
    if (err == SG_ERR_NOT_FOUND || (!err && owner != job->session->user_id))
        err = SG_ERR_CONFLICT;
    return err;
}

static enum sg_err redeem_device(struct sqlite_conn *c, const struct create_job *job)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_REDEEM);
    sqlite_query_blob(&q, job->proof->device_sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, job->session->user_id);
    sqlite_query_int(&q, job->session->created_ns);
    return sqlite_query_change(&q, SG_ERR_CONFLICT);
}

static enum sg_err check_proof(struct sqlite_conn *c, const struct create_job *job)
{
    enum sg_err err = SG_OK;
    if (job->proof && job->proof->passkey)
        err = check_passkey(c, job);
    if (!err && job->proof && job->proof->device_sha256)
        err = redeem_device(c, job);
    return err;
}

static enum sg_err create_run(struct sqlite_conn *c, void *ctx)
{
    const struct create_job *job = ctx;
    const struct session_record *s = job->session;
    enum sg_err err = sqlite_users_enabled(c, s->user_id);
    if (!err)
        err = check_proof(c, job);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_INSERT);
    sqlite_query_blob(&q, s->id, sizeof(s->id));
    sqlite_query_int(&q, s->user_id);
    sqlite_query_text(&q, s->address);
    sqlite_query_text(&q, s->device_name);
    sqlite_query_text(&q, s->device_mac);
    sqlite_query_int(&q, s->created_ns);
    sqlite_query_int(&q, s->last_used_ns);
    sqlite_query_int(&q, s->expires_ns);
    sqlite_query_blob(&q, s->family_key, sizeof(s->family_key));
    sqlite_query_blob(&q, s->current_sha256, sizeof(s->current_sha256));
    sqlite_query_blob(&q, s->previous_sha256, sizeof(s->previous_sha256));
    sqlite_query_blob(&q, s->salt, sizeof(s->salt));
    sqlite_query_int(&q, (int64_t)s->sequence);
    bind_binding(&q, s);
    sqlite_query_blob(&q, job->proof ? job->proof->passkey : NULL,
                      job->proof ? job->proof->passkey_len : 0);
    err = sqlite_query_run(&q);
    return err ? err : note_address(c, s->user_id, s->address, s->created_ns);
}

static enum sg_err sessions_create(void *self, const struct session_record *session,
                                   const struct session_proof *proof)
{
    struct create_job job = {.session = session, .proof = proof};
    return sqlite_write(self, create_run, &job);
}

static enum sg_err sessions_get(void *self, const uint8_t *id, struct session_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_SESSION_GET);
    sqlite_query_blob(&q, id, SG_SESSION_ID_SIZE);
    return sqlite_query_one(&q, &session_row, ret);
}

static enum sg_err sessions_list(void *self, int64_t user_id, size_t limit,
                                 struct session_record *ret, size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_SESSION_LIST);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &session_row, limit, ret, ret_count);
}

static void id_read(struct sqlite_query *q, void *to)
{
    sqlite_query_get_blob(q, 0, to, SG_SESSION_ID_SIZE);
}

static enum sg_err sessions_beyond(void *self, int64_t user_id, size_t keep, size_t limit,
                                   uint8_t (*ret)[SG_SESSION_ID_SIZE], size_t *ret_count)
{
    static const struct sqlite_row row = {SG_SESSION_ID_SIZE, id_read};
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_SESSION_BEYOND);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    sqlite_query_int(&q, (int64_t)keep);
    return sqlite_query_rows(&q, &row, limit, ret, ret_count);
}

struct rotate_job {
    const struct session_record *next;
    const uint8_t *expected;
};

static enum sg_err rotate_run(struct sqlite_conn *c, void *ctx)
{
    const struct rotate_job *job = ctx;
    const struct session_record *next = job->next;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_ROTATE);
    sqlite_query_blob(&q, next->previous_sha256, SG_DIGEST_SIZE);
    sqlite_query_blob(&q, next->current_sha256, SG_DIGEST_SIZE);
    sqlite_query_blob(&q, next->salt, sizeof(next->salt));
    sqlite_query_text(&q, next->address);
    sqlite_query_int(&q, next->last_used_ns);
    sqlite_query_blob(&q, next->id, SG_SESSION_ID_SIZE);
    sqlite_query_blob(&q, job->expected, SG_DIGEST_SIZE);
    enum sg_err err = sqlite_query_run(&q);
    if (err)
        return err;
    bool swapped = sqlite3_changes(c->db) > 0;
    struct session_record stored;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_GET);
    sqlite_query_blob(&q, next->id, SG_SESSION_ID_SIZE);
    err = sqlite_query_one(&q, &session_row, &stored);
    if (err)
        return err;
    if (!swapped)
        return SG_ERR_CONFLICT;
    return note_address(c, stored.user_id, next->address, next->last_used_ns);
}

static enum sg_err sessions_rotate(void *self, const struct session_record *next,
                                   const uint8_t *expected_current)
{
    struct rotate_job job = {.next = next, .expected = expected_current};
    return sqlite_write(self, rotate_run, &job);
}

struct remove_job {
    const uint8_t *id;
    int64_t user_id;
};

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct remove_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_DELETE);
    sqlite_query_blob(&q, job->id, SG_SESSION_ID_SIZE);
    sqlite_query_int(&q, job->user_id);
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
}

static enum sg_err sessions_remove(void *self, const uint8_t *id, int64_t user_id)
{
    struct remove_job job = {.id = id, .user_id = user_id};
    return sqlite_write(self, remove_run, &job);
}

static enum sg_err sessions_touch(void *self, const uint8_t *id, int64_t now_ns)
{
    struct sqlite_store *s = self;
    sqlite_writer_touch(&s->writer, id, now_ns);
    return SG_OK;
}

static enum sg_err sessions_known_address(void *self, const char *user_name, const char *address,
                                          bool *ret)
{
    struct sqlite_query q;
    char place[SG_PLACE_SIZE];
    place_text(address, place);
    sqlite_query_open(&q, self, SG_SQL_ADDRESS_KNOWN);
    sqlite_query_text(&q, user_name);
    sqlite_query_text(&q, place);
    return sqlite_query_found(&q, ret);
}

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    const int64_t *now_ns = ctx;
    return sqlite_query_run_int(c, SG_SQL_SESSION_PRUNE, *now_ns);
}

static enum sg_err sessions_prune(void *self, int64_t now_ns)
{
    return sqlite_write(self, prune_run, &now_ns);
}

const struct sessions_vtable sqlite_sessions_vtable = {
    .create = sessions_create,
    .get = sessions_get,
    .list = sessions_list,
    .beyond = sessions_beyond,
    .rotate = sessions_rotate,
    .remove = sessions_remove,
    .touch = sessions_touch,
    .known_address = sessions_known_address,
    .prune = sessions_prune,
};
