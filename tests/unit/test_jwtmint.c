/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of composing access tokens: header, claims, who acts, what they are bound to, signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "certs/pki.h"
#include "keyring/jwtmint.h"

#define NOW_S INT64_C(1795190534)

static struct tokenkeys_entry key;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(key.public_key.kid, sizeof key.public_key.kid, "the-key");
    return pki_key_generate(SG_PKI_RSA_2048, &key.key) != SG_OK;
}

static int tear_down(void **state)
{
    (void)state;
    gnutls_privkey_deinit(key.key);
    return 0;
}

static struct keyring_claims good(void)
{
    return (struct keyring_claims){.sub = "alice",
                                   .sid = "0123456789abcdef0123456789abcdef",
                                   .jti = "0123456789abcdef0123456789abcdef",
                                   .scope = "files:read",
                                   .role = "member",
                                   .aud = "secgate",
                                   .lifetime_s = 600};
}

/* The text of one part of a token. */
static void part(const char *from, const char *to, char *ret, size_t size)
{
    size_t len = 0;

    assert_int_equal(encode_unbase64url(from, (size_t)(to - from), (uint8_t *)ret, size - 1, &len),
                     SG_OK);
    ret[len] = '\0';
}

static void verify(const char *text, size_t len, const char *signature, size_t signature_len)
{
    uint8_t bytes[512];
    size_t count = 0;
    gnutls_pubkey_t public_key;
    gnutls_datum_t data = {(unsigned char *)(uintptr_t)text, (unsigned)len};
    gnutls_datum_t sig = {bytes, 0};

    assert_int_equal(encode_unbase64url(signature, signature_len, bytes, sizeof bytes, &count),
                     SG_OK);
    sig.size = (unsigned)count;
    assert_int_equal(count, 256);
    assert_int_equal(gnutls_pubkey_init(&public_key), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(public_key, key.key, 0, 0), 0);
    assert_in_range(gnutls_pubkey_verify_data2(public_key, GNUTLS_SIGN_RSA_SHA256, 0, &data, &sig),
                    0, INT32_MAX);
    gnutls_pubkey_deinit(public_key);
}

/* Mints, verifies; the payload. */
static void mint(const struct keyring_claims *claims, char *ret_payload, size_t size)
{
    SG_BUF_CLEANUP struct buf token;
    char header[256];
    const char *text, *dot, *last;

    buf_init(&token, 4097);
    assert_int_equal(jwtmint_make(&key, "https://gate.example", claims, NOW_S, &token), SG_OK);
    buf_putc(&token, '\0');
    text = (const char *)token.data;
    dot = strchr(text, '.');
    assert_non_null(dot);
    last = strrchr(text, '.');
    part(text, dot, header, sizeof header);
    assert_string_equal(header, "{\"alg\":\"RS256\",\"kid\":\"the-key\",\"typ\":\"at+jwt\"}");
    part(dot + 1, last, ret_payload, size);
    verify(text, (size_t)(last - text), last + 1, strlen(last + 1));
}

static void test_plain(void **state)
{
    struct keyring_claims claims = good();
    char payload[2048];

    (void)state;
    mint(&claims, payload, sizeof payload);
    assert_string_equal(payload, "{\"aud\":\"secgate\",\"exp\":1795191134,\"iat\":1795190534,"
                                 "\"iss\":\"https://gate.example\","
                                 "\"jti\":\"0123456789abcdef0123456789abcdef\","
                                 "\"role\":\"member\",\"scope\":\"files:read\","
                                 "\"sid\":\"0123456789abcdef0123456789abcdef\",\"sub\":\"alice\"}");
    claims.lifetime_s = UINT32_MAX;
    mint(&claims, payload, sizeof payload);
    assert_non_null(strstr(payload, "\"exp\":1795194134,")); /* an hour */
}

static void test_client_and_actors(void **state)
{
    struct keyring_claims claims = good();
    char payload[2048];

    (void)state;
    (void)snprintf(claims.client_id, sizeof claims.client_id, "secctl");
    claims.actor_count = 1;
    (void)snprintf(claims.actor[0], sizeof claims.actor[0], "builder");
    mint(&claims, payload, sizeof payload);
    assert_non_null(strstr(payload, "\"client_id\":\"secctl\""));
    assert_non_null(strstr(payload, "\"act\":{\"sub\":\"builder\"}"));
    claims.actor_count = SG_ACTORS_MAX;
    for (size_t i = 0; i < SG_ACTORS_MAX; i++)
        (void)snprintf(claims.actor[i], sizeof claims.actor[i], "a%zu", i);
    mint(&claims, payload, sizeof payload);
    /* Who acts now is outermost; the order of members is libjwt's. */
    assert_non_null(strstr(payload, "\"act\":{\"act\":{\"act\":{\"act\":{\"sub\":\"a3\"},"
                                    "\"sub\":\"a2\"},\"sub\":\"a1\"},\"sub\":\"a0\"}"));
    assert_null(strstr(payload, "cnf"));
}

static void test_confirmation(void **state)
{
    struct keyring_claims claims = good();
    char payload[2048];
    char expected[128];
    char digest[SG_BASE64_SIZE(32)];

    (void)state;
    for (size_t i = 0; i < 32; i++)
        claims.confirmation_sha256[i] = (uint8_t)(255 - i);
    encode_base64url(claims.confirmation_sha256, 32, digest);
    claims.confirmation = SG_CONFIRM_CERTIFICATE;
    mint(&claims, payload, sizeof payload);
    (void)snprintf(expected, sizeof expected, "\"cnf\":{\"x5t#S256\":\"%s\"}", digest);
    assert_non_null(strstr(payload, expected));
    claims.confirmation = SG_CONFIRM_DPOP;
    claims.actor_count = 1;
    (void)snprintf(claims.actor[0], sizeof claims.actor[0], "builder");
    mint(&claims, payload, sizeof payload);
    (void)snprintf(expected, sizeof expected, "\"cnf\":{\"jkt\":\"%s\"}", digest);
    assert_non_null(strstr(payload, expected));
    assert_non_null(strstr(payload, "\"act\":{\"sub\":\"builder\"}"));
}

/* Nothing that could end a text of JSON gets in. */
static void test_parties_that_are_refused(void **state)
{
    static const char *const bad[] = {"a\"b", "a\\b", "a b", "a\n", "a}", "\xc3\xa9"};
    struct keyring_claims claims;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        claims = good();
        (void)snprintf(claims.client_id, sizeof claims.client_id, "%s", bad[i]);
        assert_int_equal(jwtmint_check(&claims), SG_ERR_BAD_FIELD);
        claims = good();
        claims.actor_count = 2;
        (void)snprintf(claims.actor[0], sizeof claims.actor[0], "builder");
        (void)snprintf(claims.actor[1], sizeof claims.actor[1], "%s", bad[i]);
        assert_int_equal(jwtmint_check(&claims), SG_ERR_BAD_FIELD);
    }
    claims = good();
    claims.actor_count = 1; /* and no name */
    assert_int_equal(jwtmint_check(&claims), SG_ERR_BAD_FIELD);
    claims.actor_count = SG_ACTORS_MAX + 1;
    assert_int_equal(jwtmint_check(&claims), SG_ERR_BAD_FIELD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_client_and_actors),
        cmocka_unit_test(test_confirmation),
        cmocka_unit_test(test_parties_that_are_refused),
    };

    return cmocka_run_group_tests_name("jwtmint", tests, set_up, tear_down);
}
