/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/keys/{name}/public: the public key, in the form that a tool reads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/operations.h"
#include "base/buf.h"
#include "core/keys.h"
#include "http/request.h"
#include "sigfmt/public.h"

#define PUBLIC_MAX (16 * 1024) /* bytes in any form */

/* The current version may be another one in a minute, a version never changes. */
#define CACHE "public, max-age=60"

static const char *const extensions[SG_PUBLIC_FORMAT_COUNT] = {
    [SG_PUBLIC_PEM] = ".pem",      [SG_PUBLIC_SSH] = ".ssh.pub",
    [SG_PUBLIC_MINISIGN] = ".pub", [SG_PUBLIC_SIGNIFY] = ".signify.pub",
    [SG_PUBLIC_JWK] = ".jwk.json", [SG_PUBLIC_X509] = ".x509.pem",
};

static enum sg_err read_query(struct request *r, int64_t *ret_version,
                              enum sig_public_format *ret_format)
{
    const char *format;
    enum sg_err err = request_query_int(r, "version", 1, SG_KEY_VERSIONS_MAX, 0, ret_version);

    if (err == SG_OK)
        err = request_query(r, "format", &format);
    if (err != SG_OK)
        return err;
    *ret_format = SG_PUBLIC_PEM;
    if (format != NULL && sig_public_format_parse(format, ret_format) != SG_OK)
        return request_fail(r, SG_ERR_BAD_FIELD,
                            "format: must be pem, ssh, minisign, signify, jwk or x509");
    return SG_OK;
}

static enum sg_err reply(struct request *r, const char *name, enum sig_public_format format,
                         const struct keyring_public *key)
{
    char disposition[SG_KEY_NAME_SIZE + 64], version[16];
    struct sig_public public;
    struct buf text;
    char *data;
    size_t len;
    enum sg_err err = sig_public_load(key->spki, key->spki_len, &public);

    if (err != SG_OK)
        return err == SG_ERR_BAD_FIELD ? SG_ERR_CORRUPT : err;
    buf_init(&text, PUBLIC_MAX);
    err = sig_public_put(&text, &public, format, name,
                         key->certificate_len > 0 ? key->certificate : NULL, key->certificate_len);
    sig_public_fini(&public);
    data = err == SG_OK ? buf_take(&text, &len) : NULL;
    buf_fini(&text);
    if (err == SG_ERR_BAD_FIELD)
        return request_fail(r, err, "format: %s is for ed25519 keys only",
                            sig_public_format_name(format));
    if (err == SG_ERR_NOT_FOUND)
        return request_fail(r, err, "There is no certificate for this version.");
    if (err != SG_OK || data == NULL)
        return err != SG_OK ? err : SG_ERR_NO_MEMORY;
    (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"%s%s\"", name,
                   extensions[format]);
    (void)snprintf(version, sizeof version, "%u", key->version);
    reply_header(r, "Content-Disposition", disposition);
    reply_header(r, "X-Key-Version", version);
    reply_header(r, "Cache-Control", CACHE);
    reply_take(r, 200, sig_public_format_media_type(format), data, len, free, data);
    return SG_OK;
}

static enum sg_err run(struct request *r)
{
    const struct api *api = request_app(r);
    struct keyring_public *key = arena_alloc(request_arena(r), sizeof *key);
    enum sig_public_format format = SG_PUBLIC_PEM;
    int64_t version = 0;
    const char *name;
    enum sg_err err = key != NULL ? request_param(r, "name", &name) : SG_ERR_NO_MEMORY;

    if (err == SG_OK)
        err = read_query(r, &version, &format);
    if (err == SG_OK)
        err = keys_public(api->keys, name, (uint32_t)version, key);
    return err == SG_OK ? reply(r, name, format, key) : err;
}

const struct operation keys_public_operation = {.run = run};
