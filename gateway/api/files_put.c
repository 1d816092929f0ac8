/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT /v1/files/{path}: stores what is streamed, or makes a directory. It looks at everything that
 * the header tells before a byte of the body is read; what is not committed leaves nothing behind.
 */
#include <string.h>
#include <strings.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/file_request.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/files.h"
#include "core/identity.h"
#include "http/request.h"

/* A longer one might not fit beside a head that has it already. */
#define LOCATION_PATH_MAX 512 /* bytes, not encoded */

struct state {
    struct path path;
    struct entry_condition condition;
    struct file_upload *upload; /* NULL for a directory */
    uint8_t sha256[SG_DIGEST_SIZE];
    bool has_digest;
};

/* Headers that would change what the body means (RFC 9110, sections 8.4 and 14.5). */
static enum sg_err check_encoding(struct request *r)
{
    const char *encoding = request_header(r, "Content-Encoding");

    if (encoding != NULL && strcasecmp(encoding, "identity") != 0)
        return request_fail(r, SG_ERR_BAD_REQUEST, "Content-Encoding: content is stored as it is");
    if (request_header(r, "Content-Range") != NULL)
        return request_fail(r, SG_ERR_BAD_REQUEST, "Content-Range: content is stored as a whole");
    return SG_OK;
}

static enum sg_err refuse_content(struct request *r)
{
    return request_fail(r, SG_ERR_BAD_REQUEST, "A path that ends in / takes no content.");
}

static enum sg_err explain(struct request *r, enum sg_err err)
{
    const struct api *api = request_app(r);

    return err == SG_ERR_TOO_LARGE
               ? request_fail(r, err, "A file may have %zu bytes at most.", api->max_file_bytes)
               : err;
}

static enum sg_err begin(struct request *r)
{
    const struct api *api = request_app(r);
    struct state *s = request_state(r);
    enum sg_err err = file_request_path(r, &s->path);

    if (err == SG_OK)
        err = check_encoding(r);
    if (err == SG_OK)
        err = file_request_condition(r, true, &s->condition);
    if (err == SG_OK)
        err = file_request_digest(r, s->sha256, &s->has_digest);
    if (err != SG_OK)
        return err;
    if (s->path.directory)
        return request_content_length(r) > 0 ? refuse_content(r) : SG_OK;
    return files_upload_begin(api->files, request_principal(r), &s->path, request_content_length(r),
                              &s->condition, &s->upload);
}

static enum sg_err body(struct request *r, const uint8_t *data, size_t len)
{
    struct state *s = request_state(r);

    if (s->upload == NULL)
        return refuse_content(r);
    return explain(r, files_upload_write(s->upload, data, len));
}

static enum sg_err add_location(struct request *r, const struct entry_record *entry)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;
    char *value;

    buf_init(&b, 3 * SG_PATH_SIZE + 64);
    buf_puts(&b, "/v1/files/");
    encode_percent(&b, entry->path, strlen(entry->path), true);
    if (entry->type == SG_ENTRY_DIRECTORY)
        buf_putc(&b, '/');
    err = buf_status(&b);
    if (err != SG_OK)
        return err;
    value = arena_strdup(request_arena(r), buf_str(&b));
    if (value == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Location", value);
    return SG_OK;
}

static enum sg_err reply(struct request *r, const struct entry_record *entry, bool created)
{
    char etag[SG_ETAG_SIZE];
    struct json_out o;
    enum sg_err err = SG_OK;

    /* Without it the address that was asked for counts (RFC 9110 section 15.3.2). */
    if (created && strlen(entry->path) <= LOCATION_PATH_MAX)
        err = add_location(r, entry);
    if (err != SG_OK)
        return err;
    if (entry->type == SG_ENTRY_FILE) {
        file_request_etag(entry->sha256, etag);
        reply_header(r, "ETag", etag);
        file_request_repr_digest(r, entry->sha256);
    }
    json_out_init(&o, SG_RECORD_MAX + 12 * SG_PATH_SIZE);
    records_entry(&o, NULL, entry, (size_t)(path_name(entry->path) - entry->path));
    return json_out_reply(r, created ? 201 : 200, &o);
}

/* Who logged out or lost the right while the content came in publishes nothing. */
static enum sg_err confirm(struct request *r, struct file_upload *upload)
{
    const struct api *api = request_app(r);
    struct principal *who = request_principal(r);
    bool changed = false;
    enum sg_err err = identity_confirm(api->identity, who, &changed);

    if (err != SG_OK)
        return answer_error(r, err, 0);
    if (!changed)
        return SG_OK;
    if ((who->scopes & SG_SCOPE_FILES_WRITE) == 0)
        return SG_ERR_FORBIDDEN;
    return files_upload_authorize(upload, who);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct state *s = request_state(r);
    struct entry_record entry;
    bool created;
    enum sg_err err;

    if (s->path.directory) {
        err = files_mkdir(api->files, request_principal(r), &s->path, &s->condition,
                          request_arena(r), &entry, &created);
        if (err == SG_ERR_CONFLICT)
            (void)request_fail(r, err, "A file is there: delete it first.");
    } else {
        err = confirm(r, s->upload);
    }
    if (err == SG_OK && !s->path.directory)
        err = files_upload_commit(&s->upload, s->has_digest ? s->sha256 : NULL, request_arena(r),
                                  &entry, &created);
    return err == SG_OK ? reply(r, &entry, created) : err;
}

static void end(struct request *r)
{
    struct state *s = request_state(r);

    files_upload_abort(&s->upload);
}

const struct operation files_put_operation = {
    .state_size = sizeof(struct state), .begin = begin, .body = body, .run = run, .end = end};
