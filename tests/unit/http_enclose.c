/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the tests of enclosed requests. */
#include "http_enclose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "http/enclose.h"
#include "http_ops.h"
#include "http_wait.h"

#define ROUTES_MAX 64

atomic_int http_enclose_begun;
atomic_int http_enclose_ended;
atomic_bool http_enclose_alone;
atomic_bool http_enclose_disordered;

static struct route routes[ROUTES_MAX];

/* -- an operation that encloses: the body is "METHOD TARGET\nName: value\n\nbody"
 * ------------------
 */

struct outer {
    char *copy;
    bool cut;
};

int http_all_ended(void)
{
    return atomic_load(&http_ops_ended) + atomic_load(&http_wait_ended);
}

int http_all_begun(void)
{
    return atomic_load(&http_ops_begun) + atomic_load(&http_wait_begun);
}

static enum sg_err outer_begin(struct request *r)
{
    (void)r;
    atomic_fetch_add(&http_enclose_begun, 1);
    return SG_OK;
}

static void outer_end(struct request *r)
{
    const struct outer *o = request_state(r);

    if (request_is_enclosed(r))
        abort();
    free(o->copy);
    if (atomic_load(&http_enclose_alone) && http_all_begun() != http_all_ended())
        atomic_store(&http_enclose_disordered, true);
    atomic_fetch_add(&http_enclose_ended, 1);
}

/* "STATUS\nName: value\n\nbody" */
static enum sg_err seal(struct request *r, const struct enclosed_answer *a)
{
    const struct outer *o = request_state(r);
    struct buf out;
    size_t len;
    char *all;

    if (strcmp(request_path(r), "/enclose") != 0 && strcmp(request_path(r), "/enclose-job") != 0 &&
        strcmp(request_path(r), "/small") != 0)
        abort();
    if (o->cut)
        return request_fail(r, SG_ERR_CONFLICT, "cannot seal");
    buf_init(&out, 2 * HTTP_ENCLOSE_MAX);
    buf_printf(&out, "%u\n", a->status);
    for (size_t i = 0; i < a->header_count; i++)
        buf_printf(&out, "%s: %s\n", a->header[i].name, a->header[i].value);
    buf_puts(&out, "\n");
    buf_append(&out, a->body, a->body_len);
    all = buf_take(&out, &len);
    reply_header(r, "X-Sealed", "yes");
    reply_take(r, 200, "x/sealed", all, len, free, all);
    return SG_OK;
}

/* Now and then; it sees what `seal` does. */
static bool would_wait(struct request *r)
{
    static atomic_uint count;

    if (strncmp(request_path(r), "/enclose", 8) != 0 && strcmp(request_path(r), "/small") != 0)
        abort();
    return atomic_fetch_add(&count, 1) % 3 == 0;
}

static enum sg_err enclose(struct request *r, size_t max)
{
    struct outer *o = request_state(r);
    struct enclosed_request inner = {0};
    size_t len;
    const uint8_t *body = request_body(r, &len);
    char *copy = malloc(len + 1), *line = copy;

    o->copy = copy;
    memcpy(copy, body, len + 1);
    if (strcmp(copy, "nothing") == 0) {
        reply_bytes(r, 200, "text/plain", "nothing\n", 8);
        return SG_OK;
    }
    o->cut = request_header(r, "X-Cut") != NULL;
    inner.method = line;
    line = strchr(line, ' ');
    *line++ = '\0';
    inner.target = line;
    line = strchr(line, '\n');
    *line++ = '\0';
    while (*line != '\n') {
        struct enclosed_header *h = &inner.header[inner.header_count++];

        h->name = line;
        line = strstr(line, ": ");
        *line = '\0';
        h->value = line += 2;
        line = strchr(line, '\n');
        *line++ = '\0';
    }
    inner.body = (const uint8_t *)line + 1;
    inner.body_len = (size_t)(copy + len - line - 1);
    return request_enclose(
        r, &inner, &(struct enclosing){.answer_max = max, .seal = seal, .would_wait = would_wait});
}

static enum sg_err outer_run(struct request *r)
{
    return enclose(r, HTTP_ENCLOSE_MAX);
}

static enum sg_err job_run_at_once(struct request *r, bool *ret_done)
{
    size_t len;

    (void)request_body(r, &len);
    *ret_done = len % 2 == 0; /* some here, some in the pool */
    return *ret_done ? enclose(r, HTTP_ENCLOSE_MAX) : SG_OK;
}

static enum sg_err small_run(struct request *r)
{
    return enclose(r, 100);
}

static enum sg_err nested_run(struct request *r)
{
    const struct enclosed_request inner = {.method = "GET", .target = "/hello"};

    return request_enclose(r, &inner,
                           &(struct enclosing){.answer_max = HTTP_ENCLOSE_MAX, .seal = seal});
}

/* A refusal with members that are large. */
static enum sg_err refuse_run(struct request *r)
{
    char *members = arena_alloc(request_arena(r), HTTP_ENCLOSE_MEMBERS + 1);
    size_t at = (size_t)sprintf(members, "\"items\":\"");

    memset(members + at, 'x', HTTP_ENCLOSE_MEMBERS - at - 1);
    memcpy(members + HTTP_ENCLOSE_MEMBERS - 1, "\"", 2);
    request_problem(r, members);
    return request_fail(r, SG_ERR_BAD_ITEMS, "bad items");
}

/* An answer that is large, of something that was done. */
static enum sg_err make_run(struct request *r)
{
    char *all = arena_alloc(request_arena(r), HTTP_ENCLOSE_MEMBERS);

    memset(all, 'y', HTTP_ENCLOSE_MEMBERS);
    reply_bytes(r, 201, "text/plain", all, HTTP_ENCLOSE_MEMBERS);
    return SG_OK;
}

/* Whether the guard knew whom it had before. */
static enum sg_err who_run(struct request *r)
{
    const char *name = request_principal(r);

    name = arena_printf(request_arena(r), "%s %s %s %d", name != NULL ? name : "nobody",
                        request_path(r), request_header(r, "Host"),
                        request_header(r, "X-Cut") != NULL);
    reply_bytes(r, 200, "text/plain", name, strlen(name));
    return SG_OK;
}

static enum sg_err guard(struct request *r, const struct route *route)
{
    static char name[] = "tester";

    if (request_header(r, "X-Deny") != NULL)
        return request_fail(r, SG_ERR_FORBIDDEN, "denied");
    if (route != NULL && route->access == SG_ACCESS_ADMIN && !request_is_enclosed(r))
        return SG_ERR_UNAUTHENTICATED;
    if (!request_is_enclosed(r))
        request_set_principal(r, name, name);
    return SG_OK;
}

static const struct operation outer_op = {
    .state_size = sizeof(struct outer), .begin = outer_begin, .run = outer_run, .end = outer_end};
static const struct operation job_op = {.state_size = sizeof(struct outer),
                                        .begin = outer_begin,
                                        .run_at_once = job_run_at_once,
                                        .run = outer_run,
                                        .end = outer_end};
static const struct operation small_op = {
    .state_size = sizeof(struct outer), .begin = outer_begin, .run = small_run, .end = outer_end};
static const struct operation nested_op = {.run = nested_run};
static const struct operation who_op = {.run = who_run};
static const struct operation refuse_op = {.run = refuse_run};
static const struct operation make_op = {.run = make_run};
static const struct operation who_blocks_op = {.run = who_run};

static const struct route own[] = {
    {.method = SG_METHOD_POST,
     .pattern = "/enclose",
     .operation_id = "enclose",
     .body = SG_BODY_ANY,
     .body_max = HTTP_ENCLOSE_BODY,
     .open = true,
     .operation = &outer_op},
    {.method = SG_METHOD_POST,
     .pattern = "/enclose-job",
     .operation_id = "enclose_job",
     .body = SG_BODY_ANY,
     .body_max = HTTP_ENCLOSE_BODY,
     .blocks = true,
     .open = true,
     .operation = &job_op},
    {.method = SG_METHOD_POST,
     .pattern = "/small",
     .operation_id = "small",
     .body = SG_BODY_ANY,
     .body_max = HTTP_ENCLOSE_BODY,
     .open = true,
     .operation = &small_op},
    {.method = SG_METHOD_GET,
     .pattern = "/nested",
     .operation_id = "nested",
     .operation = &nested_op},
    {.method = SG_METHOD_GET,
     .pattern = "/refuse",
     .operation_id = "refuse",
     .operation = &refuse_op},
    {.method = SG_METHOD_POST, .pattern = "/make", .operation_id = "make", .operation = &make_op},
    {.method = SG_METHOD_GET, .pattern = "/who", .operation_id = "who", .operation = &who_op},
    {.method = SG_METHOD_GET,
     .pattern = "/who-blocks",
     .operation_id = "who_blocks",
     .access = SG_ACCESS_ADMIN,
     .blocks = true,
     .operation = &who_blocks_op},
};

static size_t add_routes(size_t at, const struct route *more, size_t count)
{
    if (at + count > ROUTES_MAX)
        abort();
    memcpy(routes + at, more, count * sizeof *more);
    return at + count;
}

void http_enclose_config(struct server_config *config)
{
    struct server_config other;
    size_t n = add_routes(0, own, sizeof own / sizeof own[0]);

    http_wait_config(&other);
    http_ops_config(config);
    n = add_routes(n, config->routes, config->route_count);
    config->route_count = add_routes(n, other.routes, other.route_count);
    config->routes = routes;
    config->guard = guard;
    config->limits.connections_per_address = 0;
}
