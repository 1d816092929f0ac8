/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel; it never falls back to anything weaker. */
#include "base/rng.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

static void (*injected)(void *data, size_t len);

void rng_bytes(void *data, size_t len)
{
    uint8_t *at = data;

    if (injected != NULL) {
        injected(data, len);
        return;
    }
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0) {
            if (errno == EINTR)
                continue;
            abort();
        }
        at += n;
        len -= (size_t)n;
    }
}

void rng_set_source(void (*source)(void *data, size_t len))
{
    injected = source;
}
