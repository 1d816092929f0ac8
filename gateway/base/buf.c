/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with a cap; it never holds more than `max` bytes and never aborts. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define FIRST_CAP 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
    if (b->data != NULL)
        secret_wipe(b->data, b->cap);
    buf_fini(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    b->over_cap = false;
    if (b->data != NULL)
        b->data[0] = 0;
}

/* Moves the content to `cap` bytes of fresh memory. The old place is wiped: it may have held a
 * secret that buf_wipe could no longer reach. */
static bool move_to(struct buf *b, size_t cap)
{
    uint8_t *fresh = malloc(cap);

    if (fresh == NULL) {
        b->failed = true;
        return false;
    }
    if (b->data != NULL) {
        memcpy(fresh, b->data, b->len);
        secret_wipe(b->data, b->len);
        free(b->data);
    }
    fresh[b->len] = 0;
    b->data = fresh;
    b->cap = cap;
    return true;
}

uint8_t *buf_reserve(struct buf *b, size_t len)
{
    size_t need;
    size_t cap;

    if (b->failed)
        return NULL;
    if (len > b->max - b->len || __builtin_add_overflow(b->len + 1, len, &need)) {
        b->failed = true;
        b->over_cap = true;
        return NULL;
    }
    if (need > b->cap) {
        cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
        while (cap < need)
            if (__builtin_mul_overflow(cap, (size_t)2, &cap))
                cap = need;
        if (b->max < SIZE_MAX && cap > b->max + 1)
            cap = b->max + 1;
        if (!move_to(b, cap))
            return NULL;
    }
    return b->data + b->len;
}

void buf_commit(struct buf *b, size_t len)
{
    if (len == 0 && b->data == NULL)
        return;
    assert(len < b->cap - b->len);
    b->len += len;
    b->data[b->len] = 0;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
    uint8_t *to = buf_reserve(b, len);

    if (to == NULL)
        return;
    if (len > 0)
        memcpy(to, data, len);
    buf_commit(b, len);
}

void buf_puts(struct buf *b, const char *text)
{
    buf_append(b, text, strlen(text));
}

void buf_putc(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list ap)
{
    va_list again;
    uint8_t *to;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, format, ap);
    if (n < 0)
        b->failed = true;
    to = n < 0 ? NULL : buf_reserve(b, (size_t)n);
    if (to != NULL) {
        (void)vsnprintf((char *)to, (size_t)n + 1, format, again);
        buf_commit(b, (size_t)n);
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    buf_vprintf(b, format, ap);
    va_end(ap);
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= b->len);
    if (len == 0)
        return;
    b->len -= len;
    memmove(b->data, b->data + len, b->len);
    b->data[b->len] = 0;
}

enum sg_err buf_status(const struct buf *b)
{
    if (!b->failed)
        return SG_OK;
    return b->over_cap ? SG_ERR_TOO_LARGE : SG_ERR_NO_MEMORY;
}

const char *buf_str(const struct buf *b)
{
    return b->data == NULL ? "" : (const char *)b->data;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    char *data = NULL;
    size_t len = b->len;

    if (!b->failed && len > 0) {
        data = (char *)b->data;
        b->data = NULL;
        if (ret_len != NULL)
            *ret_len = len;
    }
    buf_fini(b);
    return data;
}
