/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with a small file that another process replaces now and then; it never lists a directory
 * and never follows a name that a client gave. */
#include "api/public_file.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "http/request.h"

#define FILE_MAX (1024 * 1024) /* bytes */

enum sg_err public_file_reply(struct request *r, const char *path, const char *content_type,
                              const char *cache_control)
{
    SG_BUF_CLEANUP struct buf b;
    size_t len;
    char *data;
    enum sg_err err;

    buf_init(&b, FILE_MAX);
    err = file_read(path, &b);
    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, SG_ERR_UNAVAILABLE, "it has not been made yet");
    if (err != SG_OK)
        return err;
    data = buf_take(&b, &len);
    if (data == NULL)
        return SG_ERR_NO_MEMORY;
    reply_header(r, "Cache-Control", cache_control);
    reply_take(r, 200, content_type, data, len, free, data);
    return SG_OK;
}
