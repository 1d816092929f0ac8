/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the static files at start and finds them by name; it never follows links and never reads
 * later. */
#include "api/web_assets.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"

#define ASSETS_MAX 64
#define ASSET_MAX  (1024 * 1024) /* bytes of one */
#define NAME_SIZE  64
#define ETAG_SIZE  40

struct asset {
    struct web_asset public; /* points into what follows */
    char name[NAME_SIZE];
    char etag[ETAG_SIZE];
    char *data;
};

struct web_assets {
    struct asset asset[ASSETS_MAX];
    size_t count;
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
};

static const char *type_of(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t n = strlen(types[i].suffix);

        if (len > n && strcmp(name + len - n, types[i].suffix) == 0)
            return types[i].type;
    }
    return NULL;
}

/* FNV-1a, 64 bits: tells versions of one file from each other, which needs no cryptography. */
static uint64_t fingerprint(const char *data, size_t len)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static enum sg_err add(struct web_assets *w, const char *file, const char *name, const char *type)
{
    SG_BUF_CLEANUP struct buf b;
    struct asset *a = &w->asset[w->count];
    enum sg_err err;
    size_t len = 0;

    buf_init(&b, ASSET_MAX);
    if (w->count == ASSETS_MAX || strlen(name) >= NAME_SIZE)
        return SG_ERR_TOO_LARGE;
    err = file_read(file, &b);
    if (err != SG_OK)
        return err;
    a->data = buf_take(&b, &len); /* NULL for an empty file */
    (void)snprintf(a->name, sizeof a->name, "%s", name);
    (void)snprintf(a->etag, sizeof a->etag, "\"%016" PRIx64 "-%zx\"", fingerprint(a->data, len),
                   len);
    a->public = (struct web_asset){.name = a->name,
                                   .content_type = type,
                                   .data = (const unsigned char *)(a->data != NULL ? a->data : ""),
                                   .len = len,
                                   .etag = a->etag};
    w->count++;
    return SG_OK;
}

static bool is_plain_file(const char *file)
{
    struct stat st;

    return lstat(file, &st) == 0 && S_ISREG(st.st_mode);
}

static enum sg_err add_directory(struct web_assets *w, const char *dir, DIR *d)
{
    const struct dirent *entry;
    enum sg_err err = SG_OK;

    while (err == SG_OK && (entry = readdir(d)) != NULL) {
        const char *type = type_of(entry->d_name);
        char *file;

        if (type == NULL || entry->d_name[0] == '.')
            continue;
        file = file_join(dir, entry->d_name);
        if (file == NULL)
            return SG_ERR_NO_MEMORY;
        if (is_plain_file(file))
            err = add(w, file, entry->d_name, type);
        free(file);
    }
    return err;
}

enum sg_err web_assets_load(const char *web_dir, const char *openapi_file, struct web_assets **ret)
{
    struct web_assets *w = calloc(1, sizeof *w);
    DIR *d = opendir(web_dir);
    enum sg_err err = w == NULL ? SG_ERR_NO_MEMORY : d == NULL ? SG_ERR_NOT_FOUND : SG_OK;

    if (err == SG_OK)
        err = add_directory(w, web_dir, d);
    if (d != NULL)
        (void)closedir(d);
    if (err == SG_OK)
        err = add(w, openapi_file, "openapi.yaml", "application/yaml");
    if (err != SG_OK) {
        web_assets_free(w);
        return err;
    }
    *ret = w;
    return SG_OK;
}

void web_assets_free(struct web_assets *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->count; i++)
        free(w->asset[i].data);
    free(w);
}

const struct web_asset *web_assets_find(const struct web_assets *w, const char *name)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->asset[i].name, name) == 0)
            return &w->asset[i].public;
    return NULL;
}
