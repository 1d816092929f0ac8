/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be asked of the keyring, by whom, and how each message is laid out. The keyring composes
 * what it signs: a token from typed claims, a certificate from names; only the TLS handshake hands
 * it a digest, for the TLS key alone.
 */
#ifndef SG_IPC_KEYRING_H
#define SG_IPC_KEYRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ipc/codec.h"

/* Who is at the other end of a channel. */
enum keyring_peer { SG_PEER_CONTROL = 1, SG_PEER_WORKER = 2 };

/* X(name, type number, peers that may ask) */
#define SG_KEYRING_TABLE(X)                                                                        \
    X(ATTACH, 1, SG_PEER_CONTROL)        /* descriptors: new worker channels; answer empty */      \
    X(ENSURE_CERT, 2, SG_PEER_CONTROL)   /* names -> changed u8; writes ca.pem and tls/ */         \
    X(RELOAD, 3, SG_PEER_CONTROL)        /* re-reads the TLS key(s); answer empty */               \
    X(ROTATE_TOKENS, 4, SG_PEER_CONTROL) /* new token key if the current is due -> changed u8 */   \
    X(STATUS, 5, SG_PEER_CONTROL | SG_PEER_WORKER) /* -> empty: alive */                           \
    X(SIGN_TLS, 16, SG_PEER_WORKER)      /* struct keyring_sign_tls -> signature bytes */          \
    X(HAS_TLS_KEY, 17, SG_PEER_WORKER)   /* SPKI SHA-256 -> algorithm u32, bits u32; NOT_FOUND */  \
    X(MINT, 18, SG_PEER_WORKER)          /* struct keyring_claims -> compact JWT string */         \
    X(TOKEN_KEYS, 19, SG_PEER_WORKER)    /* -> u32 count, per key: kid string, n bytes, e bytes */ \
    X(KEY_CREATE, 32, SG_PEER_WORKER)    /* struct keyring_key_create -> struct keyring_key */     \
    X(KEY_ROTATE, 33, SG_PEER_WORKER)    /* struct keyring_key_rotate -> struct keyring_key */     \
    X(KEY_UPDATE, 34, SG_PEER_WORKER)    /* struct keyring_key_update -> struct keyring_key */     \
    X(KEY_NAMES, 35, SG_PEER_WORKER)     /* -> u32 count, names in order */                        \
    X(KEY_GET, 36, SG_PEER_WORKER)       /* name -> struct keyring_key; NOT_FOUND */               \
    X(KEY_PUBLIC, 37, SG_PEER_WORKER)    /* name, version u32 -> struct keyring_public */          \
    X(SIGN, 40, SG_PEER_WORKER)          /* memory file: keyring_sign -> memory file: result */    \
    X(RELEASE, 41, SG_PEER_WORKER)       /* ticket u64, note bytes -> memory file: result */       \
    X(LOG_STATE, 42, SG_PEER_WORKER)     /* -> struct keyring_log_state */                         \
    X(SIGN_TIME, 43, SG_PEER_WORKER)     /* nonce bytes -> time i64, note text bytes */            \
    X(ISSUE_CLIENT, 48, SG_PEER_WORKER)  /* struct keyring_client_cert -> certificate bytes */     \
    X(REVOKE_CLIENT, 49, SG_PEER_WORKER) /* struct keyring_revocation -> empty; it is listed */    \
    X(SIGN_CHANNEL, 50, SG_PEER_WORKER)  /* struct keyring_channel -> signature bytes */           \
    X(IDENTITY_KEY, 51, SG_PEER_WORKER)  /* -> Ed25519 public key bytes */                         \
    X(STORAGE_KEY, 52, SG_PEER_WORKER)   /* -> key bytes; the same for ever */

enum keyring_message {
#define X(name, number, peers) SG_KEYRING_##name = number,
    SG_KEYRING_TABLE(X)
#undef X
};

/* Whether `type` exists and `peer` may ask for it. */
bool keyring_is_allowed(uint8_t type, enum keyring_peer peer);
/* "MINT" and so on, "?" for an unknown type; static storage. */
const char *keyring_message_name(uint8_t type);

/* A request is: u8 type, fields. A reply is: u8 enum sg_err, fields when SG_OK. */

#define SG_KEYRING_NAMES_MAX 32
#define SG_KEYRING_NAME_SIZE 256

struct keyring_sign_tls {
    uint8_t spki_sha256[32];
    uint32_t sign_algorithm; /* gnutls_sign_algorithm_t */
    uint8_t digest[64];      /* exactly as long as the algorithm's hash */
    size_t digest_len;
};

#define SG_CLAIM_SIZE 256
#define SG_ACTORS_MAX 4
/* RFC 8705 (`x5t#S256`: SHA-256 of the certificate), RFC 9449 (`jkt`: of the key as a JWK). */
enum confirmation { SG_CONFIRM_NOTHING, SG_CONFIRM_CERTIFICATE, SG_CONFIRM_DPOP };
/* Claims of an access token (RFC 7519, RFC 9068). iat, nbf and iss come from the keyring's own
 * clock and configuration; exp is iat + lifetime_s, capped there. */
struct keyring_claims {
    char sub[SG_CLAIM_SIZE];
    char sid[64];
    char jti[64];
    char scope[SG_CLAIM_SIZE];
    char role[16];
    char aud[SG_CLAIM_SIZE];
    char client_id[64]; /* "": none */
    /* `act` (RFC 8693, section 4.1), the one who acts now first. */
    size_t actor_count;
    char actor[SG_ACTORS_MAX][64];
    /* `cnf`: what the holder has to show, by its SHA-256. */
    enum confirmation confirmation;
    uint8_t confirmation_sha256[32];
    uint32_t lifetime_s;
};

struct keyring_names {
    size_t count;
    char name[SG_KEYRING_NAMES_MAX][SG_KEYRING_NAME_SIZE]; /* DNS names and IP addresses */
};

struct token_key {
    char kid[64];
    uint8_t n[512]; /* RSA modulus, big-endian, no leading zero */
    size_t n_len;
    uint8_t e[8];
    size_t e_len;
};
#define SG_TOKEN_KEYS_MAX 8

/* Encoders and exact decoders of the bodies (after the type byte). */
void keyring_put_sign_tls(struct buf *b, const struct keyring_sign_tls *m);
enum sg_err keyring_get_sign_tls(struct decoder *d, struct keyring_sign_tls *ret) SG_MUST_CHECK;
void keyring_put_claims(struct buf *b, const struct keyring_claims *m);
enum sg_err keyring_get_claims(struct decoder *d, struct keyring_claims *ret) SG_MUST_CHECK;
void keyring_put_names(struct buf *b, const struct keyring_names *m);
enum sg_err keyring_get_names(struct decoder *d, struct keyring_names *ret) SG_MUST_CHECK;
void keyring_put_token_keys(struct buf *b, const struct token_key *keys, size_t count);
enum sg_err keyring_get_token_keys(struct decoder *d, struct token_key ret[SG_TOKEN_KEYS_MAX],
                                   size_t *ret_count) SG_MUST_CHECK;

#endif
