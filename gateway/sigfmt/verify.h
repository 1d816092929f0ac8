/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies signatures in all formats against the digests of a content and a public key, and finds
 * out what a signature is. Takes strangers' bytes; it looks at no certificate chain and no clock.
 */
#ifndef SG_SIGFMT_VERIFY_H
#define SG_SIGFMT_VERIFY_H

#include "sigfmt/manifest.h"
#include "sigfmt/public.h"
#include "sigfmt/record.h"

/* X(name, code, what it means) */
#define SG_SIG_REASONS(X)                                                                          \
    X(MALFORMED, "signature-malformed", "The signature is not in the form it is said to have")     \
    X(INVALID, "signature-invalid", "The signature does not hold under this key")                  \
    X(DIGEST, "digest-mismatch", "It was made for another content")                                \
    X(NAME, "name-mismatch", "It was made for a file of another name")                             \
    X(KEY, "key-mismatch", "It was made with another key")                                         \
    X(NAMESPACE, "namespace-mismatch", "It was made for another purpose (namespace)")              \
    X(NO_DIGEST, "digest-missing", "A digest that it needs is not given")                          \
    X(UNSUPPORTED, "unsupported", "This kind of signature or algorithm is not known")
enum sig_reason {
    SG_SIG_VALID = 0,
#define X(name, code, text) SG_SIG_##name,
    SG_SIG_REASONS(X)
#undef X
};
/* "signature-invalid"; "valid" for SG_SIG_VALID. Static storage. */
const char *sig_reason_code(enum sig_reason reason);
const char *sig_reason_text(enum sig_reason reason);

/* What is verified against. */
struct sig_content {
    const char *name; /* NULL: not known, and not held against names inside */
    struct sig_digests digests;
};

/* The record's signature over its canonical text; the text's keyid and algorithm must be the
 * key's. `content` may be NULL: only the signature is looked at. */
enum sig_reason sig_verify_record(const char *text, size_t len, const uint8_t *signature,
                                  size_t signature_len, const struct sig_public *key,
                                  const struct sig_content *content);
/* Signify: the content's own digest must be in the list, under `name` when that is known. DSSE: a
 * subject with its digest (all digests that both sides know must agree). */
enum sig_reason sig_verify(enum sig_format format, const void *signature, size_t len,
                           const struct sig_public *key, const struct sig_content *content);

/* A bare signature over bytes as given (checks lengths too). */
enum sig_reason sig_verify_bytes(const struct sig_public *key, const void *data, size_t len,
                                 const uint8_t *signature, size_t signature_len);

/* The signed list inside a SHA256.sig, once its signature holds: *ret_lines is in `signature`. */
enum sig_reason sig_verify_list(const char *signature, size_t len, const struct sig_public *key,
                                const char **ret_lines, size_t *ret_len);

/* What a file is. RAW is what is nothing else and 64, 70 to 72, or 256 to 512 bytes long. */
enum sig_kind {
    SG_SIG_KIND_FORMAT, /* ret_format says which */
    SG_SIG_KIND_RECORD, /* JSON with an algorithm and a keyid: a record */
    SG_SIG_KIND_PROOF,  /* c2sp.org/tlog-proof */
};
/* SG_ERR_BAD_FIELD: none of them. */
enum sg_err sig_detect(const void *data, size_t len, enum sig_kind *ret_kind,
                       enum sig_format *ret_format) SG_MUST_CHECK;

/* Which key a signature says it was made with: number of 8 bytes (minisign, signify), keyid of 32
 * bytes (dsse of here), or the key itself as SubjectPublicKeyInfo (sshsig, cms with a certificate),
 * by its length; 0: it does not say. Nothing is verified. */
enum sg_err sig_hint(enum sig_format format, const void *signature, size_t len,
                     uint8_t ret[SG_PUBLIC_SPKI_MAX], size_t *ret_len) SG_MUST_CHECK;

#endif
