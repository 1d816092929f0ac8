/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds any bytes to every decoder of messages between the processes. What one accepts must encode
 * to the very same bytes: no message has two spellings. The first byte chooses the decoder.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/identity.h"
#include "ipc/keyring.h"
#include "ipc/signing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sign_tls(struct decoder *d, struct buf *again)
{
    struct keyring_sign_tls m;

    if (keyring_get_sign_tls(d, &m) == SG_OK)
        keyring_put_sign_tls(again, &m);
}

static void claims(struct decoder *d, struct buf *again)
{
    struct keyring_claims m;

    if (keyring_get_claims(d, &m) == SG_OK)
        keyring_put_claims(again, &m);
}

static void names(struct decoder *d, struct buf *again)
{
    static struct keyring_names m;

    if (keyring_get_names(d, &m) == SG_OK)
        keyring_put_names(again, &m);
}

static void token_keys(struct decoder *d, struct buf *again)
{
    static struct token_key m[SG_TOKEN_KEYS_MAX];
    size_t count;

    if (keyring_get_token_keys(d, m, &count) == SG_OK)
        keyring_put_token_keys(again, m, count);
}

static void create(struct decoder *d, struct buf *again)
{
    struct keyring_key_create m;

    if (signing_get_create(d, &m) == SG_OK)
        signing_put_create(again, &m);
}

static void rotate(struct decoder *d, struct buf *again)
{
    struct keyring_key_rotate m;

    if (signing_get_rotate(d, &m) == SG_OK)
        signing_put_rotate(again, &m);
}

static void update(struct decoder *d, struct buf *again)
{
    static struct keyring_key_update m;

    if (signing_get_update(d, &m) == SG_OK)
        signing_put_update(again, &m);
}

static void key(struct decoder *d, struct buf *again)
{
    static struct keyring_key m;

    if (signing_get_key(d, &m) == SG_OK)
        signing_put_key(again, &m);
}

static void public_key(struct decoder *d, struct buf *again)
{
    struct keyring_public m;

    if (signing_get_public(d, &m) == SG_OK)
        signing_put_public(again, &m);
}

/* A sequence of fields, each chosen by a byte before it, which is part of the spelling. */
static void client_cert(struct decoder *d, struct buf *again)
{
    struct keyring_client_cert m;

    if (keyring_get_client_cert(d, &m) == SG_OK)
        keyring_put_client_cert(again, &m);
}

static void revocation(struct decoder *d, struct buf *again)
{
    struct keyring_revocation m;

    if (keyring_get_revocation(d, &m) == SG_OK)
        keyring_put_revocation(again, &m);
}

static void sealed_channel(struct decoder *d, struct buf *again)
{
    struct keyring_channel m;

    if (keyring_get_channel(d, &m) == SG_OK)
        keyring_put_channel(again, &m);
}

static void fields(struct decoder *d, struct buf *again)
{
    while (!d->failed && d->left > 0) {
        uint8_t choice = codec_u8(d);
        char text[100];
        const uint8_t *bytes;
        size_t len;

        codec_put_u8(again, choice);
        switch (choice % 6) {
        case 0:
            codec_put_u8(again, codec_u8(d));
            break;
        case 1:
            codec_put_u32(again, codec_u32(d));
            break;
        case 2:
            codec_put_u64(again, codec_u64(d));
            break;
        case 3:
            codec_put_i64(again, codec_i64(d));
            break;
        case 4:
            codec_string(d, text, sizeof text);
            codec_put_string(again, text);
            break;
        default:
            bytes = codec_bytes(d, 200, &len);
            codec_put_bytes(again, bytes, len);
            break;
        }
    }
    if (codec_end(d) != SG_OK)
        buf_clear(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(struct decoder *, struct buf *) = {
        sign_tls, claims, names,      token_keys,  fields,     create,        rotate,
        update,   key,    public_key, client_cert, revocation, sealed_channel};
    struct decoder d;
    struct buf again;

    if (size < 1 || size > SG_IPC_MESSAGE_MAX)
        return 0;
    buf_init(&again, SG_IPC_MESSAGE_MAX);
    codec_start(&d, data + 1, size - 1);
    decoders[data[0] % (sizeof decoders / sizeof decoders[0])](&d, &again);
    if (buf_status(&again) != SG_OK)
        abort();
    if (again.len > 0 && (again.len != size - 1 || memcmp(again.data, data + 1, size - 1) != 0))
        abort();
    buf_fini(&again);
    return 0;
}
