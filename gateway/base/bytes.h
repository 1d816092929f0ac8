/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are somebody else's, for how long is said where they are given. */
#ifndef SG_BASE_BYTES_H
#define SG_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

#endif
