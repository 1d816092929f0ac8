/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens: what is accepted, and the many things that are not. */
#include "core/tokenverify.h"

#include "base/encode.h"
#include "core/flatjson.h"
#include "fake_keyring.h"

#include <gnutls/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}"
#define CLAIMS(iss, aud, exp)                                                                      \
    "{\"aud\":\"" aud "\",\"exp\":" exp ",\"iat\":1000,\"iss\":\"" iss "\",\"jti\":\"j1\","        \
    "\"role\":\"member\",\"scope\":\"files:read\",\"sid\":\"s1\",\"sub\":\"ann\"}"
#define PAYLOAD CLAIMS(FAKE_ISSUER, "secgate", "2000")

static struct fake_keyring *keyring;
static gnutls_pubkey_t key;
static struct token_key raw;
static char pem[1024];

static int set_up(void **state)
{
    gnutls_datum_t n, e;

    (void)state;
    keyring = fake_keyring_new();
    fake_keyring_public(keyring, &raw, pem);
    n = (gnutls_datum_t){.data = raw.n, .size = (unsigned)raw.n_len};
    e = (gnutls_datum_t){.data = raw.e, .size = (unsigned)raw.e_len};
    return gnutls_pubkey_init(&key) < 0 || gnutls_pubkey_import_rsa_raw(key, &n, &e) < 0;
}

static int tear_down(void **state)
{
    (void)state;
    gnutls_pubkey_deinit(key);
    fake_keyring_free(keyring);
    return 0;
}

static enum sg_err check_len(const char *token, size_t len, int64_t now_s)
{
    struct token_claims claims;
    struct token_form form;
    enum sg_err err = tokenverify_form(token, len, &form);

    if (err == SG_OK)
        err = tokenverify_signature(&form, key, raw.n_len);
    if (err == SG_OK)
        err = tokenverify_claims(&form, FAKE_ISSUER, "secgate", now_s, &claims);
    return err;
}

static enum sg_err check(const char *token)
{
    return check_len(token, strlen(token), 1500);
}

/* Signed rightly by our key with this header and payload. */
static enum sg_err check_signed(const char *header, const char *payload)
{
    char token[SG_TOKEN_SIZE];

    fake_keyring_sign(keyring, header, payload, token);
    return check(token);
}

static void test_good(void **state)
{
    char token[SG_TOKEN_SIZE];
    struct token_form form;
    struct token_claims claims;

    (void)state;
    fake_keyring_sign(keyring, HEADER, PAYLOAD, token);
    assert_int_equal(tokenverify_form(token, strlen(token), &form), SG_OK);
    assert_string_equal(form.kid, "key-1");
    assert_int_equal(tokenverify_signature(&form, key, raw.n_len), SG_OK);
    assert_int_equal(tokenverify_claims(&form, FAKE_ISSUER, "secgate", 1999, &claims), SG_OK);
    assert_string_equal(claims.sub, "ann");
    assert_string_equal(claims.sid, "s1");
    assert_string_equal(claims.jti, "j1");
    assert_string_equal(claims.role, "member");
    assert_string_equal(claims.scope, "files:read");
    assert_int_equal(claims.iat_s, 1000);
    assert_int_equal(claims.exp_s, 2000);
    assert_int_equal(check_signed("{\"typ\":\"JWT\",\"kid\":\"key-1\",\"alg\":\"RS256\"}", PAYLOAD),
                     SG_OK);
}

static void test_headers(void **state)
{
    static const char *const bad[] = {
        "{\"alg\":\"none\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS384\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS512\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"PS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"ES256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"HS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"rs256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256 \",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":1,\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"id+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",\"crit\":\"exp\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",\"jwk\":{\"kty\":\"RSA\"}}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",\"jku\":\"https://x.test\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",\"x5u\":\"https://x.test\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",\"alg\":\"RS256\"}",
        "{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"key-1\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"} ",
        " {\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\": \"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}}",
        "{\"alg\":\"RS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\",}",
        "{\"alg\":\"RS256\",\"kid\":\"key\\u002d1\",\"typ\":\"at+jwt\"}",
        "[\"alg\",\"RS256\"]",
        "{}",
        "{",
        "null",
        "RS256",
    };
    char long_kid[160];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(check_signed(bad[i], PAYLOAD), SG_ERR_TOKEN_INVALID);
    (void)snprintf(long_kid, sizeof long_kid,
                   "{\"alg\":\"RS256\",\"kid\":\"%0*d\",\"typ\":\"JWT\"}", SG_TOKEN_KID_SIZE, 7);
    assert_int_equal(check_signed(long_kid, PAYLOAD), SG_ERR_TOKEN_INVALID);
}

/* The classic: HMAC keyed with the public key's text, under either header. */
static void test_hmac_with_public_key(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"HS256\",\"kid\":\"key-1\",\"typ\":\"at+jwt\"}", HEADER};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char token[SG_TOKEN_SIZE];
        uint8_t mac[32];
        size_t len;

        fake_keyring_sign(keyring, headers[i], PAYLOAD, token);
        len = (size_t)(strrchr(token, '.') - token);
        assert_int_equal(gnutls_hmac_fast(GNUTLS_MAC_SHA256, pem, strlen(pem), token, len, mac), 0);
        encode_base64url(mac, sizeof mac, token + len + 1);
        assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
    }
}

static void test_other_digest(void **state)
{
    char token[SG_TOKEN_SIZE];

    (void)state;
    fake_keyring_sign_with(keyring, GNUTLS_SIGN_RSA_SHA384, HEADER, PAYLOAD, token);
    assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
    fake_keyring_sign_with(keyring, GNUTLS_SIGN_RSA_SHA1, HEADER, PAYLOAD, token);
    assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
}

static void test_form(void **state)
{
    char good[SG_TOKEN_SIZE], token[SG_TOKEN_SIZE + 16];
    char *dot1, *dot2;
    size_t len;

    (void)state;
    fake_keyring_sign(keyring, HEADER, PAYLOAD, good);
    len = strlen(good);
    assert_int_equal(check(good), SG_OK);
    assert_int_equal(check(""), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check("."), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check(".."), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check("..."), SG_ERR_TOKEN_INVALID);

    static const char *const tails[] = {"=", "==", ".", ".AAAA", " ", "\n", "A", "AAAA", "%"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        (void)snprintf(token, sizeof token, "%s%s", good, tails[i]);
        assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
        (void)snprintf(token, sizeof token, "%s%s", tails[i], good);
        assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
    }
    /* Two parts, empty parts. */
    (void)strcpy(token, good);
    dot1 = strchr(token, '.');
    dot2 = strrchr(token, '.');
    *dot2 = '\0';
    assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
    *dot2 = '.';
    dot2[1] = '\0';
    assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
    (void)snprintf(token, sizeof token, "%.*s.%s", (int)(strchr(good, '.') - good), good,
                   strrchr(good, '.'));
    assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check(strchr(good, '.')), SG_ERR_TOKEN_INVALID);
    /* NUL inside and after. */
    memcpy(token, good, len + 1);
    assert_int_equal(check_len(token, len + 1, 1500), SG_ERR_TOKEN_INVALID);
    *dot1 = '\0';
    assert_int_equal(check_len(token, len, 1500), SG_ERR_TOKEN_INVALID);
    memcpy(token, good, len + 1);
    token[len - 5] = '\0';
    assert_int_equal(check_len(token, len, 1500), SG_ERR_TOKEN_INVALID);
}

/* 256 bytes leave four idle bits in the last character; 15 other spellings must not pass. */
static void test_non_canonical_signature(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char token[SG_TOKEN_SIZE];
    size_t last, passed = 0;

    (void)state;
    fake_keyring_sign(keyring, HEADER, PAYLOAD, token);
    last = strlen(token) - 1;
    for (size_t i = 0; i < 64; i++) {
        token[last] = letters[i];
        passed += check(token) == SG_OK;
    }
    assert_int_equal(passed, 1);
}

static void test_every_changed_byte_is_noticed(void **state)
{
    char token[SG_TOKEN_SIZE];
    size_t len;

    (void)state;
    fake_keyring_sign(keyring, HEADER, PAYLOAD, token);
    len = strlen(token);
    for (size_t i = 0; i < len; i++) {
        char was = token[i];

        token[i] = was == 'A' ? 'B' : 'A';
        assert_int_equal(check(token), SG_ERR_TOKEN_INVALID);
        token[i] = was;
    }
    assert_int_equal(check(token), SG_OK);
}

static void test_huge(void **state)
{
    size_t size = 1 << 20;
    char *token = malloc(size);

    (void)state;
    assert_non_null(token);
    memset(token, 'A', size);
    assert_int_equal(check_len(token, size, 0), SG_ERR_TOKEN_INVALID);
    token[100] = token[200] = '.';
    assert_int_equal(check_len(token, size, 0), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check_len(token, SG_TOKEN_TEXT_MAX, 0), SG_ERR_TOKEN_INVALID);
    memset(token, '.', size);
    assert_int_equal(check_len(token, SG_TOKEN_TEXT_MAX, 0), SG_ERR_TOKEN_INVALID);
    free(token);
}

static void test_claims(void **state)
{
    static const char *const bad[] = {
        CLAIMS("https://other.test", "secgate", "2000"),
        CLAIMS("", "secgate", "2000"),
        CLAIMS(FAKE_ISSUER "/", "secgate", "2000"),
        CLAIMS(FAKE_ISSUER, "other", "2000"),
        CLAIMS(FAKE_ISSUER, "", "2000"),
        CLAIMS(FAKE_ISSUER, "secgate", "\"2000\""),
        CLAIMS(FAKE_ISSUER, "secgate", "2000.5"),
        CLAIMS(FAKE_ISSUER, "secgate", "2e9"),
        CLAIMS(FAKE_ISSUER, "secgate", "-2000"),
        CLAIMS(FAKE_ISSUER, "secgate", "02000"),
        CLAIMS(FAKE_ISSUER, "secgate", "99999999999999999999"),
        CLAIMS(FAKE_ISSUER, "secgate", "null"),
        CLAIMS(FAKE_ISSUER, "secgate", "2000,\"exp\":3000"),
        CLAIMS(FAKE_ISSUER, "secgate", "2000") " ",
        "{\"aud\":[\"secgate\"],\"exp\":2000,\"iat\":1000,\"iss\":\"" FAKE_ISSUER
        "\",\"jti\":\"j1\",\"role\":\"member\",\"scope\":\"\",\"sid\":\"s1\",\"sub\":\"ann\"}",
        "{\"aud\":\"secgate\",\"iat\":1000,\"iss\":\"" FAKE_ISSUER
        "\",\"jti\":\"j1\",\"role\":\"member\",\"scope\":\"\",\"sid\":\"s1\",\"sub\":\"ann\"}",
        "{\"aud\":\"secgate\",\"exp\":2000,\"iat\":1000,\"iss\":\"" FAKE_ISSUER
        "\",\"jti\":\"j1\",\"role\":\"member\",\"scope\":\"\",\"sub\":\"ann\"}",
        "{}",
        "",
        "x",
    };
    char token[SG_TOKEN_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(check_signed(HEADER, bad[i]), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check_signed(HEADER, CLAIMS(FAKE_ISSUER, "secgate", "2000,\"nbf\":1500")),
                     SG_OK);
    assert_int_equal(check_signed(HEADER, CLAIMS(FAKE_ISSUER, "secgate", "2000,\"nbf\":1501")),
                     SG_ERR_TOKEN_INVALID);
    assert_int_equal(check_signed(HEADER, CLAIMS(FAKE_ISSUER, "secgate", "2000,\"nbf\":\"1\"")),
                     SG_ERR_TOKEN_INVALID);
    fake_keyring_sign(keyring, HEADER, PAYLOAD, token); /* its iat is 1000 */
    assert_int_equal(check_len(token, strlen(token), 1000 - SG_TOKEN_SKEW_S), SG_OK);
    assert_int_equal(check_len(token, strlen(token), 999 - SG_TOKEN_SKEW_S), SG_ERR_TOKEN_INVALID);
    assert_int_equal(check_len(token, strlen(token), 1999), SG_OK);
    assert_int_equal(check_len(token, strlen(token), 2000), SG_ERR_TOKEN_EXPIRED);
    assert_int_equal(check_len(token, strlen(token), INT64_MAX), SG_ERR_TOKEN_EXPIRED);
}

static void test_flatjson(void **state)
{
    static const char *const good[] = {"{}", "{\"a\":\"b\"}", "{\"a\":0,\"b\":\"\",\"\":7}",
                                       "{\"n\":999999999999999999}"};
    static const char *const bad[] = {"",
                                      "{",
                                      "}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{a:1}",
                                      "{\"a\":1,",
                                      "{\"a\":1,}",
                                      "{\"a\":1}x",
                                      "{\"a\":1 }",
                                      "{\"a\":",
                                      "{\"a\":\"",
                                      "{\"a\":01}",
                                      "{\"a\":-1}",
                                      "{\"a\":1.0}",
                                      "{,}",
                                      "{\"a\":1;",
                                      "{\"a\":[]}",
                                      "{\"a\":{}",
                                      "{\"a\":{\"}",
                                      "{\"a\":{{{{{{{{{}}}}}}}}}}",
                                      "{\"a\":true}",
                                      "[]",
                                      "{}{}",
                                      "{\"\x7f\":1}",
                                      "{\"\xc3\xa4\":1}",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":1000000000000000000}"};
    struct flatjson json;
    char many[512] = "{";
    char text[3];
    int64_t number = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(flatjson_parse(good[i], strlen(good[i]), &json), SG_OK);
    assert_true(flatjson_number(&json, "n", &number));
    assert_int_equal(number, 999999999999999999);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(flatjson_parse(bad[i], strlen(bad[i]), &json), SG_ERR_BAD_JSON);
    assert_int_equal(flatjson_parse("{\"a\":\"bc\",\"n\":5}", 16, &json), SG_OK);
    assert_true(flatjson_text(&json, "a", text, 3));
    assert_string_equal(text, "bc");
    assert_false(flatjson_text(&json, "a", text, 2));
    assert_false(flatjson_text(&json, "n", text, 3));
    assert_false(flatjson_number(&json, "a", &number));
    assert_false(flatjson_text(&json, "b", text, 3));
    for (int i = 0; i <= SG_FLATJSON_MEMBERS; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), "%s\"k%d\":1",
                       i > 0 ? "," : "", i);
    (void)strcat(many, "}");
    assert_int_equal(flatjson_parse(many, strlen(many), &json), SG_ERR_BAD_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_hmac_with_public_key),
        cmocka_unit_test(test_other_digest),
        cmocka_unit_test(test_form),
        cmocka_unit_test(test_non_canonical_signature),
        cmocka_unit_test(test_every_changed_byte_is_noticed),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_flatjson),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
