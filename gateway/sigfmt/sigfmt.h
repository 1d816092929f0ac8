/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of keys and formats of signatures, by number and name. */
#ifndef SG_SIGFMT_SIGFMT_H
#define SG_SIGFMT_SIGFMT_H

#include <stdint.h>

#include "base/err.h"

/* X(name, number, name in the API, algorithm of its record signatures) */
#define SG_KEY_TYPES(X)                                                                            \
    X(ED25519, 1, "ed25519", "ed25519")                                                            \
    X(ECDSA_P256, 2, "ecdsa-p256", "ecdsa-p256-sha256")                                            \
    X(RSA_3072, 3, "rsa-3072", "rsa-pkcs1-sha256")
enum sig_key_type {
#define X(name, number, text, algorithm) SG_KEY_##name = (number),
    SG_KEY_TYPES(X)
#undef X
};

/* X(name, bit, name in the API, extension of its file) */
#define SG_SIG_FORMATS(X)                                                                          \
    X(RAW, 0, "raw", ".sig")                                                                       \
    X(MINISIGN, 1, "minisign", ".minisig")                                                         \
    X(SIGNIFY, 2, "signify", ".sig")                                                               \
    X(SSHSIG, 3, "sshsig", ".sig")                                                                 \
    X(CMS, 4, "cms", ".p7s")                                                                       \
    X(DSSE, 5, "dsse", ".intoto.jsonl")
enum sig_format {
#define X(name, bit, text, extension) SG_FORMAT_##name = 1 << (bit),
    SG_SIG_FORMATS(X)
#undef X
};
#define SG_FORMATS_ALL 0x3f

/* Forms of a public key. */
#define SG_PUBLIC_FORMATS(X)                                                                       \
    X(PEM, "pem", "application/x-pem-file")                                                        \
    X(SSH, "ssh", "text/plain; charset=utf-8")                                                     \
    X(MINISIGN, "minisign", "text/plain; charset=utf-8")                                           \
    X(SIGNIFY, "signify", "text/plain; charset=utf-8")                                             \
    X(JWK, "jwk", "application/jwk+json")                                                          \
    X(X509, "x509", "application/x-pem-file")
enum sig_public_format {
#define X(name, text, media_type) SG_PUBLIC_##name,
    SG_PUBLIC_FORMATS(X)
#undef X
        SG_PUBLIC_FORMAT_COUNT
};

/* NULL / SG_ERR_BAD_FIELD for what does not exist. */
const char *sig_key_type_name(enum sig_key_type type);
const char *sig_key_type_algorithm(enum sig_key_type type);
enum sg_err sig_key_type_parse(const char *text, enum sig_key_type *ret) SG_MUST_CHECK;
const char *sig_format_name(enum sig_format format);
const char *sig_format_extension(enum sig_format format);
enum sg_err sig_format_parse(const char *text, enum sig_format *ret) SG_MUST_CHECK;
const char *sig_public_format_name(enum sig_public_format format);
const char *sig_public_format_media_type(enum sig_public_format format);
enum sg_err sig_public_format_parse(const char *text, enum sig_public_format *ret) SG_MUST_CHECK;
/* The formats that a key of this type can make: minisign and signify are Ed25519's. */
unsigned sig_key_type_formats(enum sig_key_type type);

#endif
