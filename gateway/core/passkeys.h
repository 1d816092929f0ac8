/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passkeys (WebAuthn level 2, sections 7.1 and 7.2), the relying party's side; the cryptography is
 * libfido2's. Discoverable credentials with user verification only: such a login counts as both
 * factors, and nobody learns from a challenge who has passkeys.
 *
 * A challenge is not stored: it holds its own time and purpose under a key that this process made,
 * and lives five minutes. What is remembered, in bounded memory, are the challenges that were used,
 * so that each is used once; after a restart none of the former ones counts. Who fills that memory
 * keeps nobody out: see passkeys_challenges_use.
 */
#ifndef SG_CORE_PASSKEYS_H
#define SG_CORE_PASSKEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/factors.h"

#define SG_PASSKEY_CHALLENGE_SIZE    64
#define SG_PASSKEY_CHALLENGE_S       300
#define SG_PASSKEY_HANDLE_SIZE       32
#define SG_PASSKEY_HANDLE_MAX        64   /* bytes of any site's (WebAuthn, section 4) */
#define SG_PASSKEY_CLIENT_DATA_MAX   4096 /* bytes of clientDataJSON */
#define SG_PASSKEY_ATTESTATION_MAX   8192 /* bytes of an attestationObject */
#define SG_PASSKEY_AUTHENTICATOR_MAX 2048
#define SG_PASSKEY_SIGNATURE_MAX     1024
#define SG_PASSKEY_HOST_SIZE         254
#define SG_PASSKEY_USED_MAX          65536 /* used challenges that are remembered */

struct passkeys;

/* Bytes of the caller's. */
struct passkey_bytes {
    const uint8_t *data;
    size_t len;
};

/* What a browser gives after navigator.credentials.create(). */
struct passkey_attestation {
    struct passkey_bytes id, client_data, attestation;
};
/* ... and after navigator.credentials.get(). `user_handle.data` NULL: not given. */
struct passkey_assertion {
    struct passkey_bytes id, client_data, authenticator_data, signature, user_handle;
};

/* Algorithms (COSE) that are offered, most wanted first. */
#define SG_PASSKEY_ALGORITHMS 3
extern const int passkeys_algorithms[SG_PASSKEY_ALGORITHMS];

/* `key`: the storage key, copied. `issuer`: this gateway's address, whose origin and host count
 * (copied). SG_ERR_BAD_FIELD when it is no https or http address. */
enum sg_err passkeys_new(const struct factors_store *store, const uint8_t key[32],
                         const char *issuer, struct passkeys **ret) SG_MUST_CHECK;
void passkeys_free(struct passkeys *p);

/* The relying party's id: host of the issuer. */
const char *passkeys_rp_id(const struct passkeys *p);
/* The opaque handle by which authenticators know a user (the same for all of its passkeys). */
void passkeys_handle(const struct passkeys *p, int64_t user_id,
                     uint8_t ret[SG_PASSKEY_HANDLE_SIZE]);

/* Challenges: to register a passkey of a user; to log in as anybody (`user_id` 0) or as that user
 * only (a negative one stands for a name that does not exist). Never block. */
void passkeys_challenge_create(struct passkeys *p, int64_t user_id,
                               uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE]);
void passkeys_challenge_get(struct passkeys *p, int64_t user_id,
                            uint8_t ret[SG_PASSKEY_CHALLENGE_SIZE]);

/*
 * Registers a passkey of a user. SG_ERR_BAD_FACTOR with *ret_reason (static, public text) when
 * anything is not as it has to be; SG_ERR_LIMIT (SG_PASSKEYS_PER_USER), SG_ERR_NAME_TAKEN (the
 * user has one of this name; the same may be offered again under another), SG_ERR_CONFLICT (the
 * credential is registered already). Blocks (writes).
 */
enum sg_err passkeys_register(struct passkeys *p, int64_t user_id, const char *name,
                              const struct passkey_attestation *a, struct passkey_record *ret,
                              const char **ret_reason) SG_MUST_CHECK;
/*
 * Whose login this is: everything is verified, the challenge is used up and the counter is written
 * when it returns. SG_ERR_BAD_FACTOR with *ret_reason. A counter that does not go up (a copied
 * authenticator) is refused too, and ret->user_id tells whose it is; it is 0 after all other
 * errors. Blocks (writes).
 */
enum sg_err passkeys_verify(struct passkeys *p, const struct passkey_assertion *a,
                            struct passkey_record *ret, const char **ret_reason) SG_MUST_CHECK;

/* The user's, oldest first; at most SG_PASSKEYS_PER_USER. */
enum sg_err passkeys_list(struct passkeys *p, int64_t user_id,
                          struct passkey_record ret[SG_PASSKEYS_PER_USER],
                          size_t *ret_count) SG_MUST_CHECK;
/* The sessions that it opened end in the store: call it by identity_ending_by (core/identity.h).
 * SG_ERR_NOT_FOUND, also for another user's. */
enum sg_err passkeys_remove(struct passkeys *p, int64_t user_id, const uint8_t *id,
                            size_t id_len) SG_MUST_CHECK;

#endif
