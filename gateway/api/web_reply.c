/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with a file from memory; it never reads the disk. */
#include "api/web_reply.h"

#include "api/api.h"
#include "api/web_assets.h"
#include "http/fields.h"
#include "http/request.h"

/* What the page may do: its own modules and styles, requests to its own origin, nothing inline. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "img-src 'self' data:; connect-src 'self'; form-action 'none'; "
                             "base-uri 'none'; frame-ancestors 'none'";

enum sg_err web_reply(struct request *r, const char *name)
{
    const struct api *api = request_app(r);
    const struct web_asset *asset = web_assets_find(api->web, name);
    const char *known = request_header(r, "If-None-Match");
    enum fields_etags match;

    if (asset == NULL)
        return SG_ERR_NOT_FOUND;
    match = known != NULL ? fields_etags(known, asset->etag, false) : SG_ETAGS_NO_MATCH;
    reply_header(r, "ETag", asset->etag);
    reply_header(r, "Cache-Control", "no-cache");
    reply_header(r, "Content-Security-Policy", policy);
    if (match == SG_ETAGS_MATCH || match == SG_ETAGS_ANY)
        reply_empty(r, 304);
    else
        reply_bytes(r, 200, asset->content_type, asset->data, asset->len);
    return SG_OK;
}
