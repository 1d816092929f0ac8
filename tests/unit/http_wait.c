/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the tests of waiting requests. */
#include "http_wait.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "http/request.h"

#define ROOM_MAX 10000

atomic_int http_wait_begun;
atomic_int http_wait_ended;
atomic_int http_wait_now;
atomic_int http_wait_deferred;

struct guest {
    int place; /* in the room, from 1; 0: not there */
    unsigned seen;
    unsigned line;
    int64_t end;
    int64_t ms;
    int64_t us;
    int64_t times;
    pthread_t thread;
    bool has_thread;
    atomic_bool committed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct request *room[ROOM_MAX];
static unsigned counted;

void http_wait_publish(void)
{
    pthread_mutex_lock(&lock);
    counted++;
    for (int i = 0; i < ROOM_MAX; i++)
        if (room[i] != NULL)
            request_wake(room[i]);
    pthread_mutex_unlock(&lock);
}

bool http_wait_until(int count)
{
    for (int i = 0; i < 2000 && atomic_load(&http_wait_now) != count; i++)
        usleep(5000);
    return atomic_load(&http_wait_now) == count;
}

static enum sg_err begin(struct request *r)
{
    struct guest *g = request_state(r);
    enum sg_err err;

    atomic_fetch_add(&http_wait_begun, 1);
    err = request_query_int(r, "ms", 0, 100000, 0, &g->ms);
    if (err == SG_OK)
        err = request_query_int(r, "us", 0, 100000, 0, &g->us);
    if (err == SG_OK)
        err = request_query_int(r, "n", 0, 100000, 0, &g->times);
    if (err == SG_OK)
        err = request_query_int(r, "end", 0, 100000000, 100000, &g->end);
    return err;
}

static void enter(struct request *r)
{
    struct guest *g = request_state(r);

    pthread_mutex_lock(&lock);
    g->seen = counted;
    for (int i = 0; i < ROOM_MAX && g->place == 0; i++) {
        if (room[i] == NULL) {
            room[i] = r;
            g->place = i + 1;
        }
    }
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&http_wait_now, 1);
}

static bool has_news(struct guest *g)
{
    bool news;

    pthread_mutex_lock(&lock);
    news = g->seen != counted;
    g->seen = counted;
    pthread_mutex_unlock(&lock);
    return news;
}

static void end(struct request *r)
{
    struct guest *g = request_state(r);

    if (g->has_thread)
        pthread_join(g->thread, NULL);
    if (g->place > 0) {
        pthread_mutex_lock(&lock);
        room[g->place - 1] = NULL;
        pthread_mutex_unlock(&lock);
        atomic_fetch_sub(&http_wait_now, 1);
    }
    atomic_fetch_add(&http_wait_ended, 1);
}

static enum sg_err answer(struct request *r, const char *text)
{
    reply_bytes(r, 200, "text/plain", text, strlen(text));
    return SG_OK;
}

static enum sg_err hello(struct request *r)
{
    return answer(r, "hello\n");
}

/* -- waits ----------------------------------------------------------------------------------------
 */

static enum sg_err wait_run(struct request *r)
{
    struct guest *g = request_state(r);

    enter(r);
    request_wait(r, (unsigned)g->ms, true);
    return SG_OK;
}

static enum sg_err wait_at_once(struct request *r, bool *ret_done)
{
    (void)ret_done;
    return wait_run(r);
}

static enum sg_err wait_woken(struct request *r, enum request_wake why)
{
    struct guest *g = request_state(r);

    if (why != request_woken_by(r))
        abort();
    if (has_news(g))
        return answer(r, "news\n");
    if (why == SG_WAKE_TIMEOUT)
        return answer(r, "timeout\n");
    if (why == SG_WAKE_DRAIN)
        return answer(r, "drain\n");
    request_wait(r, (unsigned)g->ms, true);
    return SG_OK;
}

static enum sg_err stubborn_woken(struct request *r, enum request_wake why)
{
    (void)why;
    request_wait(r, 0, true);
    return SG_OK;
}

/* A wake that comes before the request sleeps. */
static enum sg_err early_run(struct request *r)
{
    request_wake(r);
    request_wake(r);
    request_wait(r, 0, true);
    return SG_OK;
}

static enum sg_err early_woken(struct request *r, enum request_wake why)
{
    return answer(r, why == SG_WAKE_CALLED ? "early\n" : "?\n");
}

static void *commit_main(void *arg)
{
    struct request *r = arg;
    struct guest *g = request_state(r);

    if (g->us > 0)
        usleep((unsigned)g->us);
    atomic_store(&g->committed, true);
    request_wake(r);
    return NULL;
}

static enum sg_err commit_run(struct request *r)
{
    struct guest *g = request_state(r);

    g->has_thread = pthread_create(&g->thread, NULL, commit_main, r) == 0;
    request_wait(r, 0, false);
    return SG_OK;
}

static enum sg_err commit_woken(struct request *r, enum request_wake why)
{
    struct guest *g = request_state(r);

    if (why != SG_WAKE_CALLED)
        abort();
    if (!atomic_load(&g->committed)) {
        request_wait(r, 0, false);
        return SG_OK;
    }
    reply_header(r, "X-Committed", "yes");
    return answer(r, "committed\n");
}

/* Two threads at once keep waking it. */
static void *nag_main(void *arg)
{
    struct request *r = arg;
    struct guest *g = request_state(r);

    for (int64_t i = 0; i < g->times * 3; i++) {
        request_wake(r);
        if (i % 7 == 0)
            usleep(20);
    }
    atomic_store(&g->committed, true);
    request_wake(r);
    return NULL;
}

static enum sg_err again_run(struct request *r)
{
    struct guest *g = request_state(r);

    g->has_thread = pthread_create(&g->thread, NULL, nag_main, r) == 0;
    request_wait(r, 0, true);
    return SG_OK;
}

static enum sg_err again_woken(struct request *r, enum request_wake why)
{
    struct guest *g = request_state(r);

    (void)why;
    if (!atomic_load(&g->committed)) {
        request_wait(r, 0, true);
        return SG_OK;
    }
    return answer(r, "again\n");
}

/* -- deferred to the pool -------------------------------------------------------------------------
 */

/* The second time, on another thread than its event loop: waits once more. */
static enum sg_err defer_run(struct request *r)
{
    struct guest *g = request_state(r);

    if (g->line++ == 0)
        enter(r);
    else if (pthread_equal(g->thread, pthread_self()))
        abort();
    else
        atomic_fetch_add(&http_wait_deferred, 1);
    request_wait(r, 0, true);
    return SG_OK;
}

static enum sg_err defer_woken(struct request *r, enum request_wake why)
{
    struct guest *g = request_state(r);

    (void)why;
    g->thread = pthread_self();
    if (!has_news(g))
        request_wait(r, 0, true);
    else if (g->line == 1)
        request_defer(r);
    else
        return answer(r, "deferred\n");
    return SG_OK;
}

/* A line after each run in the pool; with n, that many and then one that fails. */
static enum sg_err defer_fill(struct request *r, char *to, size_t max, size_t *ret_len,
                              bool *ret_end)
{
    struct guest *g = request_state(r);

    g->thread = pthread_self();
    if (g->line == g->seen) {
        if (g->line % 3 == 0 && g->ms <= g->line) { /* once: it is to look again */
            g->ms = g->line + 1;
            request_wake(r);
        }
        request_defer(r);
        return SG_OK;
    }
    *ret_len = (size_t)snprintf(to, max, "line %u\n", ++g->line);
    *ret_end = g->line >= g->end;
    return SG_OK;
}

static enum sg_err defer_stream_run(struct request *r)
{
    struct guest *g = request_state(r);

    if (g->place == 0) {
        enter(r);
        g->seen = 0;
        reply_stream(r, "text/plain", defer_fill);
        return SG_OK;
    }
    if (pthread_equal(g->thread, pthread_self()))
        abort();
    usleep((unsigned)g->us);
    g->seen++;
    return g->times > 0 && g->seen > g->times ? SG_ERR_FORBIDDEN : SG_OK;
}

/* -- streams --------------------------------------------------------------------------------------
 */

static enum sg_err stream_fill(struct request *r, char *to, size_t max, size_t *ret_len,
                               bool *ret_end)
{
    struct guest *g = request_state(r);
    bool drain = request_woken_by(r) == SG_WAKE_DRAIN;

    if (max < 1024)
        abort();
    pthread_mutex_lock(&lock);
    if (g->line < counted - g->seen) {
        *ret_len = (size_t)snprintf(to, max, "line %u\n", ++g->line);
        *ret_end = g->line >= g->end;
    }
    pthread_mutex_unlock(&lock);
    if (*ret_len == 0 && drain && g->times == 0) {
        g->times = 1;
        *ret_len = (size_t)snprintf(to, max, "bye\n");
    } else if (*ret_len == 0 && request_woken_by(r) == SG_WAKE_TIMEOUT && g->times++ < 2) {
        *ret_len = (size_t)snprintf(to, max, ":\n");
    } else if (*ret_len == 0) {
        request_wait(r, (unsigned)g->ms, true);
    }
    return SG_OK;
}

static enum sg_err flood_fill(struct request *r, char *to, size_t max, size_t *ret_len,
                              bool *ret_end)
{
    (void)r;
    memset(to, 'x', max);
    *ret_len = max;
    *ret_end = false;
    return SG_OK;
}

static enum sg_err broken_fill(struct request *r, char *to, size_t max, size_t *ret_len,
                               bool *ret_end)
{
    struct guest *g = request_state(r);

    (void)max;
    (void)ret_end;
    if (g->line++ > 0)
        return SG_ERR_FORBIDDEN;
    memcpy(to, "one\n", 4);
    *ret_len = 4;
    return SG_OK;
}

/* Ends without anything after the last bytes. */
static enum sg_err big_fill(struct request *r, char *to, size_t max, size_t *ret_len, bool *ret_end)
{
    struct guest *g = request_state(r);
    size_t left = (size_t)(g->end - g->ms);
    size_t n = max < left ? max : left;

    for (size_t i = 0; i < n; i++)
        to[i] = (char)('a' + (g->ms + (int64_t)i) % 23);
    g->ms += (int64_t)n;
    *ret_len = n;
    *ret_end = n == 0;
    return SG_OK;
}

static enum sg_err stream_run(struct request *r)
{
    enter(r);
    reply_header(r, "X-Stream", "yes");
    reply_stream(r, "text/event-stream", stream_fill);
    return SG_OK;
}

static enum sg_err flood_run(struct request *r)
{
    enter(r);
    reply_stream(r, "text/plain", flood_fill);
    return SG_OK;
}

static enum sg_err broken_run(struct request *r)
{
    reply_stream(r, "text/plain", broken_fill);
    return SG_OK;
}

static enum sg_err big_run(struct request *r)
{
    reply_stream(r, "text/plain", big_fill);
    return SG_OK;
}

/* -- others ---------------------------------------------------------------------------------------
 */

static enum sg_err any(struct request *r)
{
    size_t len;
    const uint8_t *body = request_body(r, &len);

    reply_bytes(r, 200, request_content_type(r)[0] != '\0' ? request_content_type(r) : "x/none",
                body, len);
    return SG_OK;
}

static enum sg_err problem(struct request *r)
{
    request_problem(r, "\"oldest\":\"e.1\",\"newest\":\"e.9\"");
    return request_fail(r, SG_ERR_CONFLICT, "too old");
}

#define STATE .state_size = sizeof(struct guest), .begin = begin, .end = end
static const struct operation hello_op = {STATE, .run = hello};
static const struct operation wait_op = {STATE, .run = wait_run, .woken = wait_woken};
static const struct operation at_once_op = {STATE, .run = wait_run, .run_at_once = wait_at_once,
                                            .woken = wait_woken};
static const struct operation stubborn_op = {STATE, .run = wait_run, .woken = stubborn_woken};
static const struct operation early_op = {STATE, .run = early_run, .woken = early_woken};
static const struct operation commit_op = {STATE, .run = commit_run, .woken = commit_woken};
static const struct operation again_op = {STATE, .run = again_run, .woken = again_woken};
static const struct operation defer_op = {STATE, .run = defer_run, .woken = defer_woken};
static const struct operation defer_stream_op = {STATE, .run = defer_stream_run};
static const struct operation stream_op = {STATE, .run = stream_run};
static const struct operation flood_op = {STATE, .run = flood_run};
static const struct operation broken_op = {STATE, .run = broken_run};
static const struct operation big_op = {STATE, .run = big_run};
static const struct operation any_op = {STATE, .run = any};
static const struct operation problem_op = {STATE, .run = problem};

#define ROW(m, p, id, b, max, blocking, op)                                                        \
    {                                                                                              \
        .method = (m), .pattern = (p), .operation_id = (id), .body = (b), .body_max = (max),       \
        .blocks = (blocking), .operation = (op)                                                    \
    }

static const struct route routes[] = {
    ROW(SG_METHOD_GET, "/hello", "hello", SG_BODY_NONE, 0, false, &hello_op),
    ROW(SG_METHOD_GET, "/wait", "wait", SG_BODY_NONE, 0, false, &wait_op),
    ROW(SG_METHOD_GET, "/job-wait", "job_wait", SG_BODY_NONE, 0, true, &wait_op),
    ROW(SG_METHOD_GET, "/at-once-wait", "at_once_wait", SG_BODY_NONE, 0, true, &at_once_op),
    ROW(SG_METHOD_GET, "/drain-again", "drain_again", SG_BODY_NONE, 0, false, &stubborn_op),
    ROW(SG_METHOD_GET, "/early", "early", SG_BODY_NONE, 0, false, &early_op),
    ROW(SG_METHOD_GET, "/job-early", "job_early", SG_BODY_NONE, 0, true, &early_op),
    ROW(SG_METHOD_POST, "/commit", "commit", SG_BODY_ANY, 1000, false, &commit_op),
    ROW(SG_METHOD_POST, "/job-commit", "job_commit", SG_BODY_ANY, 1000, true, &commit_op),
    ROW(SG_METHOD_GET, "/again", "again", SG_BODY_NONE, 0, false, &again_op),
    ROW(SG_METHOD_GET, "/defer-wait", "defer_wait", SG_BODY_NONE, 0, false, &defer_op),
    ROW(SG_METHOD_GET, "/defer-stream", "defer_stream", SG_BODY_NONE, 0, false, &defer_stream_op),
    ROW(SG_METHOD_GET, "/stream", "stream", SG_BODY_NONE, 0, false, &stream_op),
    ROW(SG_METHOD_GET, "/job-stream", "job_stream", SG_BODY_NONE, 0, true, &stream_op),
    ROW(SG_METHOD_GET, "/flood", "flood", SG_BODY_NONE, 0, false, &flood_op),
    ROW(SG_METHOD_GET, "/broken", "broken", SG_BODY_NONE, 0, false, &broken_op),
    ROW(SG_METHOD_GET, "/big", "big", SG_BODY_NONE, 0, false, &big_op),
    ROW(SG_METHOD_POST, "/any", "any", SG_BODY_ANY, 1000, false, &any_op),
    ROW(SG_METHOD_GET, "/problem", "problem", SG_BODY_NONE, 0, false, &problem_op),
};

void http_wait_config(struct server_config *config)
{
    memset(config, 0, sizeof *config);
    config->routes = routes;
    config->route_count = sizeof routes / sizeof routes[0];
    server_limits_default(&config->limits);
    config->limits.event_threads = 2;
    config->limits.connections_per_address = 0;
}
