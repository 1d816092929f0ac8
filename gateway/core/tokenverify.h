/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict reading and checking of our access tokens (RFC 7519, RFC 9068, RFC 8725). Pure: no store,
 * no clock, no keyring. Only what our own keyring mints is understood: three parts of canonical
 * base64url, JSON objects of plain strings and integers without white space, escapes or
 * duplicates, alg RS256.
 *
 * The signature is checked by GnuTLS with RSA-SHA-256 named here, never by the token. libjwt's
 * jwt_decode is not used: it follows the token's alg and refuses every typ but "JWT", so also
 * "at+jwt" (measured, 1.10.2).
 */
#ifndef SG_CORE_TOKENVERIFY_H
#define SG_CORE_TOKENVERIFY_H

#include <gnutls/abstract.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/keyring.h"

#define SG_TOKEN_TEXT_MAX 4000 /* bytes of a token's text */
#define SG_TOKEN_KID_SIZE 64
#define SG_TOKEN_TEXT     256 /* bytes of one claim with NUL */
#define SG_TOKEN_SKEW_S   60  /* how far `iat` may lie ahead of our clock */

/* A token whose form and header are right and whose signature has not been checked. */
struct token_form {
    const char *text; /* borrowed: header.payload, what is signed */
    size_t signed_len;
    char kid[SG_TOKEN_KID_SIZE];
    uint8_t signature[512];
    size_t signature_len;
    char payload[3 * SG_TOKEN_TEXT_MAX / 4];
    size_t payload_len;
};

struct token_claims {
    char iss[SG_TOKEN_TEXT], aud[SG_TOKEN_TEXT], sub[SG_TOKEN_TEXT], scope[SG_TOKEN_TEXT];
    char sid[64], jti[64], role[16];
    char client_id[64];             /* "": none */
    size_t actor_count;             /* `act` (RFC 8693, section 4.1) */
    char actor[SG_ACTORS_MAX][64];  /* the one who acts now first */
    enum confirmation confirmation; /* `cnf` */
    uint8_t confirmation_sha256[32];
    int64_t iat_s, exp_s;
};

/* Form and header. SG_ERR_TOKEN_INVALID. `token` need not end in NUL and is borrowed by *ret. */
enum sg_err tokenverify_form(const char *token, size_t len, struct token_form *ret) SG_MUST_CHECK;

/* The signature, with the key that form->kid names. SG_ERR_TOKEN_INVALID. `key_bytes`: of its
 * modulus. */
enum sg_err tokenverify_signature(const struct token_form *form, gnutls_pubkey_t key,
                                  size_t key_bytes) SG_MUST_CHECK;

/* The claims of a token whose signature is right: all must be there but `client_id`, `act` and
 * `cnf`, `iss` and `aud` equal (`audience` NULL: whatever it is). A `cnf` that is not understood is
 * no token of ours: it would be refused, never ignored. SG_ERR_TOKEN_INVALID, also when `nbf` or
 * `iat` (but for the skew) lies ahead of `now_s`; SG_ERR_TOKEN_EXPIRED when exp is not after it:
 * *ret is written then, too. */
enum sg_err tokenverify_claims(const struct token_form *form, const char *issuer,
                               const char *audience, int64_t now_s,
                               struct token_claims *ret) SG_MUST_CHECK;

#endif
