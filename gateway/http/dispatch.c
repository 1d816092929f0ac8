/* SPDX-License-Identifier: Apache-2.0 */
/* What is decided once the head of a request is known: which operation it is for, whether it may,
 * and whether its body can be taken. It never answers by itself. */
#include "http/dispatch.h"

#include <string.h>

#include "base/arena.h"
#include "http/enclosure.h"
#include "http/head.h"
#include "http/reply.h"

/* Bodies are kept in memory until they are whole, and so is what is made of them: the large ones of
 * all clients together have a bound. */
enum sg_err request_reserve(struct request *r, size_t bytes)
{
    if (bytes <= SG_BODY_LARGE)
        return SG_OK;
    if (atomic_fetch_add(&r->server->large_bodies, bytes) + bytes > SG_BODIES_LARGE) {
        atomic_fetch_sub(&r->server->large_bodies, bytes);
        return request_fail(r, SG_ERR_OVERLOADED,
                            "too many large bodies at the moment; try again soon");
    }
    r->body_reserved += bytes;
    return SG_OK;
}

/* One without a length may become as large as its route allows. */
static enum sg_err reserve_body(struct request *r)
{
    size_t max = r->match.route->body_max;

    if (!r->has_body || max <= SG_BODY_LARGE)
        return SG_OK;
    return request_reserve(r, r->content_length >= 0 ? (size_t)r->content_length : max);
}

void dispatch_release_body(struct request *r)
{
    if (r->body_reserved > 0)
        atomic_fetch_sub(&r->server->large_bodies, r->body_reserved);
    r->body_reserved = 0;
}

static enum sg_err check_body(struct request *r)
{
    const struct route *route = r->match.route;

    switch (route->body) {
    case SG_BODY_NONE:
        if (r->has_body)
            return request_fail(r, SG_ERR_TOO_LARGE, "no body is expected");
        return SG_OK;
    case SG_BODY_JSON:
        if (strcmp(r->content_type, "application/json") != 0)
            return request_fail(r, SG_ERR_MEDIA_TYPE, "Content-Type: application/json");
        break;
    case SG_BODY_FORM:
        if (strcmp(r->content_type, "application/x-www-form-urlencoded") != 0)
            return request_fail(r, SG_ERR_MEDIA_TYPE,
                                "Content-Type: application/x-www-form-urlencoded");
        break;
    case SG_BODY_ANY:
        break;
    case SG_BODY_STREAM:
        return head_keep(r);
    }
    buf_init(&r->body, route->body_max);
    if (r->content_length > 0 && (uint64_t)r->content_length > route->body_max)
        return request_fail(r, SG_ERR_TOO_LARGE, "at most %zu bytes", route->body_max);
    return reserve_body(r);
}

/* What is no operation is answered with `why`: whoever may ask at all is told so. */
static enum sg_err refuse(struct request *r, enum sg_err why)
{
    const struct server_config *config = &r->server->config;
    enum sg_err err = config->guard != NULL ? config->guard(r, NULL) : SG_OK;

    return err != SG_OK ? err : why;
}

/* Which methods there are is an answer, too. A browser that asks for a page of a known origin first
 * (Fetch, CORS preflight) shows no certificate, whatever it has, and is told. */
static enum sg_err answer_options(struct request *r)
{
    enum sg_err err = reply_is_preflight(r) ? SG_OK : refuse(r, SG_OK);

    if (err == SG_OK)
        reply_options(r);
    return err;
}

enum sg_err dispatch(struct request *r)
{
    const struct server_config *config = &r->server->config;
    const struct route *route;
    enum sg_err err;

    if (r->method == SG_METHOD_OPTIONS && strcmp(r->path, "*") == 0) {
        r->match.allow = ~0u;
        return answer_options(r);
    }
    route_find(r->server->routes, r->method, r->path, &r->match);
    if (r->match.allow == 0)
        return refuse(r, SG_ERR_NOT_FOUND);
    route = r->match.route;
    if (route == NULL) {
        if (r->method != SG_METHOD_OPTIONS)
            return refuse(r, SG_ERR_METHOD);
        return answer_options(r);
    }
    if (route->open && request_is_enclosed(r))
        return request_fail(r, SG_ERR_NOT_ENCLOSABLE, "%s cannot be enclosed", route->operation_id);
    if (route->operation->state_size > 0) {
        r->state = arena_alloc(r->arena, route->operation->state_size);
        if (r->state == NULL)
            return SG_ERR_NO_MEMORY;
    }
    if (config->guard != NULL) {
        err = config->guard(r, route);
        if (err != SG_OK)
            return err;
    }
    err = check_body(r);
    if (err != SG_OK)
        return err;
    r->begun = true;
    return route->operation->begin != NULL ? route->operation->begin(r) : SG_OK;
}
