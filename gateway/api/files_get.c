/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/files/{path}: the content of a file, served so that a browser never runs it in this
 * origin. */
#include <string.h>

#include "api/api.h"
#include "api/file_request.h"
#include "api/operations.h"
#include "base/clock.h"
#include "base/file.h"
#include "core/files.h"
#include "core/smallblobs.h"
#include "http/fields.h"
#include "http/request.h"

#define VERSION_MAX ((INT64_C(1) << 53) - 1)

/* What may be shown in place: types that hold no script and load nothing. All else is a download.
 */
static bool is_passive(const char *media_type)
{
    static const char *const types[] = {"text/plain", "image/png",  "image/jpeg",
                                        "image/gif",  "image/webp", "image/avif"};
    char type[sizeof((struct entry_record *)0)->media_type];

    fields_media_type(media_type, type, sizeof type);
    if (strncmp(type, "audio/", 6) == 0 || strncmp(type, "video/", 6) == 0)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static enum sg_err add_disposition(struct request *r, const struct entry_record *entry)
{
    SG_BUF_CLEANUP struct buf b;
    enum sg_err err;
    char *value;

    buf_init(&b, 16 * SG_PATH_SEGMENT_MAX);
    fields_disposition(&b, is_passive(entry->media_type) ? "inline" : "attachment",
                       path_name(entry->path));
    err = buf_status(&b);
    if (err != SG_OK)
        return err;
    value = arena_strdup(request_arena(r), buf_str(&b));
    if (value == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Content-Disposition", value);
    return SG_OK;
}

/* Takes *small and *fd, of which one is there. */
static enum sg_err reply(struct request *r, const struct entry_record *entry,
                         struct smallblob **small, int *fd)
{
    char etag[SG_ETAG_SIZE];
    struct reply_file file = {
        .size = entry->size,
        .modified_s = entry->modified_ns / SG_NS_PER_S,
        .content_type = entry->media_type[0] != 0 ? entry->media_type : "application/octet-stream",
    };
    enum sg_err err;

    file_request_etag(entry->sha256, etag);
    file.etag = arena_strdup(request_arena(r), etag);
    file.content_type = arena_strdup(request_arena(r), file.content_type);
    if (file.etag == NULL || file.content_type == NULL)
        return SG_ERR_NO_MEMORY;
    if (*small != NULL) {
        file.data = smallblob_data(*small);
        file.free_fn = smallblob_unref;
        file.free_arg = *small;
        *small = NULL;
    }
    /* First the answer: an error has none of the headers of the content. */
    err = reply_file(r, fd, &file);
    if (err != SG_OK)
        return err;
    file_request_repr_digest(r, entry->sha256);
    reply_header(r, "Cache-Control", "private, no-cache");
    reply_header(r, "Content-Security-Policy", "sandbox; default-src 'none'");
    reply_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    return add_disposition(r, entry);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct smallblob *small = NULL;
    SG_FD_CLEANUP int fd = -1;
    struct entry_record entry;
    int64_t version = 0;
    struct path path;
    enum sg_err err = file_request_path(r, &path);

    if (err == SG_OK)
        err = request_query_int(r, "version", 1, VERSION_MAX, 0, &version);
    if (err != SG_OK)
        return err;
    err = files_open(api->files, request_principal(r), &path, (uint64_t)version, request_arena(r),
                     &entry, &small, &fd);
    if (err == SG_ERR_IS_DIRECTORY)
        return request_fail(r, err, "A directory is there: add / to list it.");
    if (err != SG_OK)
        return err;
    err = reply(r, &entry, &small, &fd);
    smallblob_unref(small);
    return err;
}

const struct operation files_get_operation = {.run = run};
