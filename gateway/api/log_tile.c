/* SPDX-License-Identifier: Apache-2.0 */
/* GET /log/tile/{tile...}: hashes and entries of the transparency log, each answer verified up to
 * the root of the published checkpoint; it looks at no path of the file system that a client gave.
 */
#include <stdlib.h>

#include "api/api.h"
#include "api/operations.h"
#include "core/logread.h"
#include "http/request.h"

#define TILE_MAX ((size_t)SG_TILE_WIDTH * (2 + SG_LOG_ENTRY_MAX)) /* bytes */

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    SG_BUF_CLEANUP struct buf path, content;
    const char *name;
    struct tile tile;
    size_t len;
    char *data;
    enum sg_err err;

    buf_init(&path, 512);
    buf_init(&content, TILE_MAX);
    err = request_param(r, "tile", &name);
    if (err != SG_OK)
        return err;
    buf_printf(&path, "tile/%s", name);
    if (buf_status(&path) != SG_OK || tile_parse(buf_str(&path), &tile) != SG_OK)
        return request_fail(r, SG_ERR_NOT_FOUND, "that is not the name of a tile");
    err = logread_tile(api->log, &tile, &content);
    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, err, "the log is not that long yet");
    if (err != SG_OK)
        return err;
    data = buf_take(&content, &len);
    if (data == NULL)
        return SG_ERR_NO_MEMORY;
    /* What a tile of some width holds never changes; one that is not full is soon of no use. */
    reply_header(r, "Cache-Control",
                 tile.width == SG_TILE_WIDTH ? "public, max-age=31536000, immutable"
                                             : "public, max-age=3600");
    reply_take(r, 200, "application/octet-stream", data, len, free, data);
    return SG_OK;
}

const struct operation log_tile_operation = {.run = run};
