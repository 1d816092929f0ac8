/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker asks the keyring for around identity: client certificates, the identity key's
 * signature of a channel, and the key that sealed values in the worker's store are under. Each
 * call blocks, any thread may call.
 */
#ifndef SG_IPC_IDENTITY_H
#define SG_IPC_IDENTITY_H

#include "ipc/keyring_client.h"

#define SG_IDENTITY_KEY_SIZE       32 /* Ed25519 public key */
#define SG_IDENTITY_SIGNATURE_SIZE 64
#define SG_STORAGE_KEY_SIZE        32
#define SG_SERIAL_SIZE             20
#define SG_CLIENT_CERT_MAX         4096 /* bytes of a certificate (DER) */
#define SG_CLIENT_SPKI_MAX         1024

/* A client certificate to issue. Subject (CN = user) and alternative name (URI
 * urn:secgate:user:NAME), extensions and serial number are the keyring's business. */
struct keyring_client_cert {
    char user[64];
    uint8_t spki[SG_CLIENT_SPKI_MAX]; /* SubjectPublicKeyInfo (DER): P-256, P-384, RSA of 2048 to
                                  4096 bits, Ed25519 */
    size_t spki_len;
    uint32_t lifetime_s; /* at most 90 days */
};

/* A client certificate that counts no longer. */
struct keyring_revocation {
    uint8_t serial[SG_SERIAL_SIZE]; /* big-endian, as in the certificate */
    size_t serial_len;
    int64_t revoked_s;
    int64_t expires_s; /* when it can leave the list */
};

/* What the identity key vouches for: docs/channel.md has the exact bytes that are signed. */
struct keyring_channel {
    uint8_t session_id[16];
    uint8_t client_public[32];
    uint8_t server_public[32];
    uint8_t salt[32];
    int64_t created_s, expires_s;
};

/* SG_ERR_BAD_FIELD (name, key), SG_ERR_CONFLICT (the CA is not valid now). */
enum sg_err keyring_client_issue(struct keyring_client *k, const struct keyring_client_cert *m,
                                 uint8_t ret_der[SG_CLIENT_CERT_MAX],
                                 size_t *ret_len) SG_MUST_CHECK;
/* Enters the serial number in the CA's revocation list, which is on disk at return. Again is no
 * error. SG_ERR_LIMIT when the list is full. */
enum sg_err keyring_client_revoke(struct keyring_client *k,
                                  const struct keyring_revocation *m) SG_MUST_CHECK;
enum sg_err keyring_client_sign_channel(struct keyring_client *k, const struct keyring_channel *m,
                                        uint8_t ret[SG_IDENTITY_SIGNATURE_SIZE]) SG_MUST_CHECK;
enum sg_err keyring_client_identity_key(struct keyring_client *k,
                                        uint8_t ret[SG_IDENTITY_KEY_SIZE]) SG_MUST_CHECK;
/* The same at every start; made at the first. Wipe it. */
enum sg_err keyring_client_storage_key(struct keyring_client *k,
                                       uint8_t ret[SG_STORAGE_KEY_SIZE]) SG_MUST_CHECK;

/* Encoders and exact decoders of the bodies (after the type byte). */
void keyring_put_client_cert(struct buf *b, const struct keyring_client_cert *m);
enum sg_err keyring_get_client_cert(struct decoder *d,
                                    struct keyring_client_cert *ret) SG_MUST_CHECK;
void keyring_put_revocation(struct buf *b, const struct keyring_revocation *m);
enum sg_err keyring_get_revocation(struct decoder *d, struct keyring_revocation *ret) SG_MUST_CHECK;
void keyring_put_channel(struct buf *b, const struct keyring_channel *m);
enum sg_err keyring_get_channel(struct decoder *d, struct keyring_channel *ret) SG_MUST_CHECK;

#endif
