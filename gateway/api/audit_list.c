/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/audit: a page of the audit log, as it is stored, with what a verifier of its chain needs.
 */
#include <string.h>

#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "api/rfc3339_in.h"
#include "core/audit.h"
#include "http/request.h"

#define LIMIT_MAX 1000
#define LIMIT     100
#define MEMORY    ((size_t)32 << 20) /* of the longest page */

struct input {
    struct audit_query query;
    enum audit_type type;
};

static enum sg_err read_numbers(struct request *r, struct audit_query *q)
{
    int64_t after, before, limit;
    const char *given;
    enum sg_err err = request_query_int(r, "after", 0, INT64_MAX, 0, &after);

    if (err == SG_OK)
        err = request_query_int(r, "before", 1, INT64_MAX, 0, &before);
    if (err == SG_OK)
        err = request_query_int(r, "limit", 1, LIMIT_MAX, LIMIT, &limit);
    if (err == SG_OK)
        err = request_query(r, "after", &given);
    if (err != SG_OK)
        return err;
    q->after = (uint64_t)after;
    q->before = (uint64_t)before;
    q->limit = (size_t)limit;
    q->newest = given == NULL;
    return SG_OK;
}

static enum sg_err read_filters(struct request *r, struct input *in)
{
    const char *type;
    enum sg_err err = request_query(r, "actor", &in->query.actor);

    if (err == SG_OK)
        err = request_query(r, "type", &type);
    if (err == SG_OK)
        err = rfc3339_in_query(r, "since", INT64_MIN, &in->query.since_ns);
    if (err == SG_OK)
        err = rfc3339_in_query(r, "until", INT64_MAX, &in->query.until_ns);
    if (err != SG_OK)
        return err;
    if (in->query.actor != NULL && strlen(in->query.actor) >= SG_AUDIT_TEXT_SIZE)
        return request_fail(r, SG_ERR_BAD_FIELD, "actor: is too long");
    if (type != NULL && audit_type_parse(type, &in->type) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "type: there is no such type");
    in->query.type = type != NULL ? &in->type : NULL;
    return SG_OK;
}

static void put_mark(struct json_out *o, const char *name, uint64_t seq, const uint8_t *chain)
{
    json_out_object(o, name);
    json_out_integer(o, "seq", (int64_t)seq);
    json_out_hex(o, "chain", chain, SG_DIGEST_SIZE);
    json_out_close(o, '}');
}

static enum sg_err reply(struct request *r, const struct audit_row *rows, size_t count,
                         const struct audit_range *range)
{
    struct json_out o;

    json_out_init(&o, 2 * MEMORY);
    json_out_object(&o, NULL);
    json_out_array(&o, "entries");
    for (size_t i = 0; i < count; i++) {
        json_out_object_from(&o, NULL, rows[i].canonical, rows[i].len);
        json_out_hex(&o, "chain", rows[i].chain, SG_DIGEST_SIZE);
        json_out_close(&o, '}');
    }
    json_out_close(&o, ']');
    put_mark(&o, "head", range->head_seq, range->head_chain);
    put_mark(&o, "pruned", range->pruned_seq, range->pruned_chain);
    json_out_integer(&o, "oldest",
                     range->head_seq > range->pruned_seq ? (int64_t)range->pruned_seq + 1 : 0);
    json_out_close(&o, '}');
    return json_out_reply_large(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.query = {.after = 0}};
    struct audit_range range;
    struct audit_row *rows;
    struct arena *arena;
    size_t count;
    enum sg_err err = read_numbers(r, &in.query);

    if (err == SG_OK)
        err = read_filters(r, &in);
    if (err != SG_OK)
        return err;
    arena = arena_new(MEMORY);
    if (arena == NULL)
        return SG_ERR_NO_MEMORY;
    rows = arena_alloc(arena, in.query.limit * sizeof *rows);
    err = rows != NULL ? audit_list(api->audit, &in.query, arena, rows, &count, &range)
                       : SG_ERR_NO_MEMORY;
    if (err == SG_OK)
        err = reply(r, rows, count, &range);
    arena_free(arena);
    return err;
}

const struct operation audit_list_operation = {.run = run};
