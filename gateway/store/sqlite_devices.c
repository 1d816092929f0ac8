/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that wait to be let in (RFC 8628), in SQLite. It decides nothing but what must be decided
 * in one transaction. */
#include "store/sqlite_internal.h"

#include <string.h>

#include "base/place.h"

#define SLOWER_S 5 /* RFC 8628, section 3.5 */

static void device_from_row(struct sqlite_query *q, struct device_grant *ret)
{
    memset(ret, 0, sizeof(*ret));
    sqlite_query_get_blob(q, 0, ret->device_sha256, sizeof(ret->device_sha256));
    sqlite_query_get_blob(q, 1, ret->user_sha256, sizeof(ret->user_sha256));
    sqlite_query_get_text(q, 2, ret->client_id, sizeof(ret->client_id));
    ret->scopes = (unsigned)sqlite_query_get_int(q, 3);
    sqlite_query_get_text(q, 4, ret->address, sizeof(ret->address));
    ret->state = (enum device_state)sqlite_query_get_int(q, 5);
    ret->user_id = sqlite_query_get_int(q, 6);
    ret->created_ns = sqlite_query_get_int(q, 7);
    ret->expires_ns = sqlite_query_get_int(q, 8);
    ret->polled_ns = sqlite_query_get_int(q, 9);
    ret->interval_s = (unsigned)sqlite_query_get_int(q, 10);
}

/* The one that waits under a user code. */
static enum sg_err device_find(struct sqlite_conn *c, const uint8_t *user_sha256, int64_t now_ns,
                               struct device_grant *ret)
{
    struct sqlite_query q;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_GET);
    sqlite_query_blob(&q, user_sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, now_ns);
    enum sg_err err = sqlite_query_step(&q, &row);
    if (!err && row)
        device_from_row(&q, ret);
    err = sqlite_query_end(&q);
    return err ? err : row ? SG_OK : SG_ERR_NOT_FOUND;
}

struct device_add_job {
    const struct device_grant *grant;
    size_t in_all, of_address;
};

static enum sg_err device_room(struct sqlite_conn *c, const struct device_add_job *job)
{
    struct sqlite_query q;
    char place[SG_PLACE_SIZE];
    bool row = false, room = false;
    place_text(job->grant->address, place);
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_COUNT);
    sqlite_query_text(&q, place);
    enum sg_err err = sqlite_query_step(&q, &row);
    if (!err && row)
        room = (uint64_t)sqlite_query_get_int(&q, 0) < job->in_all &&
               (uint64_t)sqlite_query_get_int(&q, 1) < job->of_address;
    err = sqlite_query_end(&q);
    return err ? err : room ? SG_OK : SG_ERR_LIMIT;
}

static enum sg_err device_add_run(struct sqlite_conn *c, void *ctx)
{
    const struct device_add_job *job = ctx;
    const struct device_grant *g = job->grant;
    struct device_grant there;
    char place[SG_PLACE_SIZE];
    place_text(g->address, place);
    enum sg_err err = sqlite_query_run_int(c, SG_SQL_DEVICE_PRUNE, g->created_ns);
    if (!err)
        err = device_room(c, job);
    if (!err) {
        err = device_find(c, g->user_sha256, g->created_ns, &there);
        err = err == SG_ERR_NOT_FOUND ? SG_OK : err ? err : SG_ERR_NAME_TAKEN;
    }
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_INSERT);
    sqlite_query_blob(&q, g->device_sha256, SG_DIGEST_SIZE);
    sqlite_query_blob(&q, g->user_sha256, SG_DIGEST_SIZE);
    sqlite_query_text(&q, g->client_id);
    sqlite_query_int(&q, g->scopes);
    sqlite_query_text(&q, g->address);
    sqlite_query_text(&q, place);
    sqlite_query_int(&q, SG_DEVICE_WAITS);
    sqlite_query_int(&q, g->created_ns);
    sqlite_query_int(&q, g->expires_ns);
    sqlite_query_int(&q, g->polled_ns);
    sqlite_query_int(&q, g->interval_s);
    return sqlite_query_run(&q);
}

enum sg_err sqlite_device_add(void *self, const struct device_grant *grant, size_t in_all,
                              size_t of_address)
{
    struct device_add_job job = {.grant = grant, .in_all = in_all, .of_address = of_address};
    return sqlite_write(self, device_add_run, &job);
}

enum sg_err sqlite_device_get(void *self, const uint8_t *user_sha256, int64_t now_ns,
                              struct device_grant *ret)
{
    struct sqlite_conn *c = NULL;
    struct device_grant grant;
    enum sg_err err = sqlite_conn_acquire(self, &c);
    if (!err) {
        err = device_find(c, user_sha256, now_ns, &grant);
        sqlite_conn_release(self, c);
    }
    if (!err)
        *ret = grant;
    return err;
}

/* Else a session that has just ended could let a device in that nothing ends any more. */
static enum sg_err session_there(struct sqlite_conn *c, const uint8_t *id)
{
    struct sqlite_query q;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_GET);
    sqlite_query_blob(&q, id, SG_SESSION_ID_SIZE);
    enum sg_err err = sqlite_query_step(&q, &row);
    err = sqlite_query_end(&q);
    return err ? err : row ? SG_OK : SG_ERR_SESSION_ENDED;
}

static enum sg_err decide_run(struct sqlite_conn *c, void *ctx)
{
    const struct device_decision *d = ctx;
    enum sg_err err = session_there(c, d->session_id);
    if (err)
        return err;
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_DECIDE);
    sqlite_query_blob(&q, d->user_sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, d->now_ns);
    sqlite_query_int(&q, d->approve ? SG_DEVICE_APPROVED : SG_DEVICE_DENIED);
    sqlite_query_int(&q, d->user_id);
    sqlite_query_int(&q, d->scopes);
    err = sqlite_query_run(&q);
    return err ? err : sqlite3_changes(c->db) == 0 ? SG_ERR_NOT_FOUND : SG_OK;
}

enum sg_err sqlite_device_decide(void *self, const struct device_decision *d)
{
    struct device_decision copy = *d;
    return sqlite_write(self, decide_run, &copy);
}

struct poll_job {
    const uint8_t *device_sha256;
    const char *client_id;
    int64_t now_ns;
    struct device_grant *ret;
    enum device_poll answer;
};

/* What the device is told, and the next moment at which it may ask. */
static enum device_poll judge(struct device_grant *g, int64_t now_ns)
{
    bool soon = now_ns - g->polled_ns < (int64_t)g->interval_s * 1000000000;
    if (g->expires_ns <= now_ns)
        return SG_POLL_EXPIRED;
    if (g->state == SG_DEVICE_APPROVED)
        return SG_POLL_APPROVED;
    if (g->state == SG_DEVICE_DENIED)
        return SG_POLL_DENIED;
    g->polled_ns = now_ns;
    if (soon)
        g->interval_s += SLOWER_S;
    return soon ? SG_POLL_SLOW_DOWN : SG_POLL_PENDING;
}

static enum sg_err poll_run(struct sqlite_conn *c, void *ctx)
{
    struct poll_job *job = ctx;
    struct sqlite_query q;
    bool row = false;
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_POLL);
    sqlite_query_blob(&q, job->device_sha256, SG_DIGEST_SIZE);
    sqlite_query_text(&q, job->client_id);
    enum sg_err err = sqlite_query_step(&q, &row);
    if (!err && row)
        device_from_row(&q, job->ret);
    err = sqlite_query_end(&q);
    if (err || !row)
        return err ? err : SG_ERR_NOT_FOUND;
    job->answer = judge(job->ret, job->now_ns);
    if (job->answer == SG_POLL_APPROVED)
        return SG_OK; /* its session uses it up */
    if (job->answer == SG_POLL_PENDING || job->answer == SG_POLL_SLOW_DOWN) {
        sqlite_query_begin(&q, c, SG_SQL_DEVICE_POLLED);
        sqlite_query_blob(&q, job->device_sha256, SG_DIGEST_SIZE);
        sqlite_query_int(&q, job->ret->polled_ns);
        sqlite_query_int(&q, job->ret->interval_s);
    } else {
        sqlite_query_begin(&q, c, SG_SQL_DEVICE_REMOVE);
        sqlite_query_blob(&q, job->device_sha256, SG_DIGEST_SIZE);
    }
    return sqlite_query_run(&q);
}

enum sg_err sqlite_device_poll(void *self, const uint8_t *device_sha256, const char *client_id,
                               int64_t now_ns, struct device_grant *ret,
                               enum device_poll *ret_answer)
{
    struct device_grant grant = {.user_id = 0};
    struct poll_job job = {
        .device_sha256 = device_sha256, .client_id = client_id, .now_ns = now_ns, .ret = &grant};
    enum sg_err err = sqlite_write(self, poll_run, &job);
    if (!err) {
        *ret = grant;
        *ret_answer = job.answer;
    }
    return err;
}
