/* SPDX-License-Identifier: Apache-2.0 */
/* Second factors in SQLite. What is used once (a time step, a recovery code, a counter's value) is
 * checked and noted in one write. */
#include "store/sqlite_internal.h"

#include <string.h>

/* A blob of 1 to `cap` bytes. */
static size_t get_bytes(struct sqlite_query *q, int column, uint8_t *ret, size_t cap)
{
    const void *blob = sqlite3_column_blob(q->stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);
    if (!blob || len > cap) {
        sqlite_query_fail(q, SG_ERR_CORRUPT);
        return 0;
    }
    memcpy(ret, blob, len);
    return len;
}

/* -- reading ------------------------------------------------------------------------------------
 */

static enum sg_err factors_summary(void *self, int64_t user_id, struct factors_summary *ret)
{
    struct sqlite_query q;
    int64_t n[3];
    sqlite_query_open(&q, self, SG_SQL_FACTOR_SUMMARY);
    sqlite_query_int(&q, user_id);
    enum sg_err err = sqlite_query_numbers(&q, 3, n);
    if (!err)
        *ret = (struct factors_summary){
            .totp_confirmed_ns = n[0], .recovery_codes = (size_t)n[1], .passkeys = (size_t)n[2]};
    return err;
}

static void totp_read(struct sqlite_query *q, void *to)
{
    struct totp_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->sealed_len = get_bytes(q, 0, ret->sealed, sizeof(ret->sealed));
    ret->confirmed_ns = sqlite_query_get_int(q, 1);
    ret->last_step = sqlite_query_get_int(q, 2);
    ret->created_ns = sqlite_query_get_int(q, 3);
}

static const struct sqlite_row totp_row = {sizeof(struct totp_record), totp_read};

static enum sg_err factors_totp(void *self, int64_t user_id, struct totp_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_TOTP_GET);
    sqlite_query_int(&q, user_id);
    return sqlite_query_one(&q, &totp_row, ret);
}

static void passkey_read(struct sqlite_query *q, void *to)
{
    struct passkey_record *ret = to;
    memset(ret, 0, sizeof(*ret));
    ret->id_len = get_bytes(q, 0, ret->id, sizeof(ret->id));
    ret->user_id = sqlite_query_get_int(q, 1);
    sqlite_query_get_text(q, 2, ret->name, sizeof(ret->name));
    ret->algorithm = (int)sqlite_query_get_int(q, 3);
    ret->public_key_len = get_bytes(q, 4, ret->public_key, sizeof(ret->public_key));
    ret->sign_count = (uint32_t)sqlite_query_get_int(q, 5);
    ret->created_ns = sqlite_query_get_int(q, 6);
    ret->last_used_ns = sqlite_query_get_int(q, 7);
}

static const struct sqlite_row passkey_row = {sizeof(struct passkey_record), passkey_read};

static enum sg_err factors_passkey(void *self, const uint8_t *id, size_t id_len,
                                   struct passkey_record *ret)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_PASSKEY_GET);
    sqlite_query_blob(&q, id, id_len);
    return sqlite_query_one(&q, &passkey_row, ret);
}

static enum sg_err factors_passkey_list(void *self, int64_t user_id,
                                        struct passkey_record ret[SG_PASSKEYS_PER_USER],
                                        size_t *ret_count)
{
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_PASSKEY_LIST);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, SG_PASSKEYS_PER_USER);
    return sqlite_query_rows(&q, &passkey_row, SG_PASSKEYS_PER_USER, ret, ret_count);
}

/* -- TOTP and recovery codes --------------------------------------------------------------------
 */

struct totp_job {
    int64_t user_id, step;
    const struct totp_record *totp;
    const uint8_t (*codes)[SG_DIGEST_SIZE];
    const uint8_t *code;
};

static enum sg_err begin_run(struct sqlite_conn *c, void *ctx)
{
    const struct totp_job *job = ctx;
    struct sqlite_query q;
    enum sg_err err = sqlite_members_user_there(c, job->user_id);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_TOTP_BEGIN);
    sqlite_query_int(&q, job->user_id);
    sqlite_query_blob(&q, job->totp->sealed, job->totp->sealed_len);
    sqlite_query_int(&q, job->totp->created_ns);
    return sqlite_query_change(&q, SG_ERR_CONFLICT);
}

static enum sg_err factors_totp_begin(void *self, int64_t user_id, const struct totp_record *totp)
{
    struct totp_job job = {.user_id = user_id, .totp = totp};
    return sqlite_write(self, begin_run, &job);
}

static enum sg_err replace_codes(struct sqlite_conn *c, const struct totp_job *job)
{
    enum sg_err err = sqlite_query_run_int(c, SG_SQL_RECOVERY_CLEAR, job->user_id);
    for (size_t i = 0; i < SG_RECOVERY_CODES && !err; i++) {
        struct sqlite_query q;
        sqlite_query_begin(&q, c, SG_SQL_RECOVERY_INSERT);
        sqlite_query_int(&q, job->user_id);
        sqlite_query_blob(&q, job->codes[i], SG_DIGEST_SIZE);
        err = sqlite_query_run(&q);
    }
    return err;
}

static enum sg_err confirm_run(struct sqlite_conn *c, void *ctx)
{
    const struct totp_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOTP_CONFIRM);
    sqlite_query_int(&q, job->totp->confirmed_ns);
    sqlite_query_int(&q, job->totp->last_step);
    sqlite_query_int(&q, job->user_id);
    sqlite_query_blob(&q, job->totp->sealed, job->totp->sealed_len);
    enum sg_err err = sqlite_query_change(&q, SG_ERR_CONFLICT);
    return err ? err : replace_codes(c, job);
}

static enum sg_err factors_totp_confirm(void *self, int64_t user_id, const struct totp_record *totp,
                                        const uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE])
{
    struct totp_job job = {.user_id = user_id, .totp = totp, .codes = codes};
    return sqlite_write(self, confirm_run, &job);
}

static enum sg_err use_run(struct sqlite_conn *c, void *ctx)
{
    const struct totp_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOTP_USE);
    sqlite_query_int(&q, job->user_id);
    sqlite_query_int(&q, job->step);
    return sqlite_query_change(&q, SG_ERR_CONFLICT);
}

static enum sg_err factors_totp_use(void *self, int64_t user_id, int64_t step)
{
    struct totp_job job = {.user_id = user_id, .step = step};
    return sqlite_write(self, use_run, &job);
}

static enum sg_err remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct totp_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_TOTP_REMOVE);
    sqlite_query_int(&q, job->user_id);
    enum sg_err err = sqlite_query_change(&q, SG_ERR_CONFLICT);
    return err ? err : sqlite_query_run_int(c, SG_SQL_RECOVERY_CLEAR, job->user_id);
}

static enum sg_err factors_totp_remove(void *self, int64_t user_id)
{
    struct totp_job job = {.user_id = user_id};
    return sqlite_write(self, remove_run, &job);
}

static enum sg_err recovery_use_run(struct sqlite_conn *c, void *ctx)
{
    const struct totp_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_RECOVERY_USE);
    sqlite_query_int(&q, job->user_id);
    sqlite_query_blob(&q, job->code, SG_DIGEST_SIZE);
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
}

static enum sg_err factors_recovery_use(void *self, int64_t user_id,
                                        const uint8_t sha256[SG_DIGEST_SIZE])
{
    struct totp_job job = {.user_id = user_id, .code = sha256};
    return sqlite_write(self, recovery_use_run, &job);
}

static enum sg_err recovery_replace_run(struct sqlite_conn *c, void *ctx)
{
    const struct totp_job *job = ctx;
    struct sqlite_query q;
    struct totp_record totp;
    sqlite_query_begin(&q, c, SG_SQL_TOTP_GET);
    sqlite_query_int(&q, job->user_id);
    enum sg_err err = sqlite_query_one(&q, &totp_row, &totp);
    if (err == SG_ERR_NOT_FOUND || (!err && totp.confirmed_ns == 0))
        err = SG_ERR_CONFLICT;
    return err ? err : replace_codes(c, job);
}

static enum sg_err factors_recovery_replace(void *self, int64_t user_id,
                                            const uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE])
{
    struct totp_job job = {.user_id = user_id, .codes = codes};
    return sqlite_write(self, recovery_replace_run, &job);
}

/* -- passkeys -----------------------------------------------------------------------------------
 */

static enum sg_err passkey_there(struct sqlite_conn *c, const uint8_t *id, size_t len, bool *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_GET);
    sqlite_query_blob(&q, id, len);
    return sqlite_query_found(&q, ret);
}

/* How many the user has, and whether one has this name; whether anybody has this id. */
static enum sg_err check_room(struct sqlite_conn *c, const struct passkey_record *key)
{
    struct sqlite_query q;
    int64_t n[2]; /* all of the user's, those of this name */
    bool taken = false;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_ROOM);
    sqlite_query_int(&q, key->user_id);
    sqlite_query_text(&q, key->name);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (!err)
        err = passkey_there(c, key->id, key->id_len, &taken);
    if (err)
        return err;
    if (taken)
        return SG_ERR_CONFLICT;
    if (n[1] > 0)
        return SG_ERR_NAME_TAKEN;
    return n[0] >= SG_PASSKEYS_PER_USER ? SG_ERR_LIMIT : SG_OK;
}

static enum sg_err passkey_add_run(struct sqlite_conn *c, void *ctx)
{
    const struct passkey_record *key = ctx;
    struct sqlite_query q;
    enum sg_err err = sqlite_members_user_there(c, key->user_id);
    if (!err)
        err = check_room(c, key);
    if (err)
        return err;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_INSERT);
    sqlite_query_blob(&q, key->id, key->id_len);
    sqlite_query_int(&q, key->user_id);
    sqlite_query_text(&q, key->name);
    sqlite_query_int(&q, key->algorithm);
    sqlite_query_blob(&q, key->public_key, key->public_key_len);
    sqlite_query_int(&q, key->sign_count);
    sqlite_query_int(&q, key->created_ns);
    sqlite_query_int(&q, key->last_used_ns);
    return sqlite_query_run(&q);
}

static enum sg_err factors_passkey_add(void *self, const struct passkey_record *key)
{
    struct passkey_record copy = *key;
    return sqlite_write(self, passkey_add_run, &copy);
}

struct passkey_job {
    const uint8_t *id;
    size_t id_len;
    int64_t user_id, now_ns;
    uint32_t sign_count;
};

static enum sg_err passkey_used_run(struct sqlite_conn *c, void *ctx)
{
    const struct passkey_job *job = ctx;
    struct sqlite_query q;
    bool there = false;
    enum sg_err err = passkey_there(c, job->id, job->id_len, &there);
    if (err || !there)
        return err ? err : SG_ERR_NOT_FOUND;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_USED);
    sqlite_query_int(&q, job->sign_count);
    sqlite_query_int(&q, job->now_ns);
    sqlite_query_blob(&q, job->id, job->id_len);
    return sqlite_query_change(&q, SG_ERR_CONFLICT);
}

static enum sg_err factors_passkey_used(void *self, const uint8_t *id, size_t id_len,
                                        uint32_t sign_count, int64_t now_ns)
{
    struct passkey_job job = {
        .id = id, .id_len = id_len, .sign_count = sign_count, .now_ns = now_ns};
    return sqlite_write(self, passkey_used_run, &job);
}

/* Sessions from before version 5 of the schema do not say which passkey opened them: they end with
 * any. All others go with their passkey by themselves. */
static enum sg_err end_unnamed(struct sqlite_conn *c, int64_t user_id)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_SESSIONS);
    sqlite_query_int(&q, user_id);
    sqlite_query_int(&q, SG_METHOD_PASSKEY);
    return sqlite_query_run(&q);
}

static enum sg_err passkey_remove_run(struct sqlite_conn *c, void *ctx)
{
    const struct passkey_job *job = ctx;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_PASSKEY_REMOVE);
    sqlite_query_int(&q, job->user_id);
    sqlite_query_blob(&q, job->id, job->id_len);
    enum sg_err err = sqlite_query_change(&q, SG_ERR_NOT_FOUND);
    return err ? err : end_unnamed(c, job->user_id);
}

static enum sg_err factors_passkey_remove(void *self, int64_t user_id, const uint8_t *id,
                                          size_t id_len)
{
    struct passkey_job job = {.id = id, .id_len = id_len, .user_id = user_id};
    return sqlite_write(self, passkey_remove_run, &job);
}

static enum sg_err reset_run(struct sqlite_conn *c, void *ctx)
{
    const int64_t *user_id = ctx;
    enum sg_err err = sqlite_query_run_int(c, SG_SQL_TOTP_RESET, *user_id);
    if (!err)
        err = sqlite_query_run_int(c, SG_SQL_RECOVERY_CLEAR, *user_id);
    if (!err)
        err = sqlite_query_run_int(c, SG_SQL_PASSKEY_CLEAR, *user_id);
    return err ? err : end_unnamed(c, *user_id);
}

static enum sg_err factors_reset(void *self, int64_t user_id)
{
    return sqlite_write(self, reset_run, &user_id);
}

const struct factors_vtable sqlite_factors_vtable = {
    .summary = factors_summary,
    .totp = factors_totp,
    .totp_begin = factors_totp_begin,
    .totp_confirm = factors_totp_confirm,
    .totp_use = factors_totp_use,
    .totp_remove = factors_totp_remove,
    .recovery_use = factors_recovery_use,
    .recovery_replace = factors_recovery_replace,
    .passkey_add = factors_passkey_add,
    .passkey = factors_passkey,
    .passkey_list = factors_passkey_list,
    .passkey_used = factors_passkey_used,
    .passkey_remove = factors_passkey_remove,
    .reset = factors_reset,
};
