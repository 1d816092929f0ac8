/* SPDX-License-Identifier: Apache-2.0 */
/* PATCH /v1/files/{path}: another place for a file or directory; never over something unless told
 * so. */
#include <string.h>

#include "api/api.h"
#include "api/file_request.h"
#include "api/json_in.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/files.h"
#include "http/request.h"

struct input {
    struct path from, to;
    struct entry_condition condition;
    bool overwrite;
};

/* `text` as it is, not percent-encoded. */
static enum sg_err read_target(struct request *r, const char *text, struct path *ret)
{
    SG_BUF_CLEANUP struct buf b;
    const char *reason = "";
    enum sg_err err;

    buf_init(&b, 3 * SG_PATH_SIZE + 1);
    encode_percent(&b, text, strlen(text), true);
    if (buf_status(&b) != SG_OK)
        return request_fail(r, SG_ERR_BAD_PATH, "path: it is too long");
    err = path_parse(buf_str(&b), b.len, request_arena(r), ret, &reason);
    return err == SG_ERR_BAD_PATH ? request_fail(r, err, "path: %s", reason) : err;
}

static enum sg_err read_input(struct request *r, struct input *ret)
{
    char *path = NULL;
    const struct json_field fields[] = {
        {NULL, "path", SG_JSON_STRING, true, 1, SG_PATH_MAX, {.string = &path}, NULL},
        {NULL, "overwrite", SG_JSON_BOOLEAN, false, 0, 0, {.boolean = &ret->overwrite}, NULL},
    };
    enum sg_err err = file_request_path(r, &ret->from);

    if (err == SG_OK)
        err = file_request_condition(r, false, &ret->condition);
    if (err == SG_OK)
        err = json_in_read(r, fields, sizeof fields / sizeof fields[0]);
    return err == SG_OK ? read_target(r, path, &ret->to) : err;
}

static enum sg_err reply(struct request *r, const struct entry_record *entry)
{
    char etag[SG_ETAG_SIZE];
    struct json_out o;

    if (entry->type == SG_ENTRY_FILE) {
        file_request_etag(entry->sha256, etag);
        reply_header(r, "ETag", etag);
        file_request_repr_digest(r, entry->sha256);
    }
    json_out_init(&o, SG_RECORD_MAX + 12 * SG_PATH_SIZE);
    records_entry(&o, NULL, entry, (size_t)(path_name(entry->path) - entry->path));
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct input in = {.overwrite = false};
    struct entry_record entry;
    enum sg_err err = read_input(r, &in);

    if (err == SG_OK)
        err = files_move(api->files, request_principal(r), &in.from, &in.to, in.overwrite,
                         &in.condition, request_arena(r), &entry);
    if (err == SG_ERR_CONFLICT)
        return request_fail(r, err,
                            "Something is in the way (overwrite lets a file replace a file), or a "
                            "directory would be in itself, or it is a space.");
    return err == SG_OK ? reply(r, &entry) : err;
}

const struct operation files_move_operation = {.run = run};
