/* SPDX-License-Identifier: Apache-2.0 */
/* Client certificates in SQLite. A row outlives its user, so that the certificate can still be put
 * on the revocation list; nobody is shown it then. */
#include "store/sqlite_internal.h"

#include <string.h>

#include "store/certificates.h"

/* Columns as in SG_CERTIFICATE_COLUMNS. */
static void certificate_read(struct sqlite_query *q, void *to)
{
    struct certificate_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_blob(q, 0, ret->id, sizeof(ret->id));
    ret->user_id = sqlite_query_get_int(q, 1);
    sqlite_query_get_text(q, 2, ret->user, sizeof(ret->user));
    ret->user_disabled = sqlite_query_get_int(q, 3) != 0;
    sqlite_query_get_text(q, 4, ret->name, sizeof(ret->name));
    sqlite_query_get_blob(q, 5, ret->sha256, sizeof(ret->sha256));
    ret->not_before_ns = sqlite_query_get_int(q, 6);
    ret->not_after_ns = sqlite_query_get_int(q, 7);
    ret->created_ns = sqlite_query_get_int(q, 8);
    ret->revoked_ns = sqlite_query_get_int(q, 9);
}

static const struct sqlite_row certificate_row = {sizeof(struct certificate_record),
                                                  certificate_read};

/* -- add ----------------------------------------------------------------------------------------
 */

struct add_job {
    const struct certificate_record *certificate;
    const uint8_t *der;
    size_t len;
    size_t limit;
};

static enum sg_err check_room(struct sqlite_conn *c, const struct add_job *job)
{
    struct sqlite_query q;
    int64_t n[2]; /* live ones, all */
    sqlite_query_begin(&q, c, SG_SQL_CERTIFICATE_COUNT);
    sqlite_query_int(&q, job->certificate->user_id);
    sqlite_query_int(&q, job->certificate->created_ns);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (err)
        return err;
    return (uint64_t)n[0] < job->limit && (uint64_t)n[1] < SG_CERTIFICATES_REVOKED_TOO * job->limit
               ? SG_OK
               : SG_ERR_LIMIT;
}

static enum sg_err add_run(struct sqlite_conn *c, void *ctx)
{
    const struct add_job *job = ctx;
    const struct certificate_record *r = job->certificate;
    struct sqlite_query q;
    enum sg_err err = sqlite_members_user_there(c, r->user_id);
    if (!err)
        err = check_room(c, job);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_CERTIFICATE_INSERT);
    sqlite_query_blob(&q, r->id, sizeof(r->id));
    sqlite_query_int(&q, r->user_id);
    sqlite_query_text(&q, r->name);
    sqlite_query_blob(&q, r->sha256, sizeof(r->sha256));
    sqlite_query_blob(&q, job->der, job->len);
    sqlite_query_int(&q, r->not_before_ns);
    sqlite_query_int(&q, r->not_after_ns);
    sqlite_query_int(&q, r->created_ns);
    return sqlite_query_run(&q);
}

static enum sg_err certificates_add(void *self, const struct certificate_record *certificate,
                                    const uint8_t *der, size_t len, size_t limit)
{
    struct add_job job = {.certificate = certificate, .der = der, .len = len, .limit = limit};
    return sqlite_write(self, add_run, &job);
}

/* -- reading ------------------------------------------------------------------------------------
 */

static enum sg_err certificates_get(void *self, const uint8_t *id, struct certificate_record *ret,
                                    struct buf *ret_der)
{
    struct certificate_record record;
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_CERTIFICATE_GET);
    sqlite_query_blob(&q, id, SG_CERTIFICATE_ID_SIZE);
    bool found = sqlite_query_next(&q);
    if (found)
        certificate_read(&q, &record);
    if (found && ret_der)
        buf_append(ret_der, sqlite3_column_blob(q.stmt, 10),
                   (size_t)sqlite3_column_bytes(q.stmt, 10));
    enum sg_err err = sqlite_query_end(&q);
    if (!err && !found)
        err = SG_ERR_NOT_FOUND;
    if (!err && ret_der)
        err = buf_status(ret_der);
    if (!err)
        *ret = record;
    return err;
}

static enum sg_err certificates_list_rows(void *self, int64_t user_id, size_t limit,
                                          struct certificate_record *ret, size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, user_id ? SG_SQL_CERTIFICATE_LIST : SG_SQL_CERTIFICATE_LIST_ALL);
    if (user_id)
        sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &certificate_row, limit, ret, ret_count);
}

static enum sg_err certificates_live(void *self, int64_t now_ns, const uint8_t *after, size_t limit,
                                     struct certificate_record *ret, size_t *ret_count)
{
    static const uint8_t first[SG_CERTIFICATE_ID_SIZE];
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_CERTIFICATE_LIVE);
    sqlite_query_blob(&q, after ? after : first, SG_CERTIFICATE_ID_SIZE);
    sqlite_query_int(&q, now_ns);
    sqlite_query_int(&q, (int64_t)limit);
    return sqlite_query_rows(&q, &certificate_row, limit, ret, ret_count);
}

/* -- changes ------------------------------------------------------------------------------------
 */

struct revoke_job {
    const uint8_t *id;
    int64_t now_ns;
};

static enum sg_err revoke_run(struct sqlite_conn *c, void *ctx)
{
    const struct revoke_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_CERTIFICATE_REVOKE);
    sqlite_query_blob(&q, job->id, SG_CERTIFICATE_ID_SIZE);
    sqlite_query_int(&q, job->now_ns);
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
}

static enum sg_err certificates_revoke_row(void *self, const uint8_t *id, int64_t now_ns)
{
    struct revoke_job job = {.id = id, .now_ns = now_ns};
    return sqlite_write(self, revoke_run, &job);
}

static enum sg_err prune_run(struct sqlite_conn *c, void *ctx)
{
    const int64_t *before_ns = ctx;
    return sqlite_query_run_int(c, SG_SQL_CERTIFICATE_PRUNE, *before_ns);
}

static enum sg_err certificates_prune_rows(void *self, int64_t before_ns)
{
    return sqlite_write(self, prune_run, &before_ns);
}

const struct certificates_vtable sqlite_certificates_vtable = {
    .add = certificates_add,
    .get = certificates_get,
    .list = certificates_list_rows,
    .revoke = certificates_revoke_row,
    .live = certificates_live,
    .prune = certificates_prune_rows,
};
