/* SPDX-License-Identifier: Apache-2.0 */
/* Signs the digest of a TLS handshake, with the algorithms of TLS 1.2 and 1.3 and nothing else. */
#ifndef SG_KEYRING_TLSSIGN_H
#define SG_KEYRING_TLSSIGN_H

#include <stddef.h>
#include <stdint.h>

#include <gnutls/abstract.h>

#include "base/err.h"

struct buf;

/* Whether the kind of key can serve TLS here: RSA of 2048 bits or more, RSA-PSS, ECDSA. */
enum sg_err tlssign_check_key(gnutls_privkey_t key) SG_MUST_CHECK;

/* Appends the signature. SG_ERR_BAD_FIELD when the algorithm is not allowed, does not fit the key,
 * or the digest is not exactly as long as the algorithm's hash. */
enum sg_err tlssign_make(gnutls_privkey_t key, uint32_t algorithm, const uint8_t *digest,
                         size_t digest_len, struct buf *out) SG_MUST_CHECK;

#endif
