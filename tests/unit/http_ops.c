/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the server tests. */
#include "http_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "http/request.h"

atomic_int http_ops_begun;
atomic_int http_ops_ended;
atomic_int http_ops_body_delay_us;
atomic_llong http_ops_received;
int http_ops_file = -1;

uint8_t http_ops_byte(uint64_t i)
{
    return (uint8_t)(i * 31 + (i >> 8));
}

static enum sg_err begin(struct request *r)
{
    (void)r;
    atomic_fetch_add(&http_ops_begun, 1);
    return SG_OK;
}

static void end(struct request *r)
{
    (void)r;
    atomic_fetch_add(&http_ops_ended, 1);
}

static enum sg_err hello(struct request *r)
{
    reply_bytes(r, 200, "text/plain", "hello\n", 6);
    return SG_OK;
}

/* In turn: an answer, nothing in memory, an error. */
static enum sg_err at_once(struct request *r, bool *ret_done)
{
    static atomic_int calls;

    switch (atomic_fetch_add(&calls, 1) % 3) {
    case 0:
        *ret_done = true;
        reply_bytes(r, 200, "text/plain", "at once\n", 8);
        return SG_OK;
    case 1:
        return SG_OK;
    default:
        return SG_ERR_CONFLICT;
    }
}

static enum sg_err slow(struct request *r)
{
    int64_t ms = 0;
    enum sg_err err = request_query_int(r, "ms", 0, 10000, 0, &ms);

    if (err != SG_OK)
        return err;
    usleep((unsigned)ms * 1000);
    return hello(r);
}

static enum sg_err echo(struct request *r)
{
    size_t len;
    const uint8_t *body = request_body(r, &len);

    reply_bytes(r, 200, request_content_type(r), body, len);
    return SG_OK;
}

static enum sg_err fail(struct request *r)
{
    const char *code;
    enum sg_err err = request_param(r, "code", &code);

    if (err != SG_OK)
        return err;
    for (int e = 1; e < SG_ERR_COUNT; e++)
        if (strcmp(err_code((enum sg_err)e), code) == 0)
            return request_fail(r, (enum sg_err)e, "detail \"%s\"", code);
    return SG_ERR_NOT_FOUND;
}

static enum sg_err nothing(struct request *r)
{
    (void)r;
    return SG_OK;
}

static enum sg_err file(struct request *r)
{
    const struct reply_file f = {.size = HTTP_FILE_SIZE,
                                 .etag = "\"tag\"",
                                 .modified_s = 784111777,
                                 .content_type = "application/x-test"};
    int fd = dup(http_ops_file);

    reply_header(r, "Content-Disposition", "attachment; filename=\"x\"");
    return reply_file(r, &fd, &f);
}

static enum sg_err tls(struct request *r)
{
    struct request_tls t;
    const char *text;

    request_tls(r, &t);
    text = arena_printf(request_arena(r), "%s %s %s %d %zu", t.version, t.cipher, t.group,
                        t.resumed, t.server_cert_len);
    reply_bytes(r, 200, "text/plain", text, strlen(text));
    return SG_OK;
}

struct up {
    uint64_t received;
    int64_t fail_after;
    atomic_int inside; /* calls of body at a time: never two */
};

static enum sg_err up_begin(struct request *r)
{
    struct up *u = request_state(r);
    bool refuse = false;
    enum sg_err err = request_query_bool(r, "refuse", &refuse);

    atomic_fetch_add(&http_ops_begun, 1);
    if (err == SG_OK)
        err = request_query_int(r, "fail_after", 0, INT64_MAX, INT64_MAX, &u->fail_after);
    return err != SG_OK ? err : refuse ? SG_ERR_FORBIDDEN : SG_OK;
}

static enum sg_err up_body(struct request *r, const uint8_t *data, size_t len)
{
    struct up *u = request_state(r);
    int delay_us = atomic_load(&http_ops_body_delay_us);

    if (atomic_fetch_add(&u->inside, 1) != 0)
        abort();
    if (delay_us > 0)
        usleep((unsigned)delay_us);
    for (size_t i = 0; i < len; i++)
        if (data[i] != http_ops_byte(u->received + i))
            abort(); /* bytes lost or out of order */
    u->received += len;
    atomic_fetch_add(&http_ops_received, (long long)len);
    atomic_fetch_sub(&u->inside, 1);
    /* Fields stay readable although the connection may be gone. */
    if (request_header(r, "Host") == NULL)
        abort();
    if (u->received > (uint64_t)u->fail_after)
        return request_fail(r, SG_ERR_NO_SPACE, "no more");
    return SG_OK;
}

static enum sg_err up_run(struct request *r)
{
    struct up *u = request_state(r);
    char *text = malloc(64);
    int len = snprintf(text, 64, "{\"received\":%llu}", (unsigned long long)u->received);

    reply_header(r, "ETag", "\"new\"");
    reply_take(r, 201, "application/json", text, (size_t)len, free, text);
    return SG_OK;
}

static const struct operation hello_op = {.begin = begin, .run = hello, .end = end};
static const struct operation at_once_op = {
    .begin = begin, .run = hello, .run_at_once = at_once, .end = end};
static const struct operation slow_op = {.begin = begin, .run = slow, .end = end};
static const struct operation echo_op = {.begin = begin, .run = echo, .end = end};
static const struct operation fail_op = {.begin = begin, .run = fail, .end = end};
static const struct operation nothing_op = {.begin = begin, .run = nothing, .end = end};
static const struct operation file_op = {.begin = begin, .run = file, .end = end};
static const struct operation tls_op = {.begin = begin, .run = tls, .end = end};
static const struct operation up_op = {
    .state_size = sizeof(struct up), .begin = up_begin, .body = up_body, .run = up_run, .end = end};

#define ROW(m, p, id, b, max, blocking, op)                                                        \
    {                                                                                              \
        .method = (m), .pattern = (p), .operation_id = (id), .body = (b), .body_max = (max),       \
        .blocks = (blocking), .operation = (op)                                                    \
    }

static const struct route routes[] = {
    ROW(SG_METHOD_GET, "/hello", "hello", SG_BODY_NONE, 0, false, &hello_op),
    ROW(SG_METHOD_GET, "/blocking", "blocking", SG_BODY_NONE, 0, true, &hello_op),
    ROW(SG_METHOD_GET, "/at-once", "at_once", SG_BODY_NONE, 0, true, &at_once_op),
    ROW(SG_METHOD_GET, "/slow", "slow", SG_BODY_NONE, 0, true, &slow_op),
    {.method = SG_METHOD_GET,
     .pattern = "/hash",
     .operation_id = "hash",
     .blocks = true,
     .slow = true,
     .operation = &slow_op},
    ROW(SG_METHOD_GET, "/fail/{code}", "fail", SG_BODY_NONE, 0, false, &fail_op),
    ROW(SG_METHOD_GET, "/nothing", "nothing", SG_BODY_NONE, 0, false, &nothing_op),
    ROW(SG_METHOD_GET, "/file", "file", SG_BODY_NONE, 0, true, &file_op),
    ROW(SG_METHOD_GET, "/tls", "tls", SG_BODY_NONE, 0, false, &tls_op),
    ROW(SG_METHOD_POST, "/json", "json", SG_BODY_JSON, 1000, true, &echo_op),
    ROW(SG_METHOD_POST, "/form", "form", SG_BODY_FORM, 1000, false, &echo_op),
    ROW(SG_METHOD_PUT, "/up/{path...}", "up", SG_BODY_STREAM, 0, true, &up_op),
    ROW(SG_METHOD_PUT, "/inline-up", "inline_up", SG_BODY_STREAM, 0, false, &up_op),
};

static enum sg_err guard(struct request *r, const struct route *route)
{
    const char *deny = request_header(r, "X-Deny");

    (void)route;
    request_set_principal(r, NULL, "tester");
    if (deny == NULL)
        return SG_OK;
    return strcmp(deny, "none") == 0 ? SG_ERR_UNAUTHENTICATED : SG_ERR_TOKEN_EXPIRED;
}

void http_ops_config(struct server_config *config)
{
    memset(config, 0, sizeof *config);
    config->routes = routes;
    config->route_count = sizeof routes / sizeof routes[0];
    config->guard = guard;
    server_limits_default(&config->limits);
    config->limits.event_threads = 2;
}

void http_ops_init(void)
{
    uint8_t *all = malloc(HTTP_FILE_SIZE);

    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    for (uint64_t i = 0; i < HTTP_FILE_SIZE; i++)
        all[i] = http_ops_byte(i);
    http_ops_file = memfd_create("file", MFD_CLOEXEC);
    if (http_ops_file < 0 || write(http_ops_file, all, HTTP_FILE_SIZE) != HTTP_FILE_SIZE)
        abort();
    free(all);
}

void http_ops_fini(void)
{
    close(http_ops_file);
}
