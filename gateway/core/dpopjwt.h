/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a proof of possession (RFC 9449, section 4.2) and checks its signature with the key inside.
 * Pure: no clock, no memory. What strangers send comes in here, so everything is bounded: three
 * parts of canonical base64url, two objects of strings, numbers, true, false and null; the only
 * object inside is `jwk`. No member twice, no arrays, no private key, no recursion.
 */
#ifndef SG_CORE_DPOPJWT_H
#define SG_CORE_DPOPJWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SG_DPOPJWT_MEMBERS 24
#define SG_DPOPJWT_TEXT    2048 /* bytes of one string with NUL */
#define SG_DPOPJWT_JTI     257
#define SG_DPOPJWT_NONCE   257

/* A string's or number's text, borrowed. */
struct dpopjwt_member {
    const char *name, *text;
    size_t name_len, text_len;
    enum { SG_DPOPJWT_STRING, SG_DPOPJWT_NUMBER, SG_DPOPJWT_WORD } kind;
};

struct dpopjwt_object {
    size_t count;
    struct dpopjwt_member member[SG_DPOPJWT_MEMBERS];
};

/* Reads an object, white space allowed. The object that is the member `inner` (NULL: none may) goes
 * to *ret_inner, whose count is 0 without it. SG_ERR_BAD_JSON. */
enum sg_err dpopjwt_json(const char *text, size_t len, const char *inner,
                         struct dpopjwt_object *ret,
                         struct dpopjwt_object *ret_inner) SG_MUST_CHECK;

struct dpopjwt {
    char htm[16], htu[SG_DPOPJWT_TEXT], jti[SG_DPOPJWT_JTI];
    bool has_ath, has_nonce;
    char ath[64], nonce[SG_DPOPJWT_NONCE];
    int64_t iat_s;
    uint8_t key_sha256[32]; /* RFC 7638 */
};

/* SG_ERR_BAD_PROOF. */
enum sg_err dpopjwt_read(const char *text, size_t len, struct dpopjwt *ret) SG_MUST_CHECK;

#endif
