/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the keyring process itself: files, certificates, tokens, handshake signatures, refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "certs/pki.h"
#include "ipc/channel.h"
#include "real_keyring.h"
#include "tempdir.h"

static char *top; /* holds data/ and data.log */
static char data[256];

static int set_up(void **state)
{
    (void)state;
    top = tempdir_make();
    (void)snprintf(data, sizeof data, "%s/data", top);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(top);
    return 0;
}

static mode_t mode_of(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(tempdir_path(data, name), &st), 0);
    return st.st_mode & 07777;
}

static bool log_has(const char *text)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, 1 << 20);
    assert_int_equal(file_read(tempdir_path(top, "data.log"), &b), SG_OK);
    return strstr(buf_str(&b), text) != NULL;
}

/* The names of the token key files, newest first; how many. */
static size_t token_files(char ret[4][128])
{
    DIR *d = opendir(tempdir_path(data, "keyring"));
    size_t count = 0;

    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strncmp(e->d_name, "token-", 6) == 0 && count < 4)
            (void)snprintf(ret[count++], 128, "%.127s", e->d_name);
    closedir(d);
    if (count == 2 && strcmp(ret[0], ret[1]) < 0) {
        char swap[128];

        memcpy(swap, ret[0], 128);
        memcpy(ret[0], ret[1], 128);
        memcpy(ret[1], swap, 128);
    }
    return count;
}

/* Makes a token key look `seconds` older. */
static void age_token(const char *file, long seconds)
{
    char from[512];
    char to[512];
    char *end;
    long created = strtol(file + 6, &end, 10);

    (void)snprintf(from, sizeof from, "%s/keyring/%s", data, file);
    (void)snprintf(to, sizeof to, "%s/keyring/token-%ld%s", data, created - seconds, end);
    assert_int_equal(rename(from, to), 0);
}

static void test_first_start_makes_private_files(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);
    char files[4][128];
    char name[200];

    (void)state;
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(mode_of("keyring"), 0700);
    assert_int_equal(mode_of("keyring/ca.key"), 0600);
    assert_int_equal(mode_of("keyring/tls.key"), 0600);
    assert_int_equal(mode_of("keyring/ca.pem"), 0600);
    assert_int_equal(mode_of("ca.pem"), 0644);
    assert_int_equal(mode_of("tls/ca.pem"), 0644);
    assert_int_equal(token_files(files), 1);
    (void)snprintf(name, sizeof name, "keyring/%s", files[0]);
    assert_int_equal(mode_of(name), 0600);
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void read_file(const char *name, struct buf *b)
{
    buf_init(b, 1 << 20);
    assert_int_equal(file_read(tempdir_path(data, name), b), SG_OK);
}

static void assert_same(struct buf *a, struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
    buf_fini(a);
    buf_fini(b);
}

static void test_second_start_changes_nothing(void **state)
{
    static const char *const files[] = {"ca.pem",         "keyring/ca.key", "keyring/tls.key",
                                        "tls/server.pem", "tls/ca.pem",     "tls/ca.crl"};
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    struct buf before[6];
    struct buf after[6];
    struct real_keyring k = real_keyring_start(data, NULL);
    uint8_t changed = 9;

    (void)state;
    assert_int_equal(real_keyring_ensure(&k, names, 3, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(real_keyring_stop(&k), 0);
    for (size_t i = 0; i < 6; i++)
        read_file(files[i], &before[i]);
    /* The public copy comes back when it is lost. */
    assert_int_equal(unlink(tempdir_path(data, "ca.pem")), 0);
    assert_int_equal(unlink(tempdir_path(data, "tls/ca.pem")), 0);
    /* What an interrupted write left goes. */
    assert_int_equal(
        file_write_atomic(tempdir_path(data, "keyring/.ca.key.0123456789abcdef.tmp"), "x", 1, 0600),
        SG_OK);
    k = real_keyring_start(data, NULL);
    assert_int_equal(real_keyring_ensure(&k, names, 3, &changed), SG_OK);
    assert_int_equal(changed, 0);
    assert_int_not_equal(access(tempdir_path(data, "keyring/.ca.key.0123456789abcdef.tmp"), F_OK),
                         0);
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_ROTATE_TOKENS, &changed), SG_OK);
    assert_int_equal(changed, 0);
    assert_int_equal(real_keyring_stop(&k), 0);
    for (size_t i = 0; i < 6; i++) {
        read_file(files[i], &after[i]);
        assert_same(&before[i], &after[i]);
    }
}

static void test_certificates(void **state)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "gate.example"};
    static const char *const bad[] = {"not a name"};
    struct real_keyring k = real_keyring_start(data, NULL);
    struct pki_chain ca = {.count = 0};
    struct pki_chain chain = {.count = 0};
    uint8_t changed = 9;

    (void)state;
    assert_int_equal(real_keyring_ensure(&k, NULL, 0, &changed), SG_ERR_BAD_FIELD);
    assert_int_equal(real_keyring_ensure(&k, bad, 1, &changed), SG_ERR_BAD_FIELD);
    assert_int_equal(real_keyring_ensure(&k, names, 2, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
    assert_int_equal(changed, 0);
    assert_int_equal(real_keyring_ensure(&k, names, 3, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(mode_of("tls/server.pem"), 0644);
    assert_int_equal(pki_chain_load(tempdir_path(data, "ca.pem"), &ca), SG_OK);
    assert_int_equal(pki_chain_load(tempdir_path(data, "tls/server.pem"), &chain), SG_OK);
    assert_int_equal(ca.count, 1);
    assert_int_equal(chain.count, 2);
    assert_true(gnutls_x509_crt_equals(chain.cert[1], ca.cert[0]));
    assert_true(pki_is_issued_by(chain.cert[0], ca.cert[0]));
    for (size_t i = 0; i < 3; i++)
        assert_true(pki_covers(chain.cert[0], names[i]));
    pki_chain_fini(&chain);
    pki_chain_fini(&ca);
    /* A file that is no certificate is replaced. */
    assert_int_equal(file_write_atomic(tempdir_path(data, "tls/server.pem"), "x", 1, 0644), SG_OK);
    assert_int_equal(real_keyring_ensure(&k, names, 3, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(real_keyring_stop(&k), 0);
}

/* The certificate says where the list is, and is issued again when that changes. */
static void test_the_revocation_list(void **state)
{
    static const char *const names[] = {"localhost"};
    static const char *const issuers[][3] = {{"--issuer", "https://localhost:8443", NULL},
                                             {"--issuer", "https://gate.example", NULL},
                                             {"--issuer", "gate", NULL}};
    static const char *const uris[] = {"https://localhost:8443/v1/ca/crl",
                                       "https://gate.example/v1/ca/crl", NULL};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct real_keyring k = real_keyring_start(data, issuers[i]);
        struct pki_chain chain = {.count = 0};
        gnutls_x509_crl_t crl;
        uint8_t changed = 9;

        assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
        assert_int_equal(changed, 1);
        assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
        assert_int_equal(changed, 0);
        assert_int_equal(real_keyring_stop(&k), 0);
        assert_int_equal(pki_chain_load(tempdir_path(data, "tls/server.pem"), &chain), SG_OK);
        assert_true(pki_has_crl_uri(chain.cert[0], uris[i]));
        assert_int_equal(mode_of("tls/ca.crl"), 0644);
        assert_int_equal(pki_crl_load(tempdir_path(data, "tls/ca.crl"), &crl), SG_OK);
        assert_true(pki_crl_is_issued_by(crl, chain.cert[1]));
        gnutls_x509_crl_deinit(crl);
        pki_chain_fini(&chain);
    }
}

/* That no list can be written is said, and keeps nobody from starting. */
static void test_no_list_is_no_reason_to_stop(void **state)
{
    static const char *const names[] = {"localhost"};
    struct real_keyring k = real_keyring_start(data, NULL);
    uint8_t changed = 9;

    (void)state;
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(mkdir(tempdir_path(data, "tls/ca.crl"), 0700), 0);
    assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(real_keyring_stop(&k), 0);
    assert_true(log_has("event=keyring.revocation_list_not_renewed"));
}

static struct keyring_claims good_claims(void)
{
    return (struct keyring_claims){.sub = "alice",
                                   .sid = "0123456789abcdef0123456789abcdef",
                                   .jti = "AZaz09_-AZaz09_-",
                                   .scope = "files:read chat:write",
                                   .role = "member",
                                   .aud = "secgate",
                                   .lifetime_s = 600};
}

/* Splits the token, checks its signature with the published key, and gives header and payload. */
static void open_token(const char *token, const struct token_key *key, char ret_header[512],
                       char ret_payload[2048])
{
    const char *dot1 = strchr(token, '.');
    const char *dot2 = strchr(dot1 + 1, '.');
    uint8_t signature[512];
    uint8_t n[512];
    uint8_t e[8];
    size_t len;
    gnutls_datum_t m = {.data = n, .size = (unsigned)key->n_len};
    gnutls_datum_t x = {.data = e, .size = (unsigned)key->e_len};
    gnutls_datum_t sig = {.data = signature};
    gnutls_datum_t text = {.data = (uint8_t *)strndup(token, (size_t)(dot2 - token)),
                           .size = (unsigned)(dot2 - token)};
    gnutls_pubkey_t pub;

    memcpy(n, key->n, key->n_len);
    memcpy(e, key->e, key->e_len);
    assert_int_equal(
        encode_unbase64url(token, (size_t)(dot1 - token), (uint8_t *)ret_header, 511, &len), SG_OK);
    ret_header[len] = '\0';
    assert_int_equal(
        encode_unbase64url(dot1 + 1, (size_t)(dot2 - dot1 - 1), (uint8_t *)ret_payload, 2047, &len),
        SG_OK);
    ret_payload[len] = '\0';
    assert_int_equal(
        encode_unbase64url(dot2 + 1, strlen(dot2 + 1), signature, sizeof signature, &len), SG_OK);
    sig.size = (unsigned)len;
    assert_int_equal(gnutls_pubkey_init(&pub), 0);
    assert_int_equal(gnutls_pubkey_import_rsa_raw(pub, &m, &x), 0);
    assert_int_equal(gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_RSA_SHA256, 0, &text, &sig), 0);
    text.data[5] ^= 1;
    assert_int_not_equal(gnutls_pubkey_verify_data2(pub, GNUTLS_SIGN_RSA_SHA256, 0, &text, &sig),
                         0);
    gnutls_pubkey_deinit(pub);
    free(text.data);
}

static long member(const char *json, const char *name)
{
    const char *at = strstr(json, name);

    assert_non_null(at);
    return strtol(at + strlen(name), NULL, 10);
}

static void test_tokens(void **state)
{
    static const char *const args[] = {"--issuer", "https://gate.example:8443", NULL};
    struct real_keyring k = real_keyring_start(data, args);
    struct keyring_client *client = real_keyring_client(&k);
    struct keyring_claims claims = good_claims();
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    char token[SG_TOKEN_SIZE];
    char header[512];
    char expected[512];
    char payload[2048];
    size_t count;

    (void)state;
    assert_int_equal(keyring_client_token_keys(client, keys, &count), SG_OK);
    assert_int_equal(count, 1);
    assert_int_equal(keys[0].n_len, 256);
    assert_memory_equal(keys[0].e, "\1\0\1", 3);
    assert_int_equal(strlen(keys[0].kid), 43);
    assert_int_equal(keyring_client_mint(client, &claims, token), SG_OK);
    open_token(token, &keys[0], header, payload);
    (void)snprintf(expected, sizeof expected,
                   "{\"alg\":\"RS256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}", keys[0].kid);
    assert_string_equal(header, expected);
    (void)snprintf(expected, sizeof expected,
                   "{\"aud\":\"secgate\",\"exp\":%ld,\"iat\":%ld,\"iss\":\"%s\",\"jti\":\"%s\","
                   "\"role\":\"member\",\"scope\":\"files:read chat:write\",\"sid\":\"%s\","
                   "\"sub\":\"alice\"}",
                   member(payload, "\"exp\":"), member(payload, "\"iat\":"), args[1], claims.jti,
                   claims.sid);
    assert_string_equal(payload, expected);
    assert_int_equal(member(payload, "\"exp\":") - member(payload, "\"iat\":"), 600);
    assert_in_range(member(payload, "\"iat\":"), time(NULL) - 60, time(NULL));
    claims.lifetime_s = UINT32_MAX;
    assert_int_equal(keyring_client_mint(client, &claims, token), SG_OK);
    open_token(token, &keys[0], header, payload);
    assert_int_equal(member(payload, "\"exp\":") - member(payload, "\"iat\":"), 3600);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

/* The published key identifier is the RFC 7638 thumbprint. */
static void test_key_identifiers(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);
    struct keyring_client *client = real_keyring_client(&k);
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    char n[SG_BASE64_SIZE(512)];
    char kid[SG_BASE64_SIZE(32)];
    char json[1024];
    uint8_t digest[32];
    size_t count;

    (void)state;
    assert_int_equal(keyring_client_token_keys(client, keys, &count), SG_OK);
    encode_base64url(keys[0].n, keys[0].n_len, n);
    (void)snprintf(json, sizeof json, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"%s\"}", n);
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, json, strlen(json), digest), 0);
    encode_base64url(digest, sizeof digest, kid);
    assert_string_equal(keys[0].kid, kid);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

#define BAD(field, text)                                                                           \
    do {                                                                                           \
        claims = good_claims();                                                                    \
        (void)snprintf(claims.field, sizeof claims.field, "%s", text);                             \
        assert_int_equal(keyring_client_mint(client, &claims, token), SG_ERR_BAD_FIELD);           \
    } while (0)

static void test_claims_that_are_refused(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);
    struct keyring_client *client = real_keyring_client(&k);
    struct keyring_claims claims;
    char token[SG_TOKEN_SIZE];

    (void)state;
    BAD(sub, "");
    BAD(sub, "Alice");
    BAD(sub, ".alice");
    BAD(sub, "al ice");
    BAD(sub, "a\"b");
    BAD(sub, "alice\n");
    BAD(sub, "b\xc3\xb6"
             "b");
    BAD(sub, "a2345678901234567890123456789012345678901234567890123456789012345");
    BAD(sid, "0123456789abcdef0123456789abcde");
    BAD(sid, "0123456789abcdef0123456789abcdeF");
    BAD(jti, "short");
    BAD(jti, "0123456789abcdef=");
    BAD(scope, "");
    BAD(scope, " files:read");
    BAD(scope, "files:read ");
    BAD(scope, "a  b");
    BAD(scope, "a\\b");
    BAD(role, "root");
    BAD(role, "");
    BAD(aud, "");
    BAD(aud, "a b");
    claims = good_claims();
    claims.lifetime_s = 0;
    assert_int_equal(keyring_client_mint(client, &claims, token), SG_ERR_BAD_FIELD);
    claims.lifetime_s = 1;
    assert_int_equal(keyring_client_mint(client, &claims, token), SG_OK);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void test_rotation_of_token_keys(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);
    struct keyring_client *client;
    struct keyring_claims claims = good_claims();
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    char old_kid[64];
    char token[SG_TOKEN_SIZE];
    char header[512];
    char payload[2048];
    char files[4][128];
    uint8_t changed = 9;
    size_t count;

    (void)state;
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0);
    assert_int_equal(token_files(files), 1);
    age_token(files[0], 30L * 86400);
    k = real_keyring_start(data, NULL);
    client = real_keyring_client(&k);
    assert_int_equal(keyring_client_token_keys(client, keys, &count), SG_OK);
    assert_int_equal(count, 1);
    memcpy(old_kid, keys[0].kid, sizeof old_kid);
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_ROTATE_TOKENS, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(keyring_client_token_keys(client, keys, &count), SG_OK);
    assert_int_equal(count, 2);
    assert_string_not_equal(keys[0].kid, old_kid);
    assert_string_equal(keys[1].kid, old_kid);
    assert_int_equal(keyring_client_mint(client, &claims, token), SG_OK);
    open_token(token, &keys[0], header, payload);
    assert_non_null(strstr(header, keys[0].kid));
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_ROTATE_TOKENS, &changed), SG_OK);
    assert_int_equal(changed, 0);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
    /* An hour and more after the change the former key is gone. */
    assert_int_equal(token_files(files), 2);
    age_token(files[0], 2L * 3600);
    k = real_keyring_start(data, NULL);
    client = real_keyring_client(&k);
    assert_int_equal(keyring_client_token_keys(client, keys, &count), SG_OK);
    assert_int_equal(count, 1);
    assert_string_not_equal(keys[0].kid, old_kid);
    assert_int_equal(token_files(files), 1);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void test_the_log_names_no_secret_and_says_what_was_made(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);

    (void)state;
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0);
    assert_true(log_has("event=keyring.ready"));
    assert_true(log_has("event=keyring.token_key_made"));
    assert_true(log_has("event=keyring.ended result=ok"));
    assert_false(log_has("PRIVATE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_start_makes_private_files),
        TEST(test_second_start_changes_nothing),
        TEST(test_certificates),
        TEST(test_the_revocation_list),
        TEST(test_no_list_is_no_reason_to_stop),
        TEST(test_tokens),
        TEST(test_key_identifiers),
        TEST(test_claims_that_are_refused),
        TEST(test_rotation_of_token_keys),
        TEST(test_the_log_names_no_secret_and_says_what_was_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
