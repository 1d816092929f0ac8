/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of the messages around identity; a decoder never accepts more or less than one whole
 * body. */
#include "ipc/identity.h"

#include <string.h>

static size_t get_bytes(struct decoder *d, uint8_t *ret, size_t min, size_t max)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, max, &len);

    if (len < min)
        d->failed = true;
    memcpy(ret, at, len);
    return len;
}

static void get_exactly(struct decoder *d, uint8_t *ret, size_t size)
{
    (void)get_bytes(d, ret, size, size);
}

void keyring_put_client_cert(struct buf *b, const struct keyring_client_cert *m)
{
    codec_put_string(b, m->user);
    codec_put_bytes(b, m->spki, m->spki_len);
    codec_put_u32(b, m->lifetime_s);
}

enum sg_err keyring_get_client_cert(struct decoder *d, struct keyring_client_cert *ret)
{
    struct keyring_client_cert m = {.spki_len = 0};
    enum sg_err err;

    codec_string(d, m.user, sizeof m.user);
    m.spki_len = get_bytes(d, m.spki, 1, sizeof m.spki);
    m.lifetime_s = codec_u32(d);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void keyring_put_revocation(struct buf *b, const struct keyring_revocation *m)
{
    codec_put_bytes(b, m->serial, m->serial_len);
    codec_put_i64(b, m->revoked_s);
    codec_put_i64(b, m->expires_s);
}

enum sg_err keyring_get_revocation(struct decoder *d, struct keyring_revocation *ret)
{
    struct keyring_revocation m = {.serial_len = 0};
    enum sg_err err;

    m.serial_len = get_bytes(d, m.serial, 1, sizeof m.serial);
    m.revoked_s = codec_i64(d);
    m.expires_s = codec_i64(d);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}

void keyring_put_channel(struct buf *b, const struct keyring_channel *m)
{
    codec_put_bytes(b, m->session_id, sizeof m->session_id);
    codec_put_bytes(b, m->client_public, sizeof m->client_public);
    codec_put_bytes(b, m->server_public, sizeof m->server_public);
    codec_put_bytes(b, m->salt, sizeof m->salt);
    codec_put_i64(b, m->created_s);
    codec_put_i64(b, m->expires_s);
}

enum sg_err keyring_get_channel(struct decoder *d, struct keyring_channel *ret)
{
    struct keyring_channel m = {.created_s = 0};
    enum sg_err err;

    get_exactly(d, m.session_id, sizeof m.session_id);
    get_exactly(d, m.client_public, sizeof m.client_public);
    get_exactly(d, m.server_public, sizeof m.server_public);
    get_exactly(d, m.salt, sizeof m.salt);
    m.created_s = codec_i64(d);
    m.expires_s = codec_i64(d);
    err = codec_end(d);
    if (err == SG_OK)
        *ret = m;
    return err;
}
