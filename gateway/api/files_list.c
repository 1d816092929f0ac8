/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/files/{dir}/: a page of a directory; the cursor is core's and opaque here. */
#include <string.h>

#include "api/api.h"
#include "api/file_request.h"
#include "api/operations.h"
#include "api/records.h"
#include "core/files.h"
#include "http/request.h"

#define LIMIT_MAX    1000 /* entries in a page */
#define LIMIT        100
#define CURSOR_MAX   8192                       /* bytes */
#define PATHS_MEMORY ((size_t)16 * 1024 * 1024) /* of the longest possible page, bytes */

/* A name is shown twice, and each of its bytes can take six as an escape. */
#define ENTRY_MAX (SG_RECORD_MAX + 12 * (size_t)SG_PATH_MAX)

static enum sg_err read_sort(struct request *r, struct files_list_options *ret)
{
    static const char *const names[] = {
        [SG_SORT_NAME] = "name", [SG_SORT_SIZE] = "size", [SG_SORT_MODIFIED] = "modified"};
    const char *sort;
    enum sg_err err = request_query(r, "sort", &sort);

    ret->sort = SG_SORT_NAME;
    if (err != SG_OK || sort == NULL)
        return err;
    ret->descending = sort[0] == '-';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(sort + ret->descending, names[i]) == 0) {
            ret->sort = (enum entry_sort)i;
            return SG_OK;
        }
    return request_fail(r, SG_ERR_BAD_FIELD,
                        "sort: must be name, size or modified, or one of them after -");
}

static enum sg_err read_options(struct request *r, struct files_list_options *ret)
{
    int64_t limit = LIMIT;
    enum sg_err err = request_query_int(r, "limit", 1, LIMIT_MAX, LIMIT, &limit);

    memset(ret, 0, sizeof *ret);
    ret->limit = (size_t)limit;
    if (err == SG_OK)
        err = read_sort(r, ret);
    if (err == SG_OK)
        err = request_query_bool(r, "recursive", &ret->recursive);
    if (err == SG_OK)
        err = request_query(r, "prefix", &ret->prefix);
    if (err == SG_OK)
        err = request_query(r, "cursor", &ret->cursor);
    if (err != SG_OK)
        return err;
    if (ret->prefix == NULL)
        ret->prefix = "";
    if (strlen(ret->prefix) > SG_PATH_MAX)
        return request_fail(r, SG_ERR_BAD_FIELD, "prefix: must be at most %d bytes", SG_PATH_MAX);
    if (ret->cursor != NULL && (ret->cursor[0] == 0 || strlen(ret->cursor) > CURSOR_MAX))
        return SG_ERR_BAD_CURSOR;
    return SG_OK;
}

static enum sg_err reply(struct request *r, const char *dir, const struct entry_record *entries,
                         size_t count, const char *cursor)
{
    struct json_out o;

    json_out_init(&o, SG_RECORD_MAX + CURSOR_MAX + (count + 1) * ENTRY_MAX);
    json_out_object(&o, NULL);
    json_out_string(&o, "path", dir);
    json_out_array(&o, "entries");
    for (size_t i = 0; i < count; i++)
        records_entry(&o, NULL, &entries[i], strlen(dir) + 1);
    json_out_close(&o, ']');
    json_out_string(&o, "next_cursor", cursor);
    json_out_close(&o, '}');
    return json_out_reply(r, 200, &o);
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct files_list_options options;
    struct entry_record *entries;
    struct arena *page;
    struct path path;
    const char *dir;
    char *cursor;
    size_t count;
    enum sg_err err = file_request_path(r, &path);

    if (err == SG_OK)
        err = read_options(r, &options);
    if (err != SG_OK)
        return err;
    dir = file_request_canonical(r, &path);
    /* A page of long paths is larger than a request's own memory may grow. */
    page = arena_new(PATHS_MEMORY);
    if (dir == NULL || page == NULL) {
        arena_free(page);
        return SG_ERR_NO_MEMORY;
    }
    err = files_list(api->files, request_principal(r), &path, &options, page, &entries, &count,
                     &cursor);
    if (err == SG_ERR_BAD_FIELD)
        (void)request_fail(r, err, "prefix: cannot be part of a path");
    if (err == SG_OK)
        err = reply(r, dir, entries, count, cursor);
    arena_free(page);
    return err;
}

const struct operation files_list_operation = {.run = run};
