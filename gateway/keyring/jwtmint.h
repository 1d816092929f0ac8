/* SPDX-License-Identifier: Apache-2.0 */
/* Composes access tokens (RFC 9068, the profile of RFC 7519 for them) from typed claims and signs
 * them with RS256. */
#ifndef SG_KEYRING_JWTMINT_H
#define SG_KEYRING_JWTMINT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ipc/keyring.h"
#include "keyring/tokenkeys.h"

/* SG_ERR_BAD_FIELD when a claim is not exactly of its form; nothing is signed then. */
enum sg_err jwtmint_check(const struct keyring_claims *claims) SG_MUST_CHECK;

/* Appends the compact token to `out`. The life is capped at SG_TOKEN_LIFE_MAX_S. */
enum sg_err jwtmint_make(const struct tokenkeys_entry *key, const char *issuer,
                         const struct keyring_claims *claims, int64_t now_s,
                         struct buf *out) SG_MUST_CHECK;

#endif
