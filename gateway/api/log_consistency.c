/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/log/consistency: the proof that a tree of the log goes on in a later one (RFC 6962,
 * section 2.1.2), verified before it is given out. */
#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "core/logread.h"
#include "http/request.h"

#define ANSWER_MAX (16 * 1024)      /* bytes */
#define SIZE_LIMIT 9007199254740991 /* what a JSON number holds everywhere */

static enum sg_err reply(struct request *r, uint64_t from, uint64_t to,
                         const struct logread_growth *growth, const char *note)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_integer(&o, "from", (int64_t)from);
    json_out_integer(&o, "to", (int64_t)to);
    json_out_array(&o, "proof");
    for (size_t i = 0; i < growth->count; i++)
        json_out_base64(&o, NULL, growth->proof[i], SG_MERKLE_SIZE);
    json_out_close(&o, ']');
    json_out_base64(&o, "root_from", growth->root_from, SG_MERKLE_SIZE);
    json_out_base64(&o, "root_to", growth->root_to, SG_MERKLE_SIZE);
    json_out_string(&o, "checkpoint", note);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct logread_growth growth;
    struct logread_head head;
    int64_t from = 0;
    int64_t to = 0;
    enum sg_err err = request_query_int(r, "from", 0, SIZE_LIMIT, -1, &from);

    if (err == SG_OK)
        err = request_query_int(r, "to", 0, SIZE_LIMIT, -1, &to);
    if (err != SG_OK)
        return err;
    if (from < 0)
        return request_fail(r, SG_ERR_BAD_FIELD, "from: is missing");
    err = logread_head(api->log, &head);
    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, SG_ERR_UNAVAILABLE, "the log has no checkpoint yet");
    if (err != SG_OK)
        return err;
    if (to < 0)
        to = (int64_t)head.of.size;
    if ((uint64_t)to > head.of.size)
        return request_fail(r, SG_ERR_BAD_FIELD, "to: the log has %llu entries",
                            (unsigned long long)head.of.size);
    if (from > to)
        return request_fail(r, SG_ERR_BAD_FIELD, "from: is beyond `to`");
    err = logread_consistency(api->log, &head.of, (uint64_t)from, (uint64_t)to, &growth);
    return err == SG_OK ? reply(r, (uint64_t)from, (uint64_t)to, &growth, head.note) : err;
}

const struct operation log_consistency_operation = {.run = run};
