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

#define SG_CHANNEL_KEY_SIZE    32
#define SG_CHANNEL_SALT_SIZE   32
#define SG_CHANNEL_NONCE_SIZE  12
#define SG_CHANNEL_TAG_SIZE    16
#define SG_CHANNEL_ID_SIZE     16  /* session id */
#define SG_CHANNEL_SIGNED_SIZE 256 /* bytes of the signed text at most */

#define SG_CHANNEL_SUITE_X25519 "X25519-HKDF-SHA256-AES256GCM"
#define SG_CHANNEL_SUITE_GIVEN  "GIVEN-HKDF-SHA256-AES256GCM" /* a random secret in the answer */

/* Sequence numbers and epochs fit what JavaScript counts exactly. */
#define SG_CHANNEL_SEQUENCE_MAX ((INT64_C(1) << 53) - 1)

/* What both sides know of a channel, and what its keys and the signature are bound to. */
struct channel_terms {
    uint8_t session_id[SG_CHANNEL_ID_SIZE];
    uint8_t client_public[SG_CHANNEL_KEY_SIZE]; /* zero where the secret is given */
    uint8_t server_public[SG_CHANNEL_KEY_SIZE]; /* likewise */
    uint8_t salt[SG_CHANNEL_SALT_SIZE];
    int64_t created_s, expires_s;
};

enum channel_direction { SG_CHANNEL_REQUEST, SG_CHANNEL_RESPONSE };

/* An epoch: its secret, from which the next one comes, and what messages are sealed with. */
struct channel_epoch {
    uint64_t number;
    uint8_t secret[SG_CHANNEL_KEY_SIZE];
    uint8_t key[2][SG_CHANNEL_KEY_SIZE]; /* by direction */
    uint8_t iv[2][SG_CHANNEL_NONCE_SIZE];
};

/* A message beside its content; all of it is authenticated. */
struct channel_message {
    uint8_t session_id[SG_CHANNEL_ID_SIZE];
    enum channel_direction direction;
    uint64_t sequence;
    uint64_t next_epoch; /* of an answer: the epoch to use from now on; of a request: 0 */
    /* Of an answer: the tag that its request ended with; zero where that had no data. */
    uint8_t request_tag[SG_CHANNEL_TAG_SIZE];
};

/* A fresh X25519 key pair. */
void channel_key_pair(uint8_t ret_secret[SG_CHANNEL_KEY_SIZE],
                      uint8_t ret_public[SG_CHANNEL_KEY_SIZE]);
/* SG_ERR_BAD_FIELD for a public key of low order (RFC 7748, section 6.1). */
enum sg_err channel_agree(const uint8_t secret[SG_CHANNEL_KEY_SIZE],
                          const uint8_t public_key[SG_CHANNEL_KEY_SIZE],
                          uint8_t ret[SG_CHANNEL_KEY_SIZE]) SG_MUST_CHECK;
/* Appends what the identity key signs, and what the keys are bound to; at most
 * SG_CHANNEL_SIGNED_SIZE bytes. The suite follows from the public keys. */
void channel_signed_text(const struct channel_terms *terms, struct buf *out);
/* Epoch 0 from the shared (or given) secret. */
enum sg_err channel_start(const struct channel_terms *terms,
                          const uint8_t shared[SG_CHANNEL_KEY_SIZE],
                          struct channel_epoch *ret) SG_MUST_CHECK;
/* One step forward, in place: the former secret is gone. */
enum sg_err channel_next(struct channel_epoch *epoch) SG_MUST_CHECK;
/* An epoch whose number and secret were kept. */
enum sg_err channel_resume(uint64_t number, const uint8_t secret[SG_CHANNEL_KEY_SIZE],
                           struct channel_epoch *ret) SG_MUST_CHECK;
/* The nonce of a message that comes without one. */
void channel_nonce(const struct channel_epoch *epoch, enum channel_direction direction,
                   uint64_t sequence, uint8_t ret[SG_CHANNEL_NONCE_SIZE]);
/* Appends ciphertext and tag. `nonce` NULL: the one that belongs to the sequence number. */
enum sg_err channel_seal(const struct channel_epoch *epoch, const struct channel_message *message,
                         const uint8_t *nonce, const void *data, size_t len,
                         struct buf *out) SG_MUST_CHECK;
/* The other way. SG_ERR_BAD_SEALED: not what was sealed, or for something else; nothing is
 * appended. */
enum sg_err channel_open(const struct channel_epoch *epoch, const struct channel_message *message,
                         const uint8_t *nonce, const void *data, size_t len,
                         struct buf *out) SG_MUST_CHECK;

#endif
