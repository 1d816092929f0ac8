/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/signatures: a page of signatures; the cursor is core's and opaque here. */
#include <string.h>

#include "api/api.h"
#include "api/operations.h"
#include "api/rfc3339_in.h"
#include "api/signature_json.h"
#include "base/encode.h"
#include "http/request.h"

#define LIMIT_MAX  1000
#define LIMIT      100
#define CURSOR_MAX 8192
#define MEMORY     ((size_t)32 << 20) /* of the longest page */

struct input {
    struct signing_list_options options;
    uint8_t sha256[SG_DIGEST_SIZE];
};

static enum sg_err read_digest(struct request *r, struct input *in)
{
    const char *text;
    enum sg_err err = request_query(r, "digest", &text);

    if (err != SG_OK || text == NULL)
        return err;
    if (encode_unhex(text, strlen(text), in->sha256, sizeof in->sha256) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD, "digest: must be 64 hexadecimal digits");
    in->options.sha256 = in->sha256;
    return SG_OK;
}

static enum sg_err read_texts(struct request *r, struct signing_list_options *o)
{
    const struct principal *who = request_principal(r);
    enum sg_err err = request_query(r, "package", &o->package);

    if (err == SG_OK)
        err = request_query(r, "key", &o->key);
    if (err == SG_OK)
        err = request_query(r, "cursor", &o->cursor);
    if (err != SG_OK)
        return err;
    if (o->package != NULL && (o->package[0] == 0 || strlen(o->package) > SG_RECORD_FIELD_MAX))
        return request_fail(r, SG_ERR_BAD_FIELD, "package: must be 1 to %d bytes",
                            SG_RECORD_FIELD_MAX);
    if (o->key == NULL && who->limits.keys_only)
        return request_fail(r, SG_ERR_FORBIDDEN, "key: is needed with a token for some keys only");
    if (o->key != NULL && !principal_may_key(who, o->key))
        return request_fail(r, SG_ERR_FORBIDDEN, "key: the token does not count for it");
    if (o->key != NULL && !sig_key_name_valid(o->key))
        return request_fail(r, SG_ERR_BAD_FIELD, "key: is not the name of a key");
    if (o->cursor != NULL && (o->cursor[0] == 0 || strlen(o->cursor) > CURSOR_MAX))
        return SG_ERR_BAD_CURSOR;
    return SG_OK;
}

static enum sg_err read_input(struct request *r, struct input *in)
{
    int64_t limit = LIMIT;
    enum sg_err err = request_query_int(r, "limit", 1, LIMIT_MAX, LIMIT, &limit);

    memset(in, 0, sizeof *in);
    in->options.limit = (size_t)limit;
    if (err == SG_OK)
        err = read_digest(r, in);
    if (err == SG_OK)
        err = read_texts(r, &in->options);
    if (err == SG_OK)
        err = rfc3339_in_query(r, "since", INT64_MIN, &in->options.since_ns);
    if (err == SG_OK)
        err = rfc3339_in_query(r, "until", INT64_MAX, &in->options.until_ns);
    return err;
}

static enum sg_err reply(struct request *r, const struct signature_row *rows, size_t count,
                         const char *cursor)
{
    struct json_out o;

    json_out_init(&o, 2 * MEMORY);
    json_out_object(&o, NULL);
    json_out_array(&o, "signatures");
    for (size_t i = 0; i < count; i++)
        signature_json_row(&o, NULL, &rows[i]);
    json_out_close(&o, ']');
    if (cursor != NULL)
        json_out_string(&o, "next", cursor);
    json_out_close(&o, '}');
    return json_out_reply_large(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct arena *arena = arena_new(MEMORY);
    struct signature_row *rows;
    struct input in;
    char *cursor;
    size_t count;
    enum sg_err err = arena != NULL ? read_input(r, &in) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = signing_list(api->signing, &in.options, arena, &rows, &count, &cursor);
    if (err == SG_OK)
        err = reply(r, rows, count, cursor);
    arena_free(arena);
    return err;
}

const struct operation signatures_list_operation = {.run = run};
