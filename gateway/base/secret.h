/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that must not stay behind: wiping and comparing without leaking through time. */
#ifndef SG_BASE_SECRET_H
#define SG_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites with zeroes; the compiler does not drop it. NULL with 0 is legal. */
void secret_wipe(void *data, size_t len);

/* Wipes and frees a C string; NULL is legal. */
void secret_free_string(char *text);

/* Compares in time that depends on `len` only. */
bool secret_equal(const void *a, const void *b, size_t len);

#endif
