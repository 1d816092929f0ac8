/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/signatures/{index}: a signature with its proof. */
#include "api/api.h"
#include "api/operations.h"
#include "api/signature_json.h"
#include "http/fields.h"
#include "http/request.h"

#define INDEX_MAX  ((INT64_C(1) << 53) - 1)
#define MEMORY     ((size_t)16 << 20) /* a manifest of 10,000 files has 2 MB of formats */
#define ANSWER_MAX ((size_t)32 << 20)

static enum sg_err read_index(struct request *r, uint64_t *ret)
{
    const char *text;
    int64_t index;
    enum sg_err err = request_param(r, "index", &text);

    if (err != SG_OK)
        return err;
    if (!fields_number(text, &index) || index < 0 || index > INDEX_MAX ||
        (text[0] == '0' && text[1] != 0))
        return SG_ERR_NOT_FOUND;
    *ret = (uint64_t)index;
    return SG_OK;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct arena *arena = arena_new(MEMORY);
    struct signing_stored stored;
    struct json_out o;
    uint64_t index;
    enum sg_err err = arena != NULL ? read_index(r, &index) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = signing_get(api->signing, index, arena, &stored);
    if (err == SG_OK && !principal_may_key(request_principal(r), stored.row.key))
        err = SG_ERR_NOT_FOUND;
    if (err == SG_OK) {
        json_out_init(&o, ANSWER_MAX);
        signature_json_stored(&o, &stored);
        err = json_out_reply_large(r, 200, &o);
    }
    arena_free(arena);
    return err;
}

const struct operation signatures_get_operation = {.run = run};
