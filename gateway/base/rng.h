/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel (getrandom(2)); tests can put a fixed source in its place. */
#ifndef SG_BASE_RNG_H
#define SG_BASE_RNG_H

#include <stddef.h>

/* Fills `data`; never fails (aborts if the kernel has no randomness, which is a broken machine). */
void rng_bytes(void *data, size_t len);

/* For tests: replaces the source; NULL restores the kernel's. Not thread safe. */
void rng_set_source(void (*source)(void *data, size_t len));

#endif
