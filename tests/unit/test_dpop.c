/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of possession: the example of RFC 9449, keys of each kind, what is refused, and for how
 * long a proof is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "core/dpop.h"
#include "core/dpopjwt.h"
#include "core/sha256.h"

#define NOW INT64_C(1795190534)
#define URI "https://gateway.test/v1/users/me"

/* RFC 9449, section 5. */
static const char rfc_proof[] = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIi"
                                "wieCI6Imw4dEZyaHgtMzR0VjNoUkl"
                                "DUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiV"
                                "FRsY3VOSmFqSG10NnY5VERWclUwQ2"
                                "R2R1JEQSIsImNydiI6IlAtMjU2In19."
                                "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0"
                                "dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ"
                                ".2-GxA6T8lP4vfrg8v-FdWP0A0zdr"
                                "j8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
#define RFC_TIME INT64_C(1562262616)
#define RFC_URI  "https://server.example.com/token"
#define START    (RFC_TIME - 2 * SG_DPOP_AGE_S) /* of the memory */
#define RFC_JKT  "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

/* -- a client ---------------------------------------------------------------------------------- */

struct prover {
    gnutls_privkey_t key;
    const char *alg;
    char jwk[1024];
    char thumbprint[SG_BASE64_SIZE(32)];
};

static void put(char *to, size_t size, const gnutls_datum_t *d, size_t len)
{
    uint8_t padded[512] = {0};
    const uint8_t *data = d->data;
    size_t have = d->size;

    while (have > 0 && *data == 0 && have > len) {
        data++;
        have--;
    }
    if (len == 0)
        len = have;
    assert_true(have <= len && len <= sizeof padded && SG_BASE64_SIZE(len) <= size);
    memcpy(padded + len - have, data, have);
    encode_base64url(padded, len, to);
}

static void make_prover(struct prover *p, const char *alg)
{
    gnutls_datum_t a, b;
    gnutls_ecc_curve_t curve;
    uint8_t digest[32];
    char ta[700], tb[50], canonical[sizeof p->jwk];

    p->alg = alg;
    assert_int_equal(0, gnutls_privkey_init(&p->key));
    if (strcmp(alg, "RS256") == 0) {
        assert_int_equal(0, gnutls_privkey_generate(p->key, GNUTLS_PK_RSA, 2048, 0));
        assert_int_equal(
            0, gnutls_privkey_export_rsa_raw(p->key, &a, &b, NULL, NULL, NULL, NULL, NULL, NULL));
        while (a.size > 256) { /* a sign that is no part of it */
            memmove(a.data, a.data + 1, --a.size);
        }
        put(ta, sizeof ta, &a, 256);
        put(tb, sizeof tb, &b, 0); /* the exponent */
        snprintf(canonical, sizeof canonical, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", tb,
                 ta);
    } else if (strcmp(alg, "ES256") == 0) {
        assert_int_equal(0, gnutls_privkey_generate(
                                p->key, GNUTLS_PK_ECDSA,
                                (unsigned)GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
        assert_int_equal(0, gnutls_privkey_export_ecc_raw(p->key, &curve, &a, &b, NULL));
        put(ta, sizeof ta, &a, 32);
        put(tb, sizeof tb, &b, 32);
        snprintf(canonical, sizeof canonical,
                 "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", ta, tb);
    } else {
        assert_int_equal(0, gnutls_privkey_generate(p->key, GNUTLS_PK_EDDSA_ED25519, 256, 0));
        assert_int_equal(0, gnutls_privkey_export_ecc_raw(p->key, &curve, &a, &b, NULL));
        put(ta, sizeof ta, &a, 32);
        snprintf(canonical, sizeof canonical, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}",
                 ta);
    }
    gnutls_free(a.data);
    gnutls_free(b.data);
    memcpy(p->jwk, canonical, sizeof canonical);
    sha256_digest(canonical, strlen(canonical), digest);
    encode_base64url(digest, sizeof digest, p->thumbprint);
}

/* A number of at most 32 bytes, with leading zeros or a byte for its sign. */
static void put_half(uint8_t to[32], const gnutls_datum_t *d)
{
    size_t extra = d->size > 32 ? d->size - 32 : 0, len = d->size - extra;

    memcpy(to + 32 - len, d->data + extra, len);
}

/* Signs any header and claims. */
static void sign(const struct prover *p, const char *header, const char *claims, char ret[4096])
{
    gnutls_datum_t data, der, r, s;
    uint8_t raw[512];
    size_t len = 0;

    encode_base64url(header, strlen(header), ret);
    len = strlen(ret);
    ret[len++] = '.';
    encode_base64url(claims, strlen(claims), ret + len);
    len = strlen(ret);
    data = (gnutls_datum_t){.data = (unsigned char *)ret, .size = (unsigned)len};
    if (strcmp(p->alg, "EdDSA") == 0)
        assert_int_equal(
            0, gnutls_privkey_sign_data2(p->key, GNUTLS_SIGN_EDDSA_ED25519, 0, &data, &der));
    else if (strcmp(p->alg, "RS256") == 0)
        assert_int_equal(0,
                         gnutls_privkey_sign_data2(p->key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &der));
    else
        assert_int_equal(
            0, gnutls_privkey_sign_data2(p->key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der));
    memcpy(raw, der.data, der.size);
    if (strcmp(p->alg, "ES256") == 0) {
        assert_int_equal(0, gnutls_decode_rs_value(&der, &r, &s));
        memset(raw, 0, 64);
        put_half(raw, &r);
        put_half(raw + 32, &s);
        gnutls_free(r.data);
        gnutls_free(s.data);
        der.size = 64;
    }
    ret[len++] = '.';
    encode_base64url(raw, der.size, ret + len);
    gnutls_free(der.data);
}

static void make_proof(const struct prover *p, const char *jti, const char *uri, int64_t iat,
                       const char *token, char ret[4096])
{
    char header[1200], claims[1024], ath[SG_BASE64_SIZE(32)] = "";
    uint8_t digest[32];

    snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"%s\",\"jwk\":%s}", p->alg,
             p->jwk);
    if (token != NULL) {
        sha256_digest(token, strlen(token), digest);
        encode_base64url(digest, sizeof digest, ath);
    }
    snprintf(claims, sizeof claims,
             "{\"jti\":\"%s\",\"htm\":\"GET\",\"htu\":\"%s\",\"iat\":%lld%s%s%s}", jti, uri,
             (long long)iat, token != NULL ? ",\"ath\":\"" : "", ath, token != NULL ? "\"" : "");
    sign(p, header, claims, ret);
}

static struct dpop *memory;
static struct prover alice, bob;

static int setup(void **state)
{
    (void)state;
    memory = dpop_new(START);
    assert_non_null(memory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dpop_free(memory);
    return 0;
}

/* Verifies a proof and uses it up. */
static enum sg_err take(const char *proof, const char *method, const char *uri, const char *token,
                        int64_t now_s, uint8_t ret_sha256[32])
{
    struct dpop_proof p;
    enum sg_err err = dpop_verify(memory, proof, strlen(proof), method, uri, token,
                                  token != NULL ? strlen(token) : 0, now_s, &p);

    if (err == SG_OK)
        memcpy(ret_sha256, p.key_sha256, 32);
    return err == SG_OK ? dpop_use(memory, &p, now_s) : err;
}

static enum sg_err check(const char *proof, const char *token, int64_t now_s)
{
    uint8_t sha256[32];

    return take(proof, "GET", URI, token, now_s, sha256);
}

/* -- tests ------------------------------------------------------------------------------------- */

static void test_rfc(void **state)
{
    (void)state;
    struct dpopjwt p;
    char text[SG_BASE64_SIZE(32)];
    uint8_t sha256[32];

    assert_int_equal(SG_OK, dpopjwt_read(rfc_proof, strlen(rfc_proof), &p));
    encode_base64url(p.key_sha256, 32, text);
    assert_string_equal(RFC_JKT, text);
    assert_string_equal("-BwC3ESc6acc2lTc", p.jti);
    assert_string_equal("POST", p.htm);
    assert_string_equal(RFC_URI, p.htu);
    assert_int_equal(RFC_TIME, p.iat_s);
    assert_int_equal(SG_OK, take(rfc_proof, "POST", RFC_URI, NULL, RFC_TIME + 5, sha256));
    assert_int_equal(SG_ERR_BAD_PROOF,
                     take(rfc_proof, "POST", RFC_URI, NULL, RFC_TIME + 5, sha256));
}

static void test_bits(void **state)
{
    (void)state;
    char text[sizeof rfc_proof];
    struct dpopjwt p;

    /* Each character but the dots, to the next of the alphabet: other content, or no base64url. */
    for (size_t i = 0; i + 1 < sizeof rfc_proof; i++) {
        memcpy(text, rfc_proof, sizeof text);
        text[i] = text[i] == 'z' ? 'A' : (char)(text[i] + 1);
        assert_int_equal(SG_ERR_BAD_PROOF, dpopjwt_read(text, strlen(text), &p));
    }
    for (size_t len = 0; len + 1 < sizeof rfc_proof; len++)
        assert_int_equal(SG_ERR_BAD_PROOF, dpopjwt_read(rfc_proof, len, &p));
}

static void test_kinds(void **state)
{
    (void)state;
    static const char *const algs[] = {"ES256", "EdDSA", "RS256"};
    char proof[4096], text[SG_BASE64_SIZE(32)];
    uint8_t sha256[32];

    for (size_t i = 0; i < 3; i++) {
        struct prover p;
        make_prover(&p, algs[i]);
        make_proof(&p, "one", URI, NOW, "token", proof);
        assert_int_equal(SG_OK, take(proof, "GET", URI, "token", NOW, sha256));
        encode_base64url(sha256, 32, text);
        assert_string_equal(p.thumbprint, text);
        gnutls_privkey_deinit(p.key);
    }
}

static void test_token(void **state)
{
    (void)state;
    char proof[4096];

    make_proof(&alice, "t1", URI, NOW, NULL, proof);
    assert_int_equal(SG_ERR_BAD_PROOF, check(proof, "token", NOW));
    assert_int_equal(SG_OK, check(proof, NULL, NOW));
    make_proof(&alice, "t2", URI, NOW, "other", proof);
    assert_int_equal(SG_ERR_BAD_PROOF, check(proof, "token", NOW));
    make_proof(&alice, "t3", URI "?a=b#c", NOW, "token", proof);
    assert_int_equal(SG_OK, check(proof, "token", NOW));
    make_proof(&alice, "t4", "HTTPS://Gateway.Test/v1/users/me", NOW, "token", proof);
    assert_int_equal(SG_OK, check(proof, "token", NOW));
    make_proof(&alice, "t5", "https://gateway.test/v1/Users/me", NOW, "token", proof);
    assert_int_equal(SG_ERR_BAD_PROOF, check(proof, "token", NOW));
    make_proof(&alice, "t6", "https:\\/\\/gateway.test\\/v1\\/users\\/me", NOW, "token", proof);
    assert_int_equal(SG_OK, check(proof, "token", NOW));
}

/* A proof is refused for as long as it would be accepted if it had not been seen. */
static void test_replay(void **state)
{
    (void)state;
    char proof[4096], other[4096];

    make_proof(&alice, "r", URI, NOW + SG_DPOP_AGE_S, NULL, proof);
    assert_int_equal(SG_OK, check(proof, NULL, NOW));
    for (int64_t t = NOW; t <= NOW + 2 * SG_DPOP_AGE_S + 1; t++)
        assert_int_equal(SG_ERR_BAD_PROOF, check(proof, NULL, t));
    make_proof(&alice, "r", URI, NOW + 3 * SG_DPOP_AGE_S, NULL, proof);
    assert_int_equal(SG_OK, check(proof, NULL, NOW + 3 * SG_DPOP_AGE_S));
    make_proof(&bob, "r", URI, NOW + 3 * SG_DPOP_AGE_S, NULL, other);
    assert_int_equal(SG_OK, check(other, NULL, NOW + 3 * SG_DPOP_AGE_S));
}

static void test_age(void **state)
{
    (void)state;
    char proof[4096];

    make_proof(&alice, "a", URI, NOW, NULL, proof);
    assert_int_equal(SG_ERR_BAD_PROOF, check(proof, NULL, NOW - SG_DPOP_AGE_S - 1));
    assert_int_equal(SG_ERR_BAD_PROOF, check(proof, NULL, NOW + SG_DPOP_AGE_S + 1));
    assert_int_equal(SG_OK, check(proof, NULL, NOW + SG_DPOP_AGE_S));
}

static void refuse(const char *header, const char *claims)
{
    char proof[4096];

    sign(&alice, header, claims, proof);
    assert_int_equal(SG_ERR_BAD_PROOF, check(proof, NULL, NOW));
}

static void test_form(void **state)
{
    (void)state;
    static const char good[] =
        "{\"jti\":\"f\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534}";
    char header[2200], proof[4096];
    const char *inner = alice.jwk + 1; /* after the brace */

    snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}",
             alice.jwk);
    refuse(header, "{\"jti\":\"f\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":\"1795190534\"}");
    refuse(header, "{\"jti\":\"f\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":-1795190534}");
    refuse(header, "{\"jti\":\"f\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534e0}");
    refuse(header,
           "{\"jti\":\"f\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534,\"iat\":1}");
    refuse(header, "{\"jti\":\"\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534}");
    refuse(header, "{\"jti\":\"\\u0041\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534}");
    refuse(header, "{\"jti\":\"f\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534}x");
    refuse(header,
           "{\"jti\":\"f\",\"x\":{},\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534}");
    refuse(header,
           "{\"jti\":\"f\",\"x\":[],\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":1795190534}");
    refuse("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", good);
    refuse("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":\"x\"}", good);
    refuse("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{}}", good);
    snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":%s}",
             alice.jwk);
    refuse(header, good);
    snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"EdDSA\",\"jwk\":%s}",
             alice.jwk);
    refuse(header, good);
    snprintf(header, sizeof header, "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":%s}", alice.jwk);
    refuse(header, good);
    snprintf(header, sizeof header,
             "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"crit\":\"b64\",\"jwk\":%s}", alice.jwk);
    refuse(header, good);
    snprintf(header, sizeof header,
             "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"d\":\"AAAA\",%s}", inner);
    refuse(header, good);
    snprintf(header, sizeof header,
             "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s,\"jwk\":%s}", alice.jwk,
             alice.jwk);
    refuse(header, good);
    /* White space and more members are nobody's harm. */
    snprintf(header, sizeof header,
             " {\"alg\" : \"ES256\",\t\"typ\":\"dpop+jwt\",\n\"jwk\": {\"use\":\"sig\", %s }\r\n",
             inner);
    sign(&alice, header, good, proof);
    assert_int_equal(SG_OK, check(proof, NULL, NOW));
}

static void test_json(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       " { } ",
                                       "{\"a\":1}",
                                       "{\"a\":-0.5e+3,\"b\":null}",
                                       "{\"a\":\"\\\"\\\\\\u12aF\"}",
                                       "{\"k\":{\"a\":true}}",
                                       "{\"k\":\"text\"}"};
    static const char *const bad[] = {"",
                                      "{",
                                      "{}{}",
                                      "[]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":-}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":tru}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"k\":{\"a\":{}}}",
                                      "{\"o\":{}}",
                                      "{\"a\\u0041\":1}",
                                      "{\"k\":{},\"k\":{}}",
                                      "{\"a\":1,\"a\":2}",
                                      "{'a':1}"};
    struct dpopjwt_object outer, inner;

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(SG_OK, dpopjwt_json(good[i], strlen(good[i]), "k", &outer, &inner));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(SG_ERR_BAD_JSON,
                         dpopjwt_json(bad[i], strlen(bad[i]), "k", &outer, &inner));
}

/* What is only looked at is not used up, and the two kinds of proofs do not get in each other's
 * way. */
static void test_verified_only(void **state)
{
    (void)state;
    struct dpop_proof a, b;
    char proof[4096];

    make_proof(&alice, "v", URI, NOW, "token", proof);
    assert_int_equal(SG_OK,
                     dpop_verify(memory, proof, strlen(proof), "GET", URI, "token", 5, NOW, &a));
    assert_int_equal(SG_OK,
                     dpop_verify(memory, proof, strlen(proof), "GET", URI, NULL, 0, NOW, &b));
    assert_true(!a.asks && b.asks);
    assert_memory_equal(a.id, b.id, sizeof a.id);
    assert_int_equal(SG_OK, dpop_use(memory, &a, NOW));
    assert_int_equal(SG_ERR_BAD_PROOF, dpop_use(memory, &a, NOW));
    assert_int_equal(SG_OK, dpop_use(memory, &b, NOW));
    assert_int_equal(SG_ERR_BAD_PROOF, dpop_use(memory, &b, NOW));
}

#define THREADS 8
#define ROUNDS  200

static struct dpop_proof shared[ROUNDS];
static atomic_uint won[ROUNDS];

static void *use_all(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < ROUNDS; i++)
        if (dpop_use(memory, &shared[i], NOW) == SG_OK)
            atomic_fetch_add(&won[i], 1);
    return NULL;
}

/* Of many requests with one proof at the same time, one is first. */
static void test_race(void **state)
{
    (void)state;
    pthread_t thread[THREADS];

    for (size_t i = 0; i < ROUNDS; i++) {
        shared[i] = (struct dpop_proof){.iat_s = NOW, .asks = i % 2 == 0};
        sha256_digest(&i, sizeof i, shared[i].id);
        atomic_store(&won[i], 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(0, pthread_create(&thread[i], NULL, use_all, NULL));
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < ROUNDS; i++)
        assert_int_equal(1, atomic_load(&won[i]));
}

/* A key that is used too often has to wait; the memory that is full refuses. Neither forgets. */
static void test_bounds(void **state)
{
    (void)state;
    struct dpop_proof p = {.iat_s = NOW, .asks = true}, other;
    size_t refused = 0, taken = 0;
    enum sg_err err = SG_OK;
    uint32_t n = 0;

    for (; err == SG_OK; n++) {
        sha256_digest(&n, sizeof n, p.id);
        err = dpop_use(memory, &p, NOW);
    }
    assert_true(err == SG_ERR_THROTTLED || err == SG_ERR_OVERLOADED);
    assert_true(n > SG_DPOP_RATE / 2);
    for (n = 0; n < SG_DPOP_MEMORY * 2; n++) {
        sha256_digest(&n, sizeof n, p.key_sha256);
        err = dpop_use(memory, &p, NOW + 1);
        if (n == 0)
            other = p;
        sha256_digest(&p.key_sha256, 32, p.id);
        taken += err == SG_OK;
        refused += err == SG_ERR_OVERLOADED;
    }
    assert_true(taken <= SG_DPOP_MEMORY && refused > SG_DPOP_MEMORY / 2);
    n = 0;
    sha256_digest(&n, sizeof n, other.id); /* the very first */
    assert_int_equal(SG_ERR_BAD_PROOF, dpop_use(memory, &other, NOW + SG_DPOP_AGE_S));
    other.asks = false;
    assert_int_equal(SG_OK, dpop_use(memory, &other, NOW));
    other.asks = true;
    other.iat_s = NOW + 2 * SG_DPOP_AGE_S;
    assert_int_equal(SG_OK, dpop_use(memory, &other, NOW + 2 * SG_DPOP_AGE_S));
}

/* With many proofs of many keys in the memory, all of them are still refused. */
static void test_many(void **state)
{
    (void)state;
    enum { PROOFS = 600 };
    static char proofs[PROOFS][1024];
    char jti[16], proof[4096];

    for (size_t i = 0; i < PROOFS; i++) {
        snprintf(jti, sizeof jti, "m%zu", i);
        make_proof(&bob, jti, URI, NOW, NULL, proof);
        assert_true(strlen(proof) < sizeof proofs[i]);
        memcpy(proofs[i], proof, strlen(proof) + 1);
        assert_int_equal(SG_OK, check(proofs[i], NULL, NOW));
    }
    for (size_t i = 0; i < PROOFS; i++)
        assert_int_equal(SG_ERR_BAD_PROOF, check(proofs[i], NULL, NOW + SG_DPOP_AGE_S));
}

/* -- nonces ------------------------------------------------------------------------------------ */

/* What a memory that began at NOW says to a proof; `nonce` NULL: it has none. */
static enum sg_err with_nonce(struct dpop *d, const char *nonce, int64_t iat_s, int64_t now_s,
                              bool *ret_old)
{
    char header[1200], claims[1024], text[4096];
    struct dpop_proof p = {.old_nonce = false};
    enum sg_err err;

    snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"%s\",\"jwk\":%s}", alice.alg,
             alice.jwk);
    snprintf(claims, sizeof claims,
             "{\"jti\":\"n\",\"htm\":\"GET\",\"htu\":\"" URI "\",\"iat\":%lld%s%s%s}",
             (long long)iat_s, nonce != NULL ? ",\"nonce\":\"" : "", nonce != NULL ? nonce : "",
             nonce != NULL ? "\"" : "");
    sign(&alice, header, claims, text);
    err = dpop_verify(d, text, strlen(text), "GET", URI, NULL, 0, now_s, &p);
    *ret_old = p.old_nonce;
    return err;
}

/* Whatever may have been used before the process began needs a nonce of it. */
static void test_start(void **state)
{
    (void)state;
    struct dpop *before = dpop_new(NOW - 1000), *now = dpop_new(NOW);
    char nonce[SG_DPOP_NONCE_SIZE], theirs[SG_DPOP_NONCE_SIZE];
    bool old = true;

    assert_true(before != NULL && now != NULL);
    dpop_nonce(now, NOW, nonce);
    dpop_nonce(before, NOW, theirs);
    for (int64_t iat = NOW - SG_DPOP_AGE_S; iat <= NOW + SG_DPOP_AGE_S; iat++) {
        /* The former process would have taken it until it ended. */
        assert_int_equal(SG_OK, with_nonce(before, NULL, iat, NOW, &old));
        assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(now, NULL, iat, NOW, &old));
        assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(now, theirs, iat, NOW, &old));
        assert_int_equal(SG_OK, with_nonce(now, nonce, iat, NOW, &old));
        assert_false(old);
    }
    assert_int_equal(SG_OK, with_nonce(now, NULL, NOW + SG_DPOP_AGE_S + 1, NOW + 1, &old));
    /* A nonce that is not good is not overlooked where none is needed. */
    assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(before, nonce, NOW, NOW, &old));
    /* It is asked for of proofs only that are right else. */
    assert_int_equal(SG_ERR_BAD_PROOF, with_nonce(now, NULL, NOW - SG_DPOP_AGE_S - 1, NOW, &old));
    dpop_free(before);
    dpop_free(now);
}

static void test_nonce(void **state)
{
    (void)state;
    char nonce[SG_DPOP_NONCE_SIZE], wrong[2 * SG_DPOP_NONCE_SIZE];
    bool old = true;

    dpop_nonce(memory, NOW, nonce);
    assert_int_equal(SG_DPOP_NONCE_SIZE - 1, strlen(nonce));
    for (int64_t age = 0; age <= SG_DPOP_NONCE_S + 1; age += 50) {
        assert_int_equal(SG_OK, with_nonce(memory, nonce, NOW + age, NOW + age, &old));
        assert_int_equal(age > SG_DPOP_NONCE_S / 2, old);
    }
    for (size_t i = 0; i < strlen(nonce); i++) {
        memcpy(wrong, nonce, sizeof nonce);
        wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
        assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(memory, wrong, NOW, NOW, &old));
    }
    memcpy(wrong, nonce, sizeof nonce);
    wrong[strlen(wrong) - 1] = '\0';
    assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(memory, wrong, NOW, NOW, &old));
    snprintf(wrong, sizeof wrong, "%sAAAA", nonce);
    assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(memory, wrong, NOW, NOW, &old));
    assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(memory, "!", NOW, NOW, &old));
    assert_int_equal(SG_ERR_BAD_PROOF, with_nonce(memory, "", NOW, NOW, &old)); /* no string */
    dpop_nonce(memory, NOW + 1, nonce); /* the clock was set back since */
    assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(memory, nonce, NOW, NOW, &old));
    dpop_nonce(memory, NOW - SG_DPOP_NONCE_S - 1, nonce);
    assert_int_equal(SG_ERR_PROOF_NONCE, with_nonce(memory, nonce, NOW, NOW, &old));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rfc, setup, teardown),
        cmocka_unit_test(test_bits),
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_token, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_age, setup, teardown),
        cmocka_unit_test_setup_teardown(test_form, setup, teardown),
        cmocka_unit_test(test_json),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_verified_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test(test_start),
        cmocka_unit_test_setup_teardown(test_nonce, setup, teardown),
    };
    int failed;

    make_prover(&alice, "ES256");
    make_prover(&bob, "EdDSA");
    failed = cmocka_run_group_tests_name("dpop", tests, NULL, NULL);
    gnutls_privkey_deinit(alice.key);
    gnutls_privkey_deinit(bob.key);
    return failed;
}
