/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes what lies in memory as a whole; it never streams. */
#include "core/sha256.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

void sha256_digest(const void *data, size_t len, uint8_t ret[SG_SHA256_SIZE])
{
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, ret) < 0)
        abort();
}

void sha256_hmac(const void *key, size_t key_len, const void *data, size_t len,
                 uint8_t ret[SG_SHA256_SIZE])
{
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, key_len, data, len, ret) < 0)
        abort();
}
