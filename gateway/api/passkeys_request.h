/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on passkeys have in common: bytes as base64url, as WebAuthn's JSON has them.
 */
#ifndef SG_API_PASSKEYS_REQUEST_H
#define SG_API_PASSKEYS_REQUEST_H

#include "api/json_out.h"
#include "core/passkeys.h"

struct request;

/* Bytes of a member in base64url without padding, 1 to `max` of them, into the arena; `text` NULL
 * gives data NULL. SG_ERR_BAD_FIELD with detail. */
enum sg_err passkeys_request_bytes(struct request *r, const char *name, const char *text,
                                   size_t max, struct passkey_bytes *ret) SG_MUST_CHECK;
/* base64url of up to SG_PASSKEY_ID_MAX bytes. */
void passkeys_request_put_id(struct json_out *o, const char *name, const uint8_t *id, size_t len);
void passkeys_request_put(struct json_out *o, const char *name, const struct passkey_record *key);

#endif
