/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography of the sealed channel, the same for gateway and client (docs/channel.md): keys
 * from X25519 or a random secret by HKDF-SHA-256 (RFC 5869), epochs that only lead forward,
 * messages under AES-256-GCM. Pure: no clock, no state but the caller's. Wipe what is secret.
 */
#ifndef SG_CHANNEL_CHANNEL_H
#define SG_CHANNEL_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SG_CHANNEL_KEY_SIZE   32
#define SG_CHANNEL_SALT_SIZE  32
#define SG_CHANNEL_NONCE_SIZE 12
#define SG_CHANNEL_TAG_SIZE   16
#define SG_CHANNEL_ID_SIZE    16 /* session id */

#define SG_CHANNEL_SUITE_X25519 "X25519-HKDF-SHA256-AES256GCM"
#define SG_CHANNEL_SUITE_GIVEN  "GIVEN-HKDF-SHA256-AES256GCM" /* a random secret in the answer */

/* What both sides know of a channel, and what its keys and the signature are bound to. */
struct channel_terms {
    uint8_t session_id[SG_CHANNEL_ID_SIZE];
    uint8_t client_public[SG_CHANNEL_KEY_SIZE]; /* zero where the secret is given */
    uint8_t server_public[SG_CHANNEL_KEY_SIZE]; /* likewise */
    uint8_t salt[SG_CHANNEL_SALT_SIZE];
    int64_t created_s, expires_s;
};

/* An epoch's secret, from which its keys and the next secret come. */
struct channel_epoch {
    uint64_t number;
    uint8_t secret[32];
};

enum channel_direction { SG_CHANNEL_REQUEST, SG_CHANNEL_RESPONSE };

/* A fresh X25519 key pair. */
void channel_key_pair(uint8_t ret_secret[SG_CHANNEL_KEY_SIZE],
                      uint8_t ret_public[SG_CHANNEL_KEY_SIZE]);
/* SG_ERR_BAD_FIELD for a public key of low order (RFC 7748, section 6.1). */
enum sg_err channel_agree(const uint8_t secret[SG_CHANNEL_KEY_SIZE],
                          const uint8_t public_key[SG_CHANNEL_KEY_SIZE],
                          uint8_t ret[SG_CHANNEL_KEY_SIZE]) SG_MUST_CHECK;
/* Epoch 0 from the shared (or given) secret. */
enum sg_err channel_start(const struct channel_terms *terms,
                          const uint8_t shared[SG_CHANNEL_KEY_SIZE],
                          struct channel_epoch *ret) SG_MUST_CHECK;
/* One step forward, in place: the former secret is gone. */
enum sg_err channel_next(struct channel_epoch *epoch) SG_MUST_CHECK;
/* Appends what the identity key signs. */
void channel_signed_text(const struct channel_terms *terms, struct buf *out);
/* Appends ciphertext and tag. `nonce` NULL: the one that belongs to the sequence number.
 * `next_epoch` (responses): the epoch that the client shall use from now on, bound to the message.
 */
enum sg_err channel_seal(const struct channel_terms *terms, const struct channel_epoch *epoch,
                         enum channel_direction direction, uint64_t sequence, uint64_t next_epoch,
                         const uint8_t *nonce, const uint8_t *data, size_t len,
                         struct buf *out) SG_MUST_CHECK;
/* The other way; SG_ERR_BAD_SEALED. */
enum sg_err channel_open(const struct channel_terms *terms, const struct channel_epoch *epoch,
                         enum channel_direction direction, uint64_t sequence, uint64_t next_epoch,
                         const uint8_t *nonce, const uint8_t *data, size_t len,
                         struct buf *out) SG_MUST_CHECK;

#endif
