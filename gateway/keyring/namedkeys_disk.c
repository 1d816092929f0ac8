/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named keys as sealed files. NAME.key: format u32, the key as in messages, then per version: uri
 * string, private key (PKCS#8 PEM; empty for one in a token), SubjectPublicKeyInfo, certificate.
 * NAME.uses: format u32, count u32, u64 per version. Files are replaced whole; a key exists when
 * its NAME.key does.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "keyring/namedkeys_internal.h"
#include "keyring/sealed.h"

#define FORMAT    1
#define KEY_KIND  "named-key"
#define USES_KIND "named-key-uses"
#define SUFFIX    ".key"

static char *path_of(const struct namedkeys *n, const char *name, const char *suffix)
{
    char *path;

    return asprintf(&path, "%s/%s%s", n->dir, name, suffix) < 0 ? NULL : path;
}

/* -- writing ----------------------------------------------------------------------------------- */

static enum sg_err put_version(struct buf *b, const struct material *m)
{
    struct buf pem;
    enum sg_err err = SG_OK;

    buf_init(&pem, SG_PKI_PEM_MAX);
    if (m->uri[0] == '\0')
        err = pki_key_to_pem(m->key, &pem);
    codec_put_string(b, m->uri);
    codec_put_bytes(b, pem.data, pem.len);
    codec_put_bytes(b, m->spki, m->spki_len);
    codec_put_bytes(b, m->certificate, m->certificate_len);
    buf_wipe(&pem);
    return err;
}

static enum sg_err put_named(struct buf *b, const struct named *k)
{
    SG_BUF_CLEANUP struct buf policy;
    enum sg_err err;

    buf_init(&policy, SG_IPC_MESSAGE_MAX);
    signing_put_key(&policy, &k->key);
    err = buf_status(&policy);
    codec_put_u32(b, FORMAT);
    codec_put_bytes(b, policy.data, policy.len);
    for (size_t i = 0; err == SG_OK && i < k->key.version_count; i++)
        err = put_version(b, k->version[i]);
    return err == SG_OK ? buf_status(b) : err;
}

enum sg_err named_save(const struct namedkeys *n, const struct named *k)
{
    char *path = path_of(n, k->key.name, SUFFIX);
    struct buf b;
    enum sg_err err = SG_ERR_NO_MEMORY;

    buf_init(&b, SG_SEALED_MAX);
    if (path != NULL)
        err = put_named(&b, k);
    if (err == SG_OK)
        err = sealed_save(n->options.kek, path, KEY_KIND, k->key.name, b.data, b.len);
    buf_wipe(&b);
    free(path);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.key_not_saved", SG_STR("key", k->key.name),
                  SG_STR("error", err_code(err)));
    return err;
}

enum sg_err usage_save(const struct namedkeys *n, const char *name, const uint64_t *uses,
                       size_t count)
{
    SG_BUF_CLEANUP struct buf b;
    char *path = path_of(n, name, ".uses");
    enum sg_err err = SG_ERR_NO_MEMORY;

    buf_init(&b, 8192);
    codec_put_u32(&b, FORMAT);
    codec_put_u32(&b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        codec_put_u64(&b, uses[i]);
    if (path != NULL)
        err = buf_status(&b);
    if (err == SG_OK)
        err = sealed_save(n->options.kek, path, USES_KIND, name, b.data, b.len);
    free(path);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.key_uses_not_saved", SG_STR("key", name),
                  SG_STR("error", err_code(err)));
    return err;
}

/* -- reading ----------------------------------------------------------------------------------- */

static void copy_bytes(struct decoder *d, uint8_t *ret, size_t cap, size_t *ret_len)
{
    const uint8_t *at = codec_bytes(d, cap, ret_len);

    if (*ret_len > 0)
        memcpy(ret, at, *ret_len);
}

static enum sg_err get_version(struct decoder *d, const struct keyring_key_version *v,
                               struct material **ret)
{
    struct material *m;
    const uint8_t *pem;
    uint8_t keyid[32];
    size_t pem_len;
    enum sg_err err = material_new(NULL, &m);

    if (err != SG_OK)
        return err;
    codec_string(d, m->uri, sizeof m->uri);
    pem = codec_bytes(d, SG_PKI_PEM_MAX, &pem_len);
    copy_bytes(d, m->spki, sizeof m->spki, &m->spki_len);
    copy_bytes(d, m->certificate, sizeof m->certificate, &m->certificate_len);
    if (d->failed || (pem_len == 0) != (m->uri[0] != '\0'))
        err = SG_ERR_CORRUPT;
    if (err == SG_OK)
        err = material_keyid(m, keyid);
    if (err == SG_OK && memcmp(keyid, v->keyid, sizeof keyid) != 0)
        err = SG_ERR_CORRUPT;
    if (err == SG_OK && pem_len > 0)
        err = pki_key_from_pem(pem, pem_len, &m->key);
    if (err != SG_OK) {
        material_unref(m);
        return err;
    }
    *ret = m;
    return SG_OK;
}

static enum sg_err get_named(const struct buf *b, const char *name, struct named *k)
{
    struct decoder d;
    struct decoder policy;
    const uint8_t *at;
    uint32_t format;
    size_t len;
    size_t versions;
    enum sg_err err = SG_OK;

    codec_start(&d, b->data, b->len);
    format = codec_u32(&d);
    at = codec_bytes(&d, SG_IPC_MESSAGE_MAX, &len);
    codec_start(&policy, at, len);
    if (d.failed || format != FORMAT || signing_get_key(&policy, &k->key) != SG_OK ||
        strcmp(k->key.name, name) != 0 || k->key.version_count == 0)
        return SG_ERR_CORRUPT;
    versions = k->key.version_count;
    k->key.version_count = 0; /* counts those that are there, for named_unref */
    while (err == SG_OK && k->key.version_count < versions) {
        err = get_version(&d, &k->key.versions[k->key.version_count],
                          &k->version[k->key.version_count]);
        k->key.version_count += err == SG_OK ? 1 : 0;
    }
    return err == SG_OK && codec_end(&d) != SG_OK ? SG_ERR_CORRUPT : err;
}

static enum sg_err load_uses(const struct namedkeys *n, const struct named *k, struct usage *u)
{
    struct buf b;
    struct decoder d;
    char *path = path_of(n, k->key.name, ".uses");
    enum sg_err err = SG_ERR_NO_MEMORY;

    u->version_count = k->key.version_count;
    buf_init(&b, 8192);
    if (path != NULL)
        err = sealed_load(n->options.kek, path, USES_KIND, k->key.name, &b);
    if (err == SG_ERR_NOT_FOUND) {
        log_write(SG_LOG_WARN, "keyring.key_uses_lost", SG_STR("path", path));
        err = SG_OK;
    } else if (err == SG_OK) {
        uint32_t format;
        size_t count;

        codec_start(&d, b.data, b.len);
        format = codec_u32(&d);
        count = codec_u32(&d);
        /* One fewer: the end came between the key's file and this one. */
        if (format != FORMAT || count > u->version_count)
            d.failed = true;
        for (size_t i = 0; !d.failed && i < count; i++)
            u->used[i] = u->on_disk[i] = codec_u64(&d);
        err = codec_end(&d) == SG_OK ? SG_OK : SG_ERR_CORRUPT;
    }
    buf_fini(&b);
    free(path);
    return err;
}

static enum sg_err load_named(struct namedkeys *n, const char *name)
{
    struct usage *usage = usage_new();
    struct named *k = usage != NULL ? named_new(usage) : NULL;
    char *path = path_of(n, name, SUFFIX);
    struct buf b;
    enum sg_err err = SG_ERR_NO_MEMORY;

    buf_init(&b, SG_SEALED_MAX);
    if (k != NULL && path != NULL)
        err = sealed_load(n->options.kek, path, KEY_KIND, name, &b);
    if (err == SG_OK)
        err = get_named(&b, name, k);
    if (err == SG_OK)
        err = load_uses(n, k, usage);
    buf_wipe(&b);
    if (err != SG_OK)
        log_write(SG_LOG_ERROR, "keyring.named_key_unusable", SG_STR("path", path),
                  SG_STR("error", err_code(err)));
    free(path);
    if (err == SG_OK)
        err = namedkeys_put(n, k);
    else
        named_unref(k);
    if (err != SG_OK)
        usage_free(usage);
    return err;
}

/* "NAME.key" -> NAME; false for any other file. */
static bool parse_file(const char *file, char ret[SG_KEY_NAME_SIZE])
{
    size_t len = strlen(file);

    if (len <= strlen(SUFFIX) || len - strlen(SUFFIX) >= SG_KEY_NAME_SIZE ||
        strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
        return false;
    memcpy(ret, file, len - strlen(SUFFIX));
    ret[len - strlen(SUFFIX)] = '\0';
    return sig_key_name_valid(ret);
}

enum sg_err named_load_all(struct namedkeys *n)
{
    DIR *d = opendir(n->dir);
    char name[SG_KEY_NAME_SIZE];
    enum sg_err err = SG_OK;

    if (d == NULL)
        return err_from_errno(errno);
    for (struct dirent *e; err == SG_OK && (e = readdir(d)) != NULL;)
        if (parse_file(e->d_name, name))
            err = load_named(n, name);
    (void)closedir(d);
    return err;
}
