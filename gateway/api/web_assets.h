/* SPDX-License-Identifier: Apache-2.0 */
/* The static files of the web page, read once at start into memory; nothing is read from disk per
 * request. */
#ifndef SG_API_WEB_ASSETS_H
#define SG_API_WEB_ASSETS_H

#include <stddef.h>

#include "base/err.h"

struct web_asset {
    const char *name; /* "index.html", "app.js", "openapi.yaml" */
    const char *content_type;
    const unsigned char *data;
    size_t len;
    const char *etag; /* with quotes */
};

struct web_assets;

/* Reads the plain files of `web_dir` (known types only, at most 1 MiB each, 64 files) and the
 * OpenAPI document. */
enum sg_err web_assets_load(const char *web_dir, const char *openapi_file,
                            struct web_assets **ret) SG_MUST_CHECK;
void web_assets_free(struct web_assets *w);
/* NULL when there is none. */
const struct web_asset *web_assets_find(const struct web_assets *w, const char *name);

#endif
