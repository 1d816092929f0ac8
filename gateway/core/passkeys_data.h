/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What browsers and authenticators send, taken apart: clientDataJSON (WebAuthn, section 5.8.1), the
 * outer map of an attestationObject (section 6.5.4), the head of authenticator data (section 6.1).
 * Strict, without allocation or recursion; results borrow the input.
 */
#ifndef SG_CORE_PASSKEYS_DATA_H
#define SG_CORE_PASSKEYS_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/passkeys.h"

#define SG_PASSKEY_UP 0x01 /* flags of authenticator data: user present, */
#define SG_PASSKEY_UV 0x04 /* user verified, */
#define SG_PASSKEY_BE 0x08 /* may be backed up, */
#define SG_PASSKEY_BS 0x10 /* is backed up, */
#define SG_PASSKEY_AT 0x40 /* holds a new credential, */
#define SG_PASSKEY_ED 0x80 /* extensions */

#define SG_PASSKEY_MEMBERS 16 /* of clientDataJSON */

/* Values of members that count: printable ASCII without escapes, no NUL follows. */
struct passkey_client_data {
    const char *type, *challenge, *origin;
    size_t type_len, challenge_len, origin_len;
    bool cross_origin; /* also when a top-level origin is named */
};

/*
 * One JSON object without white space, in UTF-8; no name twice, none with an escape. `type`,
 * `challenge` and `origin` must be there, `crossOrigin` is true or false; other members may be
 * strings, numbers, literals, or objects of strings, and do not count. SG_ERR_BAD_FACTOR.
 */
enum sg_err passkeys_client_data(const uint8_t *text, size_t len,
                                 struct passkey_client_data *ret) SG_MUST_CHECK;

struct passkey_attestation_object {
    struct passkey_bytes statement; /* CBOR of attStmt */
    struct passkey_bytes auth_data; /* content, without its CBOR head */
    int64_t algorithm;              /* of the statement, COSE; 0: it names none */
    bool self;                      /* format "packed" with alg and sig only; else "none" */
};

/* Exactly the members fmt, attStmt and authData in any order, definite lengths in their shortest
 * form. Formats: "none" with an empty statement, "packed" without certificates.
 * SG_ERR_BAD_FACTOR. */
enum sg_err passkeys_attestation_object(const uint8_t *data, size_t len,
                                        struct passkey_attestation_object *ret) SG_MUST_CHECK;

#define SG_PASSKEY_AUTH_HEAD 37 /* bytes: SHA-256 of the relying party's id, flags, counter */
struct passkey_auth_head {
    const uint8_t *rp_sha256; /* SG_DIGEST_SIZE bytes */
    uint8_t flags;
    uint32_t sign_count;
};
/*
 * The head, and a look at the rest, which is for the library: after the head a new credential if
 * the flag says so (16 bytes, id with its length, a key), then extensions if the flag says so, each
 * one item of well-formed CBOR of definite, possible lengths, at most SG_PASSKEY_DEPTH deep.
 * (libcbor 0.8 takes the memory for as many entries as a map claims to have.) SG_ERR_BAD_FACTOR,
 * also for a backup that may not be.
 */
#define SG_PASSKEY_DEPTH 4
enum sg_err passkeys_auth_head(const uint8_t *data, size_t len,
                               struct passkey_auth_head *ret) SG_MUST_CHECK;

#endif
