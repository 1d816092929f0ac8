/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share. */
#ifndef SG_SIGFMT_INTERNAL_H
#define SG_SIGFMT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sigfmt/compose.h"
#include "sigfmt/verify.h"

#define SG_SIG_LINE_MAX 4096 /* of a text format, but for DSSE */

/* Appends a JSON string in RFC 8785 spelling of text without control characters. */
void sigfmt_put_json(struct buf *out, const char *text);
/* Appends base64 of it; in lines of `width` digits when that is not 0 (each with its newline). */
void sigfmt_put_base64(struct buf *out, const void *data, size_t len, size_t width);
/* SHA-256 or SHA-512 of data. */
void sigfmt_sha256(const void *data, size_t len, uint8_t ret[32]);
void sigfmt_sha512(const void *data, size_t len, uint8_t ret[64]);

/* Big-endian u32 and length-prefixed string of SSH (RFC 4251). */
void sigfmt_put_u32(struct buf *out, uint32_t value);
void sigfmt_put_string(struct buf *out, const void *data, size_t len);
/* A positive integer as mpint (RFC 4251). */
void sigfmt_put_mpint(struct buf *out, const uint8_t *data, size_t len);

/* Reads SSH's encoding: `failed` sticks. */
struct sigfmt_reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};
uint32_t sigfmt_read_u32(struct sigfmt_reader *r);
const uint8_t *sigfmt_read_string(struct sigfmt_reader *r, size_t *ret_len);

/* A line of text that ends with LF (or, if `last` allows, with the end). Takes it off the front;
 * false when there is none, or it is too long or has a NUL. */
struct sigfmt_text {
    const char *at;
    size_t left;
};
bool sigfmt_line(struct sigfmt_text *t, const char **ret, size_t *ret_len);
bool sigfmt_starts(const char *line, size_t len, const char *prefix);

/* JSON: a part of a text. */
struct sigfmt_span {
    const char *at;
    size_t len;
};
/* The one value that a text is. */
bool sigfmt_json_document(const char *text, size_t len, struct sigfmt_span *ret);
/* A member of an object. False: not there, there twice, or the object is malformed. */
bool sigfmt_json_member(struct sigfmt_span object, const char *name, struct sigfmt_span *ret);
/* The next element of an array (`opening` is '['); `rest` begins as the array. False at the end. */
bool sigfmt_json_element(struct sigfmt_span *rest, char opening, struct sigfmt_span *ret);
/* A string's text without its escapes, to be freed; NULL: no string, or with NUL, or no memory. */
char *sigfmt_json_string(struct sigfmt_span value);

/* DER: one element (definite length, minimal, at most 16 MiB); takes it off the front. */
struct sigfmt_der {
    const uint8_t *at;
    size_t left;
};
/* False unless the next element has this tag. *ret is its content; *ret_whole (may be NULL) it all.
 */
bool sigfmt_der_take(struct sigfmt_der *d, uint8_t tag, struct sigfmt_der *ret,
                     struct sigfmt_der *ret_whole);
bool sigfmt_der_is(const struct sigfmt_der *d, uint8_t tag); /* the next element's tag */
/* Appends tag, length and content. */
void sigfmt_der_put(struct buf *out, uint8_t tag, const void *content, size_t len);
/* ECDSA-Sig-Value -> r and s without leading zeros (at most 32 bytes each). */
bool sigfmt_ecdsa_split(const uint8_t *der, size_t len, const uint8_t *ret_part[2],
                        size_t ret_len[2]);

/* Verifies with the key: like sig_over. */
enum sig_reason sigfmt_check(const struct sig_public *key, enum sig_over over, const void *data,
                             size_t len, const uint8_t *signature, size_t signature_len);

/* Each in its own file; the sig_compose of that format. */
enum sg_err sigfmt_compose_cms(struct buf *out, const struct sig_signer *s,
                               const struct sig_record *record, struct buf *scratch) SG_MUST_CHECK;
enum sg_err sigfmt_compose_sshsig(struct buf *out, const struct sig_signer *s,
                                  const struct sig_digests *digests,
                                  struct buf *scratch) SG_MUST_CHECK;
/* DSSE envelope, one line, of a statement. */
enum sg_err sigfmt_compose_dsse(struct buf *out, const struct sig_signer *s, const char *statement,
                                size_t len, struct buf *scratch) SG_MUST_CHECK;

/* The sig_verify of each. */
enum sig_reason sigfmt_verify_minisign(const char *text, size_t len, const struct sig_public *key,
                                       const struct sig_content *c);
enum sig_reason sigfmt_verify_signify(const char *text, size_t len, const struct sig_public *key,
                                      const struct sig_content *c);
enum sig_reason sigfmt_verify_sshsig(const char *text, size_t len, const struct sig_public *key,
                                     const struct sig_content *c);
enum sig_reason sigfmt_verify_cms(const uint8_t *der, size_t len, const struct sig_public *key,
                                  const struct sig_content *c);
enum sig_reason sigfmt_verify_dsse(const char *text, size_t len, const struct sig_public *key,
                                   const struct sig_content *c);

/* What sig_hint needs of the inside. False: malformed. */
bool sigfmt_number(const char *text, size_t len, uint8_t ret[8]); /* minisign, signify */
bool sigfmt_sshsig_key(const char *text, size_t len, struct sig_public *ret);
bool sigfmt_cms_key(const uint8_t *der, size_t len, struct sig_public *ret);
bool sigfmt_dsse_keyid(const char *text, size_t len, uint8_t ret[32]);
/* A public key from OpenSSH's encoding. */
enum sg_err sigfmt_public_from_ssh(const uint8_t *blob, size_t len,
                                   struct sig_public *ret) SG_MUST_CHECK;
/* `y` is not looked at for Ed25519; 32 bytes each. */
enum sg_err sigfmt_public_from_ecc(enum sig_key_type type, const uint8_t *x, const uint8_t *y,
                                   struct sig_public *ret) SG_MUST_CHECK;
enum sg_err sigfmt_public_from_rsa(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len,
                                   struct sig_public *ret) SG_MUST_CHECK;
enum sg_err sigfmt_public_from_certificate(const void *data, size_t len, bool pem,
                                           struct sig_public *ret) SG_MUST_CHECK;
/* Base64 with line ends and blanks between is tolerated: appends the bytes to `out`. */
enum sg_err sigfmt_unbase64(const char *text, size_t len, struct buf *out) SG_MUST_CHECK;

#endif
