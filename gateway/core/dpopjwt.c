/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of possession: form, key and signature. The proof names its own key, so what a signature
 * proves is only that whoever made it has that key; the algorithm follows from the key, never from
 * the header alone. */
#include "core/dpopjwt.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "core/dpop.h"
#include "core/sha256.h"

#define RSA_MIN 256 /* bytes of the modulus */
#define RSA_MAX 512

struct parts {
    const char *part[3];
    size_t len[3];
};

static bool split(const char *text, size_t len, struct parts *ret)
{
    const char *end = text + len;

    for (size_t i = 0; i < 3; i++) {
        const char *dot = memchr(text, '.', (size_t)(end - text));

        if ((dot == NULL) != (i == 2))
            return false;
        ret->part[i] = text;
        ret->len[i] = (size_t)((dot != NULL ? dot : end) - text);
        if (ret->len[i] == 0)
            return false;
        text = dot != NULL ? dot + 1 : end;
    }
    return true;
}

static const struct dpopjwt_member *find(const struct dpopjwt_object *o, const char *name)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->member[i].name_len == strlen(name) &&
            memcmp(o->member[i].name, name, o->member[i].name_len) == 0)
            return &o->member[i];
    return NULL;
}

/* A string of printable ASCII with NUL; the one escape that is understood is `\/`. */
static bool get_text(const struct dpopjwt_object *o, const char *name, char *ret, size_t size)
{
    const struct dpopjwt_member *m = find(o, name);
    size_t n = 0;

    if (m == NULL || m->kind != SG_DPOPJWT_STRING)
        return false;
    for (size_t i = 0; i < m->text_len; i++) {
        char c = m->text[i];

        if (c == '\\') /* another character follows: the reader has seen to that */
            c = m->text[++i] == '/' ? '/' : '\0';
        if (c < 0x20 || c > 0x7e || n + 1 >= size)
            return false;
        ret[n++] = c;
    }
    ret[n] = '\0';
    return n > 0;
}

static bool is_text(const struct dpopjwt_object *o, const char *name, const char *expected)
{
    char text[32];

    return get_text(o, name, text, sizeof text) && strcmp(text, expected) == 0;
}

static bool get_bytes(const struct dpopjwt_object *o, const char *name, uint8_t *ret, size_t min,
                      size_t max, size_t *ret_len)
{
    char text[SG_BASE64_SIZE(RSA_MAX)];

    return get_text(o, name, text, sizeof text) &&
           encode_unbase64url(text, strlen(text), ret, max, ret_len) == SG_OK && *ret_len >= min;
}

/* NumericDate (RFC 7519, section 2); parts of seconds do not count. */
static bool get_seconds(const struct dpopjwt_object *o, const char *name, int64_t *ret)
{
    const struct dpopjwt_member *m = find(o, name);
    int64_t value = 0;
    size_t i = 0;

    if (m == NULL || m->kind != SG_DPOPJWT_NUMBER || memchr(m->text, 'e', m->text_len) != NULL ||
        memchr(m->text, 'E', m->text_len) != NULL)
        return false;
    for (; i < m->text_len && m->text[i] >= '0' && m->text[i] <= '9'; i++) {
        if (i == 12)
            return false;
        value = value * 10 + (m->text[i] - '0');
    }
    *ret = value;
    return i > 0; /* else negative */
}

/* -- keys -------------------------------------------------------------------------------------- */

struct proof_key {
    gnutls_pubkey_t key;
    gnutls_sign_algorithm_t algorithm;
    char canonical[SG_BASE64_SIZE(RSA_MAX) + 128]; /* RFC 7638, section 3 */
    size_t signature_len;
};

static gnutls_datum_t datum(const void *data, size_t len)
{
    return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)data, .size = (unsigned)len};
}

static bool read_ec(const struct dpopjwt_object *jwk, struct proof_key *ret)
{
    uint8_t x[32], y[32];
    char tx[SG_BASE64_SIZE(sizeof x)], ty[SG_BASE64_SIZE(sizeof y)];
    gnutls_datum_t dx = datum(x, sizeof x), dy = datum(y, sizeof y);
    size_t len;

    if (!is_text(jwk, "crv", "P-256") || !get_bytes(jwk, "x", x, sizeof x, sizeof x, &len) ||
        !get_bytes(jwk, "y", y, sizeof y, sizeof y, &len))
        return false;
    encode_base64url(x, sizeof x, tx);
    encode_base64url(y, sizeof y, ty);
    (void)snprintf(ret->canonical, sizeof ret->canonical,
                   "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", tx, ty);
    ret->algorithm = GNUTLS_SIGN_ECDSA_SHA256;
    ret->signature_len = 64;
    return gnutls_pubkey_import_ecc_raw(ret->key, GNUTLS_ECC_CURVE_SECP256R1, &dx, &dy) == 0;
}

static bool read_okp(const struct dpopjwt_object *jwk, struct proof_key *ret)
{
    uint8_t x[32];
    char tx[SG_BASE64_SIZE(sizeof x)];
    gnutls_datum_t dx = datum(x, sizeof x);
    size_t len;

    if (!is_text(jwk, "crv", "Ed25519") || !get_bytes(jwk, "x", x, sizeof x, sizeof x, &len))
        return false;
    encode_base64url(x, sizeof x, tx);
    (void)snprintf(ret->canonical, sizeof ret->canonical,
                   "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", tx);
    ret->algorithm = GNUTLS_SIGN_EDDSA_ED25519;
    ret->signature_len = 64;
    return gnutls_pubkey_import_ecc_raw(ret->key, GNUTLS_ECC_CURVE_ED25519, &dx, NULL) == 0;
}

static bool read_rsa(const struct dpopjwt_object *jwk, struct proof_key *ret)
{
    uint8_t n[RSA_MAX], e[4];
    char tn[SG_BASE64_SIZE(sizeof n)], te[SG_BASE64_SIZE(sizeof e)];
    size_t n_len, e_len;
    gnutls_datum_t dn, de;

    if (!get_bytes(jwk, "n", n, RSA_MIN, sizeof n, &n_len) ||
        !get_bytes(jwk, "e", e, 1, sizeof e, &e_len))
        return false;
    /* One spelling of each key; odd, and no exponent of 1. */
    if ((n[0] & 0x80) == 0 || (n[n_len - 1] & 1) == 0 || e[0] == 0 || (e[e_len - 1] & 1) == 0 ||
        (e_len == 1 && e[0] == 1))
        return false;
    encode_base64url(n, n_len, tn);
    encode_base64url(e, e_len, te);
    (void)snprintf(ret->canonical, sizeof ret->canonical,
                   "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", te, tn);
    ret->algorithm = GNUTLS_SIGN_RSA_SHA256;
    ret->signature_len = n_len;
    dn = datum(n, n_len);
    de = datum(e, e_len);
    return gnutls_pubkey_import_rsa_raw(ret->key, &dn, &de) == 0;
}

static bool read_key(const struct dpopjwt_object *header, const struct dpopjwt_object *jwk,
                     struct proof_key *ret)
{
    static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

    for (size_t i = 0; i < sizeof private_members / sizeof private_members[0]; i++)
        if (find(jwk, private_members[i]) != NULL)
            return false;
    if (is_text(header, "alg", "ES256"))
        return is_text(jwk, "kty", "EC") && read_ec(jwk, ret);
    if (is_text(header, "alg", "EdDSA") || is_text(header, "alg", "Ed25519"))
        return is_text(jwk, "kty", "OKP") && read_okp(jwk, ret);
    if (is_text(header, "alg", "RS256"))
        return is_text(jwk, "kty", "RSA") && read_rsa(jwk, ret);
    return false;
}

static bool verify(const struct proof_key *key, const char *text, size_t len,
                   const uint8_t *signature, size_t signature_len)
{
    gnutls_datum_t data = datum(text, len), raw = datum(signature, signature_len), der = {0};
    bool good;

    if (signature_len != key->signature_len)
        return false;
    if (key->algorithm != GNUTLS_SIGN_ECDSA_SHA256)
        return gnutls_pubkey_verify_data2(key->key, key->algorithm, 0, &data, &raw) >= 0;
    {
        gnutls_datum_t r = datum(signature, 32), s = datum(signature + 32, 32);

        if (gnutls_encode_rs_value(&der, &r, &s) < 0)
            return false;
    }
    good = gnutls_pubkey_verify_data2(key->key, key->algorithm, 0, &data, &der) >= 0;
    gnutls_free(der.data);
    return good;
}

/* -- the proof --------------------------------------------------------------------------------- */

static bool read_claims(const struct parts *p, struct dpopjwt *ret)
{
    char text[3 * SG_DPOP_PROOF_MAX / 4];
    struct dpopjwt_object claims;
    size_t len;

    if (encode_unbase64url(p->part[1], p->len[1], (uint8_t *)text, sizeof text, &len) != SG_OK ||
        dpopjwt_json(text, len, NULL, &claims, NULL) != SG_OK)
        return false;
    ret->has_ath = find(&claims, "ath") != NULL;
    ret->has_nonce = find(&claims, "nonce") != NULL;
    return get_text(&claims, "htm", ret->htm, sizeof ret->htm) &&
           get_text(&claims, "htu", ret->htu, sizeof ret->htu) &&
           get_text(&claims, "jti", ret->jti, sizeof ret->jti) &&
           get_seconds(&claims, "iat", &ret->iat_s) &&
           (!ret->has_ath || get_text(&claims, "ath", ret->ath, sizeof ret->ath)) &&
           (!ret->has_nonce || get_text(&claims, "nonce", ret->nonce, sizeof ret->nonce));
}

static bool check_signature(const struct parts *p, struct proof_key *key)
{
    char text[3 * SG_DPOP_PROOF_MAX / 4];
    struct dpopjwt_object header, jwk;
    uint8_t signature[RSA_MAX];
    size_t len, signature_len;

    if (encode_unbase64url(p->part[0], p->len[0], (uint8_t *)text, sizeof text, &len) != SG_OK ||
        dpopjwt_json(text, len, "jwk", &header, &jwk) != SG_OK)
        return false;
    /* Extensions that must be understood (RFC 7515, section 4.1.11): none is. */
    if (find(&header, "crit") != NULL || !is_text(&header, "typ", "dpop+jwt") ||
        !read_key(&header, &jwk, key))
        return false;
    return encode_unbase64url(p->part[2], p->len[2], signature, sizeof signature, &signature_len) ==
               SG_OK &&
           verify(key, p->part[0], p->len[0] + 1 + p->len[1], signature, signature_len);
}

enum sg_err dpopjwt_read(const char *text, size_t len, struct dpopjwt *ret)
{
    struct parts parts;
    struct dpopjwt proof;
    struct proof_key key;
    bool good;

    if (len == 0 || len > SG_DPOP_PROOF_MAX || !split(text, len, &parts))
        return SG_ERR_BAD_PROOF;
    memset(&proof, 0, sizeof proof);
    if (!read_claims(&parts, &proof))
        return SG_ERR_BAD_PROOF;
    if (gnutls_pubkey_init(&key.key) < 0)
        return SG_ERR_NO_MEMORY;
    good = check_signature(&parts, &key);
    if (good)
        sha256_digest(key.canonical, strlen(key.canonical), proof.key_sha256);
    gnutls_pubkey_deinit(key.key);
    if (!good)
        return SG_ERR_BAD_PROOF;
    *ret = proof;
    return SG_OK;
}
