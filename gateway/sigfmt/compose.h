/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Composes signatures from digests: of the record, and in the formats of other people's tools.
 * Signing itself is a callback, so that this sees no private key.
 */
#ifndef SG_SIGFMT_COMPOSE_H
#define SG_SIGFMT_COMPOSE_H

#include "base/buf.h"
#include "sigfmt/manifest.h"
#include "sigfmt/public.h"
#include "sigfmt/record.h"

#define SG_SIGNATURE_MAX      512       /* bytes of a bare signature (RSA-4096) */
#define SG_SIGFMT_TEXT_MAX    (4 << 20) /* bytes of a signature in any format (lists are long) */
#define SG_PREDICATE_RECORD   "urn:secgate:record:v1" /* in-toto predicate types */
#define SG_PREDICATE_MANIFEST "urn:secgate:manifest:v1"
#define SG_INTOTO_TYPE        "application/vnd.in-toto+json"

/* What is given to the key. Ed25519 signs `data` itself in all of these. */
enum sig_over {
    SG_OVER_SHA256,        /* ECDSA, RSA: over SHA-256 of `data` */
    SG_OVER_SHA512,        /* RSA: over SHA-512 of `data` */
    SG_OVER_DIGEST_SHA256, /* ECDSA, RSA: `data` is that digest, 32 bytes */
};
struct sig_signer {
    const struct sig_public *public;
    const char *key_name;       /* for comments */
    const uint8_t *certificate; /* DER, goes into CMS; may be NULL: then there is no CMS */
    size_t certificate_len;
    void *ctx;
    /* Ed25519: 64 bytes; ECDSA: DER; RSA: PKCS#1 v1.5. `data` is never changed. */
    enum sg_err (*sign)(void *ctx, enum sig_over over, const void *data, size_t len,
                        uint8_t ret[SG_SIGNATURE_MAX], size_t *ret_len);
};

/* DSSE pre-authentication encoding: "DSSEv1 SP len(type) SP type SP len(body) SP body". */
void sig_put_pae(struct buf *out, const char *type, const void *body, size_t len);

/* Why an item cannot be signed so: "the digest blake2b-512 is needed for minisign"; NULL: it can.
 * For the manifest's formats ask with its own name. Static storage. */
const char *sig_compose_obstacle(unsigned formats, enum sig_key_type type, const char *name,
                                 const struct sig_digests *digests);

/* The signature over the record's canonical text. `scratch` is any buffer; it saves allocations. */
enum sg_err sig_compose_record(const struct sig_signer *s, const char *text, size_t len,
                               struct buf *scratch, uint8_t ret[SG_SIGNATURE_MAX],
                               size_t *ret_len) SG_MUST_CHECK;
/* Appends the signature of the record's content in one format; `text` is the record's canonical
 * text. SG_ERR_BAD_FIELD where sig_compose_obstacle speaks. */
enum sg_err sig_compose(struct buf *out, enum sig_format format, const struct sig_signer *s,
                        const struct sig_record *record, const char *text, size_t len,
                        struct buf *scratch) SG_MUST_CHECK;
/* A directory's: SIGNIFY appends SHA256.sig with all lines, DSSE a statement about the lines with
 * `directory` as subject; the other formats are those of the lines as a content: use sig_compose.
 */
enum sg_err sig_compose_manifest(struct buf *out, enum sig_format format,
                                 const struct sig_signer *s, const char *directory,
                                 const struct sig_manifest *m, struct buf *scratch) SG_MUST_CHECK;

#endif
