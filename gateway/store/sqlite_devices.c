/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that wait to be let in (RFC 8628), in SQLite. It decides nothing but what must be decided
 * in one transaction. */
#include "store/sqlite_internal.h"

#include <string.h>

#include "base/place.h"

#define SLOWER_S 5 /* RFC 8628, section 3.5 */

static void device_read(struct sqlite_query *q, void *to)
{
    struct device_grant *ret = to;
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

static const struct sqlite_row device_row = {sizeof(struct device_grant), device_read};

/* Whether one waits under this user code. */
static enum sg_err device_waits(struct sqlite_conn *c, const struct device_grant *g, bool *ret)
{
    struct sqlite_query q;
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_GET);
    sqlite_query_blob(&q, g->user_sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, g->created_ns);
    return sqlite_query_found(&q, ret);
}

struct device_add_job {
    const struct device_grant *grant;
    size_t in_all, of_address;
};

static enum sg_err device_room(struct sqlite_conn *c, const struct device_add_job *job,
                               const char *place)
{
    struct sqlite_query q;
    int64_t n[2]; /* all, those of the place */
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_COUNT);
    sqlite_query_text(&q, place);
    enum sg_err err = sqlite_query_numbers(&q, 2, n);
    if (err)
        return err;
    return (uint64_t)n[0] < job->in_all && (uint64_t)n[1] < job->of_address ? SG_OK : SG_ERR_LIMIT;
}

static enum sg_err device_add_run(struct sqlite_conn *c, void *ctx)
{
    const struct device_add_job *job = ctx;
    const struct device_grant *g = job->grant;
    bool taken = false;
    char place[SG_PLACE_SIZE];
    place_text(g->address, place);
    enum sg_err err = sqlite_query_run_int(c, SG_SQL_DEVICE_PRUNE, g->created_ns);
    if (!err)
        err = device_room(c, job, place);
    if (!err)
        err = device_waits(c, g, &taken);
    if (err || taken)
        return err ? err : SG_ERR_NAME_TAKEN;
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
    struct sqlite_query q;
    sqlite_query_open(&q, self, SG_SQL_DEVICE_GET);
    sqlite_query_blob(&q, user_sha256, SG_DIGEST_SIZE);
    sqlite_query_int(&q, now_ns);
    return sqlite_query_one(&q, &device_row, ret);
}

/* Else a session that has just ended could let a device in that nothing ends any more. */
static enum sg_err session_there(struct sqlite_conn *c, const uint8_t *id)
{
    struct sqlite_query q;
    bool there = false;
    sqlite_query_begin(&q, c, SG_SQL_SESSION_GET);
    sqlite_query_blob(&q, id, SG_SESSION_ID_SIZE);
    enum sg_err err = sqlite_query_found(&q, &there);
    return err ? err : there ? SG_OK : SG_ERR_SESSION_ENDED;
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
    return sqlite_query_change(&q, SG_ERR_NOT_FOUND);
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
    sqlite_query_begin(&q, c, SG_SQL_DEVICE_POLL);
    sqlite_query_blob(&q, job->device_sha256, SG_DIGEST_SIZE);
    sqlite_query_text(&q, job->client_id);
    enum sg_err err = sqlite_query_one(&q, &device_row, job->ret);
    if (err)
        return err;
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
