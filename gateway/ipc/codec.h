/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed, length-checked encoding of messages between the processes. Big-endian integers, u32
 * lengths. A decoder reads only what is there, remembers the first failure, and must end exactly at
 * the end.
 */
#ifndef SG_IPC_CODEC_H
#define SG_IPC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SG_IPC_MESSAGE_MAX (64 * 1024) /* bytes of one message, type included */

/* Encoders append to a buf made with buf_init(b, SG_IPC_MESSAGE_MAX); check buf_status once. */
void codec_put_u8(struct buf *b, uint8_t v);
void codec_put_u32(struct buf *b, uint32_t v);
void codec_put_u64(struct buf *b, uint64_t v);
void codec_put_i64(struct buf *b, int64_t v);
void codec_put_bytes(struct buf *b, const void *data, size_t len);
void codec_put_string(struct buf *b, const char *text);

struct decoder {
    const uint8_t *at;
    size_t left;
    bool failed;
};
void codec_start(struct decoder *d, const void *data, size_t len);
/* After a failure they return zero / empty. */
uint8_t codec_u8(struct decoder *d);
uint32_t codec_u32(struct decoder *d);
uint64_t codec_u64(struct decoder *d);
int64_t codec_i64(struct decoder *d);
/* Borrows bytes of the message; at most `max`, else it fails. */
const uint8_t *codec_bytes(struct decoder *d, size_t max, size_t *ret_len);
/* Copies a string without NUL inside into `ret` of `size` bytes; fails if it does not fit. */
void codec_string(struct decoder *d, char *ret, size_t size);
/* SG_OK when nothing failed and nothing is left; else SG_ERR_PROTOCOL. */
enum sg_err codec_end(const struct decoder *d) SG_MUST_CHECK;

#endif
