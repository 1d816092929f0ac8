/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys in all forms that people keep them in: PEM and DER (SubjectPublicKeyInfo), OpenSSH,
 * minisign, signify, JWK (RFC 7517, RFC 8037), X.509. Parsing takes strangers' bytes.
 */
#ifndef SG_SIGFMT_PUBLIC_H
#define SG_SIGFMT_PUBLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sigfmt/sigfmt.h"

#define SG_PUBLIC_TEXT_MAX 16384 /* bytes of a key in any form */
#define SG_PUBLIC_SPKI_MAX 512

struct gnutls_pubkey_st;

/* Once loaded, any thread may use it. sig_public_fini. */
struct sig_public {
    enum sig_key_type type;
    uint8_t spki[SG_PUBLIC_SPKI_MAX]; /* DER */
    size_t spki_len;
    uint8_t keyid[32];   /* SHA-256 of it */
    uint8_t number[8];   /* of minisign and signify: the first bytes of keyid, or what a file in
                            these forms says */
    uint8_t ed25519[32]; /* the key itself, of that type */
    struct gnutls_pubkey_st *handle;
};

/* From a SubjectPublicKeyInfo. SG_ERR_BAD_FIELD: malformed, or of a kind that is not made here
 * (RSA: 2048 to 4096 bits pass, so that keys in tokens do). */
enum sg_err sig_public_load(const void *spki, size_t len, struct sig_public *ret) SG_MUST_CHECK;
/* From a key in any form, found out from the bytes; a certificate's key is taken as it is, whoever
 * signed it. SG_ERR_BAD_FIELD, SG_ERR_TOO_LARGE. */
enum sg_err sig_public_parse(const void *data, size_t len, struct sig_public *ret) SG_MUST_CHECK;
void sig_public_fini(struct sig_public *p);

/* Appends it in a form. `name` goes into comments. X509 writes `certificate` (DER) as PEM:
 * NOT_FOUND when it is NULL. minisign and signify of another type than ed25519: SG_ERR_BAD_FIELD.
 */
enum sg_err sig_public_put(struct buf *out, const struct sig_public *p,
                           enum sig_public_format format, const char *name,
                           const uint8_t *certificate, size_t certificate_len) SG_MUST_CHECK;

/* The key as OpenSSH encodes it (RFC 4253, 6.6; RFC 5656; RFC 8709), without base64. */
enum sg_err sig_public_put_ssh(struct buf *out, const struct sig_public *p) SG_MUST_CHECK;

#endif
