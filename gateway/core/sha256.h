/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and HMAC-SHA-256 of whole strings of bytes, by GnuTLS. A failure would be a broken
 * library and aborts. */
#ifndef SG_CORE_SHA256_H
#define SG_CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SG_SHA256_SIZE 32

void sha256_digest(const void *data, size_t len, uint8_t ret[SG_SHA256_SIZE]);
void sha256_hmac(const void *key, size_t key_len, const void *data, size_t len,
                 uint8_t ret[SG_SHA256_SIZE]);

#endif
