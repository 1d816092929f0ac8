/* SPDX-License-Identifier: Apache-2.0 */
/* Lets one request run in the place of another, and seals its answer. It knows nothing of what the
 * two say to each other, and never runs anything itself. */
#include "http/enclosure.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/secret.h"
#include "http/dispatch.h"
#include "http/head.h"
#include "http/life.h"
#include "http/reply.h"
#include "http/upload.h"

#define OWN_FROM    offsetof(struct request, method)
#define OWN_SIZE    (sizeof(struct request) - OWN_FROM)
#define LARGE_BYTES 32768 /* of an answer, for enclose_takes_long */
#define COPIES      4     /* of an answer while it is sealed: collected, as text, sealed */

struct enclosure {
    alignas(max_align_t) unsigned char other[OWN_SIZE]; /* of the one that does not run now */
    struct enclosed_request inner;
    struct enclosing how;
    bool entered;
    int64_t started_ns;
    const char *within; /* operation that encloses it */
};

enum sg_err request_enclose(struct request *r, const struct enclosed_request *inner,
                            const struct enclosing *how)
{
    struct enclosure *e;

    assert(inner->header_count <= SG_ENCLOSED_HEADERS_MAX);
    if (r->enclosure != NULL)
        return SG_ERR_NOT_ENCLOSABLE;
    e = arena_alloc(r->arena, sizeof *e);
    if (e == NULL)
        return SG_ERR_NO_MEMORY;
    e->inner = *inner;
    e->how = *how;
    e->within = r->match.route->operation_id;
    r->enclosure = e;
    return SG_OK;
}

bool enclose_entered(const struct request *r)
{
    return r->enclosure != NULL && r->enclosure->entered;
}

bool request_is_enclosed(const struct request *r)
{
    return enclose_entered(r);
}

bool enclose_wanted(const struct request *r)
{
    return r->enclosure != NULL && !r->enclosure->entered && r->err == SG_OK &&
           r->reply.status == 0;
}

/* Puts aside what the request has of its operation, and takes what was put aside. */
static void exchange(struct request *r)
{
    unsigned char *own = (unsigned char *)r + OWN_FROM, kept[OWN_SIZE];

    memcpy(kept, own, OWN_SIZE);
    memcpy(own, r->enclosure->other, OWN_SIZE);
    memcpy(r->enclosure->other, kept, OWN_SIZE);
}

enum sg_err enclose_enter(struct request *r)
{
    struct enclosure *e = r->enclosure;
    const char *host = r->host;
    enum sg_err err;

    exchange(r);
    e->entered = true;
    e->started_ns = clock_monotonic_ns();
    r->host = host;
    r->path = "";
    r->content_type = "";
    r->reply.fd = -1;
    r->reply.fields_end = &r->reply.fields;
    r->content_length = (int64_t)e->inner.body_len;
    r->has_body = e->inner.body_len > 0;
    err = head_enclosed(r, &e->inner);
    return err == SG_OK ? dispatch(r) : err;
}

enum sg_err enclose_body(struct request *r, bool *ret_job)
{
    const struct enclosed_request *inner = &r->enclosure->inner;
    enum sg_err err;

    *ret_job = false;
    if (r->match.route->body != SG_BODY_STREAM) {
        buf_append(&r->body, inner->body, inner->body_len);
        return buf_status(&r->body);
    }
    err = upload_whole(r, inner->body, inner->body_len);
    *ret_job = err == SG_OK;
    return err;
}

static uint64_t content_length(const struct reply *reply)
{
    return reply->parts != NULL ? reply->total : reply->len;
}

bool enclose_takes_long(struct request *r)
{
    const struct enclosing *how = &r->enclosure->how;
    bool waits = false;

    if (r->err == SG_OK && reply_sends_content(r) && content_length(&r->reply) > LARGE_BYTES)
        return true;
    if (how->would_wait != NULL) {
        exchange(r);
        waits = how->would_wait(r);
        exchange(r);
    }
    return waits;
}

/* -- the answer ---------------------------------------------------------------------------------
 */

static void add_header(struct enclosed_answer *a, const char *name, const char *value)
{
    if (a->header_count < SG_ENCLOSED_HEADERS_MAX)
        a->header[a->header_count++] = (struct enclosed_header){name, value};
}

/* The content, in memory. *ret_owned is to be freed. */
static enum sg_err collect_content(struct request *r, struct enclosed_answer *a, char **ret_owned)
{
    uint64_t len = content_length(&r->reply);
    char *all;
    enum sg_err err;

    if (r->reply.fill != NULL)
        return request_fail(r, SG_ERR_NOT_ENCLOSABLE, "a stream cannot be enclosed");
    if (!reply_sends_content(r) || len == 0)
        return SG_OK;
    if (r->err == SG_OK && len > r->enclosure->how.answer_max)
        return request_fail(r, SG_ERR_TOO_LARGE, "the answer has %llu bytes, at most %zu fit",
                            (unsigned long long)len, r->enclosure->how.answer_max);
    /* What may have changed something is told, whatever it takes: else it would be done again. */
    err = request_reserve(r, COPIES * (size_t)len);
    if (err != SG_OK && (r->err != SG_OK || r->method == SG_METHOD_GET))
        return err;
    a->body = r->reply.data;
    a->body_len = (size_t)len;
    if (r->reply.parts == NULL)
        return SG_OK;
    all = malloc((size_t)len);
    if (all == NULL)
        return SG_ERR_NO_MEMORY;
    err = reply_file_collect(r, all);
    if (err != SG_OK) {
        free(all);
        return err;
    }
    *ret_owned = all;
    a->body = (const uint8_t *)all;
    return SG_OK;
}

static void collect_headers(struct request *r, struct enclosed_answer *a)
{
    const char *len;

    if (r->reply.content_type != NULL)
        add_header(a, "Content-Type", r->reply.content_type);
    for (const struct reply_field *f = r->reply.fields; f != NULL; f = f->next)
        add_header(a, f->name, f->value);
    if (r->method != SG_METHOD_HEAD || r->reply.status == 304)
        return;
    len = arena_printf(r->arena, "%llu", (unsigned long long)content_length(&r->reply));
    if (len != NULL)
        add_header(a, "Content-Length", len);
}

/* The answer as it would have been sent; what makes that impossible is an answer, too. */
static void collect(struct request *r, struct enclosed_answer *ret, char **ret_owned)
{
    enum sg_err err;

    *ret = (struct enclosed_answer){0};
    reply_settle(r);
    err = collect_content(r, ret, ret_owned);
    if (err != SG_OK) {
        *ret = (struct enclosed_answer){0};
        r->err = err;
        r->problem = NULL; /* of what it was before; such members can be large */
        reply_settle(r);
        err = collect_content(r, ret, ret_owned);
        assert(err == SG_OK); /* a small problem document is in memory */
    }
    ret->status = r->reply.status;
    collect_headers(r, ret);
}

/* Ends the operation that the request has, which is the enclosed one. */
static void end_inner(struct request *r, unsigned status, uint64_t out)
{
    const struct enclosure *e = r->enclosure;
    const struct outcome outcome = {.status = status,
                                    .in = e->inner.body_len,
                                    .out = out,
                                    .duration_ns = clock_monotonic_ns() - e->started_ns,
                                    .within = e->within};

    request_operation_over(r, &outcome);
    reply_fini(r);
    buf_wipe(&r->body);
    dispatch_release_body(r);
}

void enclose_finish(struct request *r)
{
    struct enclosed_answer answer;
    enum sg_err inner_err, err;
    char *owned = NULL;

    collect(r, &answer, &owned);
    inner_err = r->err;
    exchange(r);
    r->err = SG_OK;
    err = r->enclosure->how.seal(r, &answer);
    exchange(r);
    r->err = inner_err;
    end_inner(r, answer.status, answer.body_len);
    if (owned != NULL)
        secret_wipe(owned, answer.body_len);
    free(owned);
    exchange(r);
    r->enclosure = NULL;
    r->err = err;
    r->status = 0;
    r->wait.wanted = false;
}

void enclose_abandon(struct request *r)
{
    end_inner(r, err_status(SG_ERR_CANCELLED), 0);
    exchange(r);
    r->enclosure = NULL;
}
