/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's identity: an Ed25519 key that vouches for sealed channels and signs nothing else.
 * Any thread may call. */
#ifndef SG_KEYRING_IDENTITYKEY_H
#define SG_KEYRING_IDENTITYKEY_H

#include "base/err.h"
#include "ipc/identity.h"

struct identitykey;
struct kek;

/* Reads DIR/identity.key, or makes it. What is wrong with the file is logged. */
enum sg_err identitykey_open(const struct kek *kek, const char *dir,
                             struct identitykey **ret) SG_MUST_CHECK;
void identitykey_close(struct identitykey *k);

void identitykey_public(const struct identitykey *k, uint8_t ret[SG_IDENTITY_KEY_SIZE]);
/* Signs the text that channel_signed_text composes of the terms (docs/channel.md). SG_ERR_BAD_FIELD
 * when it would end before it begins. */
enum sg_err identitykey_sign_channel(const struct identitykey *k, const struct keyring_channel *m,
                                     uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE]) SG_MUST_CHECK;

#endif
