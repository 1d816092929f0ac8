/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian fields with checked lengths; the decoder never reads past the end of the message. */
#include "ipc/codec.h"

#include <string.h>

static void put_big_endian(struct buf *b, uint64_t v, unsigned size)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(v >> 8 * (size - 1 - i));
    buf_append(b, bytes, size);
}

void codec_put_u8(struct buf *b, uint8_t v)
{
    put_big_endian(b, v, 1);
}

void codec_put_u32(struct buf *b, uint32_t v)
{
    put_big_endian(b, v, 4);
}

void codec_put_u64(struct buf *b, uint64_t v)
{
    put_big_endian(b, v, 8);
}

void codec_put_i64(struct buf *b, int64_t v)
{
    put_big_endian(b, (uint64_t)v, 8);
}

void codec_put_bytes(struct buf *b, const void *data, size_t len)
{
    if (len > UINT32_MAX) {
        b->failed = true;
        b->over_cap = true;
        return;
    }
    codec_put_u32(b, (uint32_t)len);
    buf_append(b, data, len);
}

void codec_put_string(struct buf *b, const char *text)
{
    codec_put_bytes(b, text, strlen(text));
}

void codec_start(struct decoder *d, const void *data, size_t len)
{
    *d = (struct decoder){.at = data, .left = len};
}

/* The next `len` bytes, or NULL and the decoder has failed. */
static const uint8_t *take(struct decoder *d, size_t len)
{
    const uint8_t *at = d->at;

    if (d->failed || len > d->left) {
        d->failed = true;
        return NULL;
    }
    if (len > 0)
        d->at += len;
    d->left -= len;
    return at;
}

static uint64_t take_big_endian(struct decoder *d, unsigned size)
{
    const uint8_t *bytes = take(d, size);
    uint64_t v = 0;

    for (unsigned i = 0; bytes != NULL && i < size; i++)
        v = v << 8 | bytes[i];
    return v;
}

uint8_t codec_u8(struct decoder *d)
{
    return (uint8_t)take_big_endian(d, 1);
}

uint32_t codec_u32(struct decoder *d)
{
    return (uint32_t)take_big_endian(d, 4);
}

uint64_t codec_u64(struct decoder *d)
{
    return take_big_endian(d, 8);
}

int64_t codec_i64(struct decoder *d)
{
    return (int64_t)take_big_endian(d, 8);
}

const uint8_t *codec_bytes(struct decoder *d, size_t max, size_t *ret_len)
{
    static const uint8_t nothing[1];
    size_t len = codec_u32(d);
    const uint8_t *at;

    if (len > max)
        d->failed = true;
    at = take(d, len);
    *ret_len = d->failed ? 0 : len;
    return d->failed || len == 0 ? nothing : at;
}

void codec_string(struct decoder *d, char *ret, size_t size)
{
    size_t len;
    const uint8_t *at = codec_bytes(d, size - 1, &len);

    if (memchr(at, '\0', len) != NULL) {
        d->failed = true;
        len = 0;
    }
    memcpy(ret, at, len);
    ret[len] = '\0';
}

enum sg_err codec_end(const struct decoder *d)
{
    return d->failed || d->left > 0 ? SG_ERR_PROTOCOL : SG_OK;
}
