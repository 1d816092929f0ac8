/* SPDX-License-Identifier: Apache-2.0 */
/* The two questions to libfido2, as a library without a device: is this a new key, is this
 * signature of that key. Any thread may call. */
#ifndef SG_CORE_PASSKEYS_FIDO_H
#define SG_CORE_PASSKEYS_FIDO_H

#include "base/err.h"
#include "core/passkeys_data.h"

/* Fills id, algorithm and public key. SG_ERR_BAD_FACTOR when the authenticator data holds no key of
 * an offered algorithm, the key is no valid one, or a self attestation's signature is wrong. */
enum sg_err passkeys_fido_attested(const char *rp_id, const struct passkey_bytes *client_data,
                                   const struct passkey_attestation_object *object,
                                   struct passkey_record *ret) SG_MUST_CHECK;
/* SG_ERR_BAD_FACTOR when the signature is not `key`'s over these data for this relying party, with
 * the user present and verified. */
enum sg_err passkeys_fido_asserted(const char *rp_id, const struct passkey_assertion *a,
                                   const struct passkey_record *key) SG_MUST_CHECK;

#endif
