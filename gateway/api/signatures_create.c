/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/signatures: signs what is named, all of it or nothing. */
#include "api/answer.h"
#include "api/api.h"
#include "api/json_out.h"
#include "api/operations.h"
#include "api/sign_request.h"
#include "api/signature_json.h"
#include "http/request.h"

#define ANSWER_MAX    ((size_t)512 << 20) /* bytes; 10,000 signatures in all formats take 150 MB */
#define PROOF_MAX     (128 * 1024)
#define BAD_SHOWN_MAX 1000         /* items */
#define BAD_TEXT_MAX  (192 * 1024) /* bytes of them; a request's memory is not much larger */
#define BAD_TEXT_ONE  8192

/* What cannot be signed, as members of the problem document. */
static enum sg_err refuse_items(struct request *r, const struct signing_result *result)
{
    struct json_out o;
    const char *members;
    enum sg_err err;

    json_out_init(&o, BAD_TEXT_MAX);
    json_out_array(&o, "items");
    for (size_t i = 0; i < result->bad_count && i < BAD_SHOWN_MAX; i++) {
        if (o.buf.len > BAD_TEXT_MAX - BAD_TEXT_ONE)
            break;
        json_out_object(&o, NULL);
        json_out_integer(&o, "index", result->bad[i].index);
        json_out_string(&o, "code", result->bad[i].code);
        json_out_string(&o, "detail", result->bad[i].detail);
        json_out_close(&o, '}');
    }
    json_out_close(&o, ']');
    err = buf_status(&o.buf);
    members = err == SG_OK ? arena_memdup(request_arena(r), o.buf.data, o.buf.len) : NULL;
    json_out_fini(&o);
    if (members == NULL)
        return err != SG_OK ? err : SG_ERR_NO_MEMORY;
    request_problem(r, members);
    return request_fail(r, SG_ERR_BAD_ITEMS, "%zu of the items cannot be signed; none was.",
                        result->bad_count);
}

static enum sg_err refuse(struct request *r, enum sg_err err, const struct signing_result *result)
{
    switch ((int)err) {
    case SG_ERR_BAD_ITEMS:
        return refuse_items(r, result);
    case SG_ERR_BAD_FIELD:
        return request_fail(r, err, "%s", result->reason != NULL ? result->reason : "formats");
    case SG_ERR_FORBIDDEN:
        return request_fail(r, err, "Only the signers of the key may sign with it.");
    case SG_ERR_NOT_FOUND:
        return request_fail(r, err, "There is no such key.");
    case SG_ERR_TOO_LARGE:
        return request_fail(r, err,
                            "The signatures would be too large for one answer; none was "
                            "made. Ask for fewer items or formats.");
    case SG_ERR_QUORUM:
        return result->reason != NULL ? request_fail(r, err, "%s", result->reason) : err;
    default:
        return err;
    }
}

/* The text is made while the index is written, and sent when that is done. */
static enum sg_err reply(struct request *r, struct signing_result *result)
{
    SG_BUF_CLEANUP struct buf scratch;
    struct json_out o;
    enum sg_err err;

    buf_init(&scratch, PROOF_MAX);
    json_out_init(&o, ANSWER_MAX);
    /* At once: to grow by doubling would move most of it twice. What is not used is never touched.
     */
    (void)buf_reserve(&o.buf, signature_json_estimate(result));
    signature_json_batch(&o, result, &scratch);
    err = signing_await(result);
    if (err == SG_OK)
        return json_out_reply_large(r, 201, &o);
    json_out_fini(&o);
    return err;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct arena *arena = arena_new(SG_SIGN_REQUEST_MEMORY);
    struct signing_request request;
    struct signing_result result;
    bool stored = false;
    enum sg_err err =
        arena != NULL ? sign_request_read(r, arena, &request, &stored) : SG_ERR_NO_MEMORY;

    if (err == SG_OK && stored && (who->scopes & SG_SCOPE_FILES_READ) == 0)
        err = answer_lacks_scope(r, "files:read");
    if (err == SG_OK) {
        err = signing_create(api->signing, who, &request, &result);
        err = err == SG_OK ? reply(r, &result) : refuse(r, err, &result);
        signing_result_fini(&result);
    }
    arena_free(arena);
    return err;
}

const struct operation signatures_create_operation = {.run = run};
