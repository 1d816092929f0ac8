/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer that is born with a cap. Appending past the cap or without memory sets
 * `failed` and drops the bytes; callers check once at the end. It never grows beyond `max`.
 */
#ifndef SG_BASE_BUF_H
#define SG_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
    uint8_t *data; /* NUL follows data[len - 1] whenever data is not NULL */
    size_t len;
    size_t cap;
    size_t max; /* largest `len`, in bytes */
    bool failed;
    bool over_cap; /* why it failed: the cap, not memory */
};

/* Makes an empty buffer in place that will hold at most `max` bytes (no allocation yet). */
void buf_init(struct buf *b, size_t max);

/* Frees the content; the buffer is empty and usable again with the same cap. */
void buf_fini(struct buf *b);

/* As buf_fini, but wipes the content first (keys, tokens, passwords). */
void buf_wipe(struct buf *b);

/* Forgets the content and the failure, keeps the memory. */
void buf_clear(struct buf *b);

/* Append bytes, a C string, one byte, formatted text. After a failure they do nothing. */
void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *text);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Makes room for `len` more bytes and returns where to write them, NULL on failure. */
uint8_t *buf_reserve(struct buf *b, size_t len);
/* Counts `len` bytes written into reserved room. */
void buf_commit(struct buf *b, size_t len);
/* Removes `len` bytes from the front. */
void buf_consume(struct buf *b, size_t len);

/* SG_OK, or SG_ERR_NO_MEMORY (allocation) / SG_ERR_TOO_LARGE (cap) if anything was dropped. */
enum sg_err buf_status(const struct buf *b) SG_MUST_CHECK;

/* The content as a C string ("" when empty); borrowed, valid until the next change. */
const char *buf_str(const struct buf *b);

/* Gives the memory away (free() it); the buffer is empty then. NULL when it failed or is empty. */
char *buf_take(struct buf *b, size_t *ret_len);

static inline void buf_cleanup(struct buf *b)
{
    buf_fini(b);
}
#define SG_BUF_CLEANUP __attribute__((cleanup(buf_cleanup)))

#endif
