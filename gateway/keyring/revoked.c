/* SPDX-License-Identifier: Apache-2.0 */
/* The list of revoked certificates and its file; an entry leaves it only after its certificate has
 * expired. */
#include "keyring/revoked.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "keyring/sealed.h"

#define FORMAT 1
/* An expired certificate stays on the list for another day: for clocks that are behind. */
#define GRACE_S 86400

static enum sg_err parse(const struct buf *content, struct revoked *r)
{
    struct decoder d;
    size_t count;

    codec_start(&d, content->data, content->len);
    if (codec_u32(&d) != FORMAT)
        return SG_ERR_CORRUPT;
    count = codec_u32(&d);
    if (count > SG_PKI_REVOKED_MAX)
        return SG_ERR_CORRUPT;
    for (size_t i = 0; i < count && !d.failed; i++) {
        struct pki_revoked *e = &r->list[i];
        const uint8_t *serial = codec_bytes(&d, sizeof e->serial, &e->serial_len);

        memcpy(e->serial, serial, e->serial_len);
        e->revoked_s = codec_i64(&d);
        r->expires_s[i] = codec_i64(&d);
        if (e->serial_len == 0)
            return SG_ERR_CORRUPT;
    }
    if (codec_end(&d) != SG_OK)
        return SG_ERR_CORRUPT;
    r->count = count;
    return SG_OK;
}

enum sg_err revoked_open(const struct kek *kek, const char *dir, struct revoked *ret)
{
    struct revoked r = {.kek = kek,
                        .path = file_join(dir, SG_REVOKED_FILE),
                        .list = calloc(SG_PKI_REVOKED_MAX, sizeof *r.list),
                        .expires_s = calloc(SG_PKI_REVOKED_MAX, sizeof *r.expires_s)};
    SG_BUF_CLEANUP struct buf content;
    enum sg_err err = SG_ERR_NO_MEMORY;

    buf_init(&content, SG_SEALED_MAX);
    if (r.path != NULL && r.list != NULL && r.expires_s != NULL)
        err = sealed_load(kek, r.path, SG_REVOKED_KIND, SG_REVOKED_NAME, &content);
    if (err == SG_ERR_NOT_FOUND)
        err = SG_OK;
    else if (err == SG_OK)
        err = parse(&content, &r);
    if (err != SG_OK) {
        log_write(SG_LOG_ERROR, "keyring.revoked_unusable", SG_STR("path", r.path),
                  SG_STR("error", err_code(err)));
        revoked_fini(&r);
        return err;
    }
    *ret = r;
    return SG_OK;
}

void revoked_fini(struct revoked *r)
{
    free(r->path);
    free(r->list);
    free(r->expires_s);
    *r = (struct revoked){.count = 0};
}

static enum sg_err save(const struct revoked *r, size_t count)
{
    SG_BUF_CLEANUP struct buf content;
    enum sg_err err;

    buf_init(&content, SG_SEALED_MAX - SG_SEALED_OVERHEAD);
    codec_put_u32(&content, FORMAT);
    codec_put_u32(&content, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        codec_put_bytes(&content, r->list[i].serial, r->list[i].serial_len);
        codec_put_i64(&content, r->list[i].revoked_s);
        codec_put_i64(&content, r->expires_s[i]);
    }
    err = buf_status(&content);
    if (err == SG_OK)
        err = sealed_save(r->kek, r->path, SG_REVOKED_KIND, SG_REVOKED_NAME, content.data,
                          content.len);
    return err;
}

static void drop_expired(struct revoked *r, int64_t now_s)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->count; i++) {
        if (r->expires_s[i] + GRACE_S < now_s)
            continue;
        r->list[kept] = r->list[i];
        r->expires_s[kept++] = r->expires_s[i];
    }
    r->count = kept;
}

enum sg_err revoked_add(struct revoked *r, const struct keyring_revocation *m, int64_t now_s,
                        bool *ret_added)
{
    struct pki_revoked *e;
    enum sg_err err;

    if (m->serial_len == 0 || m->serial_len > sizeof e->serial || m->revoked_s <= 0 ||
        m->revoked_s > now_s + GRACE_S || m->expires_s <= 0 ||
        m->expires_s > now_s + SG_PKI_CLIENT_LIFE_S + GRACE_S)
        return SG_ERR_BAD_FIELD;
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].serial_len == m->serial_len &&
            memcmp(r->list[i].serial, m->serial, m->serial_len) == 0) {
            *ret_added = false;
            return SG_OK;
        }
    drop_expired(r, now_s);
    if (r->count == SG_PKI_REVOKED_MAX)
        return SG_ERR_LIMIT;
    e = &r->list[r->count];
    memcpy(e->serial, m->serial, m->serial_len);
    e->serial_len = m->serial_len;
    e->revoked_s = m->revoked_s;
    r->expires_s[r->count] = m->expires_s;
    err = save(r, r->count + 1);
    if (err != SG_OK)
        return err;
    r->count++;
    *ret_added = true;
    return SG_OK;
}
