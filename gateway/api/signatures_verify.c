/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/signatures/verify: what speaks against a signature. */
#include <string.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/operations.h"
#include "api/signature_json.h"
#include "api/verify_request.h"
#include "http/request.h"

#define ANSWER_MAX ((size_t)1 << 20)

static enum sg_err reply(struct request *r, const struct signing_verdict *verdict)
{
    struct json_out o;

    json_out_init(&o, ANSWER_MAX);
    json_out_object(&o, NULL);
    json_out_boolean(&o, "valid", verdict->count == 0);
    json_out_array(&o, "reasons");
    for (size_t i = 0; i < verdict->count; i++) {
        json_out_object(&o, NULL);
        json_out_string(&o, "code", verdict->reasons[i].code);
        json_out_string(&o, "detail", verdict->reasons[i].detail);
        json_out_close(&o, '}');
    }
    json_out_close(&o, ']');
    if (verdict->found)
        signature_json_row(&o, "record", &verdict->row);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    const struct principal *who = request_principal(r);
    struct arena *arena = arena_new(SG_VERIFY_REQUEST_MEMORY);
    struct verify_request request;
    struct signing_verdict verdict;
    const char *reason = "";
    enum sg_err err = arena != NULL ? verify_request_read(r, arena, &request) : SG_ERR_NO_MEMORY;

    if (err == SG_OK && request.what.path != NULL && (who->scopes & SG_SCOPE_FILES_READ) == 0)
        err = answer_lacks_scope(r, "files:read");
    if (err == SG_OK) {
        err = signing_verify(api->signing, who, &request.what, arena, &verdict, &reason);
        if (err == SG_ERR_BAD_FIELD)
            err = request_fail(r, err, "%s", reason);
        if (err == SG_OK)
            err = reply(r, &verdict);
    }
    arena_free(arena);
    return err;
}

const struct operation signatures_verify_operation = {.run = run};
