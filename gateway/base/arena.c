/* SPDX-License-Identifier: Apache-2.0 */
/* A request's memory in chunks; single allocations are never freed or moved before the end. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Usual payload of chunks, bytes: the first is small, each further one as large as all before it.
 * Thousands of requests wait with little in theirs. */
#define CHUNK_FIRST 432
#define CHUNK_LEAST 464
#define CHUNK_MOST  4064

struct chunk {
    struct chunk *next;
    size_t size;
    size_t used;
    alignas(max_align_t) uint8_t data[];
};

struct arena {
    struct chunk *chunks; /* the newest one with room comes first */
    size_t max;
    size_t used;
    /* The first chunk: no other is in `chunks` when it is new. */
    alignas(max_align_t) uint8_t first[sizeof(struct chunk) + CHUNK_FIRST];
};

static struct chunk *first_of(struct arena *a)
{
    return (struct chunk *)(void *)a->first;
}

struct arena *arena_new(size_t max)
{
    struct arena *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->max = max;
    a->chunks = first_of(a);
    a->chunks->size = CHUNK_FIRST;
    return a;
}

static void free_chunks(struct arena *a)
{
    while (a->chunks != NULL) {
        struct chunk *c = a->chunks;

        a->chunks = c->next;
        if (c != first_of(a))
            free(c);
    }
}

void arena_free(struct arena *a)
{
    if (a == NULL)
        return;
    free_chunks(a);
    free(a);
}

void arena_reset(struct arena *a)
{
    struct chunk *c = first_of(a);

    free_chunks(a);
    memset(c->data, 0, c->used);
    c->used = 0;
    c->next = NULL;
    a->chunks = c;
    a->used = 0;
}

static struct chunk *chunk_new(size_t size)
{
    struct chunk *c;
    size_t total;

    if (__builtin_add_overflow(sizeof *c, size, &total))
        return NULL;
    c = calloc(1, total);
    if (c != NULL)
        c->size = size;
    return c;
}

/* A chunk with room for `size`: the newest, or a fresh one. A large one goes behind the newest, so
 * that the rest of that one is still used. */
static struct chunk *chunk_for(struct arena *a, size_t size)
{
    struct chunk *head = a->chunks;
    size_t usual = a->used < CHUNK_LEAST  ? CHUNK_LEAST
                   : a->used < CHUNK_MOST ? a->used
                                          : CHUNK_MOST;
    bool large = size > usual / 4;
    struct chunk *c;

    if (size <= head->size - head->used)
        return head;
    if (large && size < usual && head->size - head->used < usual / 4)
        large = false; /* little is lost */
    c = chunk_new(large ? size : usual);
    if (c == NULL)
        return NULL;
    if (large) {
        c->next = head->next;
        head->next = c;
    } else {
        c->next = head;
        a->chunks = c;
    }
    return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct chunk *c;
    size_t rounded;
    void *p;

    if (__builtin_add_overflow(size == 0 ? 1 : size, align - 1, &rounded))
        return NULL;
    rounded -= rounded % align;
    if (rounded > a->max - a->used)
        return NULL;
    c = chunk_for(a, rounded);
    if (c == NULL)
        return NULL;
    p = c->data + c->used;
    c->used += rounded;
    a->used += rounded;
    return p;
}

void *arena_memdup(struct arena *a, const void *data, size_t len)
{
    size_t total;
    uint8_t *p;

    if (__builtin_add_overflow(len, (size_t)1, &total))
        return NULL;
    p = arena_alloc(a, total);
    if (p != NULL && len > 0)
        memcpy(p, data, len);
    return p;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_memdup(a, text, strlen(text));
}

char *arena_vprintf(struct arena *a, const char *format, va_list ap)
{
    va_list again;
    char *p = NULL;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, format, ap);
    if (n >= 0)
        p = arena_alloc(a, (size_t)n + 1);
    if (p != NULL)
        (void)vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list ap;
    char *p;

    va_start(ap, format);
    p = arena_vprintf(a, format, ap);
    va_end(ap);
    return p;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
