/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one request: allocated in chunks, freed all at once, capped. Not
 * thread safe; one owner at a time.
 */
#ifndef SG_BASE_ARENA_H
#define SG_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* A new arena of at most `max` bytes in all; NULL without memory. */
struct arena *arena_new(size_t max);

/* Frees everything that was allocated from it. NULL is legal. */
void arena_free(struct arena *a);

/* Gives everything back at once and keeps some memory for the next request; what is handed out
 * again is zeroed. */
void arena_reset(struct arena *a);

/* `size` zeroed bytes aligned for any type; NULL when the cap or memory is exhausted. */
void *arena_alloc(struct arena *a, size_t size);

/* Copies; the memory copy is followed by a NUL. NULL on failure. */
void *arena_memdup(struct arena *a, const void *data, size_t len);
char *arena_strdup(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

#endif
