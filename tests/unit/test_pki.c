/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the PKI: extensions, lives, names, fingerprints and files, judged by GnuTLS's own
 * verification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "certs/pki.h"
#include "tempdir.h"

#define NOW_S INT64_C(1795190534)
#define DAY_S INT64_C(86400)

static gnutls_privkey_t ca_key;
static gnutls_x509_crt_t ca;
static gnutls_privkey_t server_key;
static gnutls_pubkey_t server_public;

static int set_up(void **state)
{
    (void)state;
    if (pki_key_generate(SG_PKI_ECDSA_P256, &ca_key) != SG_OK ||
        pki_make_ca(ca_key, "host.example", NOW_S, &ca) != SG_OK ||
        pki_key_generate(SG_PKI_ECDSA_P256, &server_key) != SG_OK ||
        gnutls_pubkey_init(&server_public) < 0)
        return 1;
    return gnutls_pubkey_import_privkey(server_public, server_key, 0, 0);
}

static int tear_down(void **state)
{
    (void)state;
    gnutls_pubkey_deinit(server_public);
    gnutls_privkey_deinit(server_key);
    gnutls_x509_crt_deinit(ca);
    gnutls_privkey_deinit(ca_key);
    return 0;
}

static enum sg_err issue(const char *const *names, size_t count, int64_t now_s,
                         gnutls_x509_crt_t *ret)
{
    const struct pki_issuer issuer = {.cert = ca, .key = ca_key};
    const struct pki_request request = {.purpose = SG_PKI_SERVER,
                                        .public_key = server_public,
                                        .names = names,
                                        .name_count = count,
                                        .now_s = now_s};

    return pki_issue(&issuer, &request, ret);
}

static void assert_serial(gnutls_x509_crt_t cert)
{
    uint8_t serial[40];
    size_t size = sizeof serial;

    assert_int_equal(gnutls_x509_crt_get_serial(cert, serial, &size), 0);
    assert_int_equal(size, 20);
    assert_in_range(serial[0], 0x40, 0x7f);
}

static void test_the_ca(void **state)
{
    unsigned critical;
    unsigned usage;
    unsigned is_ca;
    int path_length;
    char name[100];
    size_t size = sizeof name;

    (void)state;
    assert_int_equal(gnutls_x509_crt_get_dn(ca, name, &size), 0);
    assert_string_equal(name, "CN=secgate CA host.example");
    assert_int_equal(gnutls_x509_crt_get_version(ca), 3);
    assert_serial(ca);
    assert_true(gnutls_x509_crt_get_basic_constraints(ca, &critical, &is_ca, &path_length) >= 0);
    assert_int_equal(critical, 1);
    assert_int_equal(is_ca, 1);
    assert_int_equal(path_length, 0);
    assert_int_equal(gnutls_x509_crt_get_key_usage(ca, &usage, &critical), 0);
    assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    assert_int_equal(gnutls_x509_crt_get_activation_time(ca), NOW_S - 3600);
    assert_int_equal(gnutls_x509_crt_get_expiration_time(ca), NOW_S + 3650 * DAY_S);
    size = sizeof name;
    assert_int_equal(gnutls_x509_crt_get_subject_key_id(ca, name, &size, NULL), 0);
    assert_int_equal(size, 20);
    assert_int_equal(gnutls_x509_crt_get_signature_algorithm(ca), GNUTLS_SIGN_ECDSA_SHA256);
    assert_true(pki_is_issued_by(ca, ca));
}

static void test_a_long_host_name_is_cut(void **state)
{
    char host[300];
    char name[400];
    size_t size = sizeof name;
    gnutls_x509_crt_t cert;

    (void)state;
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_int_equal(pki_make_ca(ca_key, host, NOW_S, &cert), SG_OK);
    assert_int_equal(gnutls_x509_crt_get_dn(cert, name, &size), 0);
    assert_int_equal(strlen(name), 3 + 64);
    gnutls_x509_crt_deinit(cert);
}

static void test_a_server_certificate(void **state)
{
    static const char *const names[] = {"localhost", "gate.example", "127.0.0.1", "::1"};
    gnutls_x509_crt_t cert;
    unsigned critical;
    unsigned usage;
    char oid[64];
    uint8_t ca_id[64];
    uint8_t authority[64];
    size_t size = sizeof oid;
    size_t ca_size = sizeof ca_id;
    size_t authority_size = sizeof authority;

    (void)state;
    assert_int_equal(issue(names, 4, NOW_S, &cert), SG_OK);
    assert_serial(cert);
    assert_int_equal(gnutls_x509_crt_get_ca_status(cert, &critical), 0);
    assert_int_equal(gnutls_x509_crt_get_key_usage(cert, &usage, &critical), 0);
    assert_int_equal(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
    assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(cert, 0, oid, &size, &critical), 0);
    assert_string_equal(oid, GNUTLS_KP_TLS_WWW_SERVER);
    size = sizeof oid;
    assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(cert, 1, oid, &size, &critical),
                     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
    assert_int_equal(gnutls_x509_crt_get_subject_key_id(ca, ca_id, &ca_size, NULL), 0);
    assert_int_equal(gnutls_x509_crt_get_authority_key_id(cert, authority, &authority_size, NULL),
                     0);
    assert_int_equal(ca_size, authority_size);
    assert_memory_equal(ca_id, authority, ca_size);
    assert_int_equal(gnutls_x509_crt_get_activation_time(cert), NOW_S - 3600);
    assert_int_equal(gnutls_x509_crt_get_expiration_time(cert), NOW_S + 397 * DAY_S);
    for (size_t i = 0; i < 4; i++)
        assert_true(pki_covers(cert, names[i]));
    assert_true(pki_covers(cert, "LOCALHOST"));
    assert_false(pki_covers(cert, "example"));
    assert_false(pki_covers(cert, "127.0.0.2"));
    assert_false(pki_covers(cert, "::2"));
    assert_false(pki_covers(cert, ""));
    assert_true(pki_is_issued_by(cert, ca));
    assert_false(pki_is_issued_by(ca, cert));
    gnutls_x509_crt_deinit(cert);
}

static void test_a_signing_certificate(void **state)
{
    static const char *const good[] = {"release.2-x_"};
    static const char *const bad[] = {
        "",       "a b",      "a/b",
        "a,CN=b", "\xc3\xa4", "12345678901234567890123456789012345678901234567890123456789012345"};
    const struct pki_issuer issuer = {.cert = ca, .key = ca_key};
    struct pki_request request = {.purpose = SG_PKI_SIGNING,
                                  .public_key = server_public,
                                  .names = good,
                                  .name_count = 1,
                                  .crl_uri = "https://gate.example/v1/ca/crl",
                                  .now_s = NOW_S};
    gnutls_x509_crt_t cert;
    unsigned critical;
    unsigned usage;
    char text[64];
    size_t size = sizeof text;

    (void)state;
    assert_int_equal(pki_issue(&issuer, &request, &cert), SG_OK);
    assert_serial(cert);
    assert_true(pki_is_issued_by(cert, ca));
    assert_true(pki_has_crl_uri(cert, request.crl_uri));
    assert_int_equal(
        gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &size), 0);
    assert_string_equal(text, good[0]);
    assert_int_equal(gnutls_x509_crt_get_key_usage(cert, &usage, &critical), 0);
    assert_int_equal(usage, GNUTLS_KEY_DIGITAL_SIGNATURE);
    for (unsigned i = 0; i < 2; i++) {
        size = sizeof text;
        assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(cert, i, text, &size, &critical), 0);
        assert_string_equal(text, i == 0 ? GNUTLS_KP_EMAIL_PROTECTION : GNUTLS_KP_CODE_SIGNING);
    }
    size = sizeof text;
    assert_int_equal(gnutls_x509_crt_get_key_purpose_oid(cert, 2, text, &size, &critical),
                     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
    /* It serves as long as the CA, and for no server. */
    assert_int_equal(gnutls_x509_crt_get_expiration_time(cert),
                     gnutls_x509_crt_get_expiration_time(ca));
    assert_false(pki_covers(cert, good[0]));
    gnutls_x509_crt_deinit(cert);
    request.names = bad;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++, request.names++)
        assert_int_equal(pki_issue(&issuer, &request, &cert), SG_ERR_BAD_FIELD);
    request.names = bad;
    request.name_count = 0;
    assert_int_equal(pki_issue(&issuer, &request, &cert), SG_ERR_BAD_FIELD);
}

/* The way a client does it: trust list, name and purpose. */
static void test_a_client_would_accept_it(void **state)
{
    static const char *const names[] = {"gate.example"};
    gnutls_typed_vdata_st data[] = {
        {.type = GNUTLS_DT_DNS_HOSTNAME},
        {.type = GNUTLS_DT_KEY_PURPOSE_OID},
    };
    char host[] = "gate.example";
    char purpose[] = GNUTLS_KP_TLS_WWW_SERVER;
    gnutls_x509_trust_list_t trust;
    gnutls_x509_crt_t cert;
    unsigned status = 1;

    (void)state;
    data[0].data = (unsigned char *)host;
    data[1].data = (unsigned char *)purpose;
    assert_int_equal(issue(names, 1, NOW_S, &cert), SG_OK);
    assert_int_equal(gnutls_x509_trust_list_init(&trust, 0), 0);
    assert_int_equal(gnutls_x509_trust_list_add_cas(trust, &ca, 1, 0), 1);
    assert_int_equal(gnutls_x509_trust_list_verify_crt2(trust, &cert, 1, data, 2,
                                                        GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status,
                                                        NULL),
                     0);
    assert_int_equal(status, 0);
    gnutls_x509_trust_list_deinit(trust, 0);
    gnutls_x509_crt_deinit(cert);
}

static void test_another_ca_of_the_same_name_is_not_the_issuer(void **state)
{
    static const char *const names[] = {"localhost"};
    gnutls_privkey_t other_key;
    gnutls_x509_crt_t other;
    gnutls_x509_crt_t cert;

    (void)state;
    assert_int_equal(pki_key_generate(SG_PKI_ECDSA_P256, &other_key), SG_OK);
    assert_int_equal(pki_make_ca(other_key, "host.example", NOW_S, &other), SG_OK);
    assert_int_equal(issue(names, 1, NOW_S, &cert), SG_OK);
    assert_false(pki_is_issued_by(cert, other));
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_crt_deinit(other);
    gnutls_privkey_deinit(other_key);
}

static void test_lives(void **state)
{
    static const char *const names[] = {"localhost"};
    const int64_t late = NOW_S + 3650 * DAY_S - 100;
    gnutls_x509_crt_t cert = NULL;

    (void)state;
    assert_int_equal(issue(names, 1, NOW_S, &cert), SG_OK);
    assert_int_equal(pki_lifetime_s(cert), 397 * DAY_S + 3600);
    assert_int_equal(pki_seconds_left(cert, NOW_S), 397 * DAY_S);
    assert_int_equal(pki_days_left(cert, NOW_S), 397);
    assert_int_equal(pki_days_left(cert, NOW_S + 1), 396);
    assert_int_equal(pki_days_left(cert, NOW_S + 397 * DAY_S), 0);
    assert_int_equal(pki_days_left(cert, NOW_S + 397 * DAY_S + 1), -1);
    gnutls_x509_crt_deinit(cert);
    assert_int_equal(issue(names, 1, late, &cert), SG_OK);
    assert_int_equal(pki_seconds_left(cert, late), 100);
    gnutls_x509_crt_deinit(cert);
    assert_int_equal(issue(names, 1, late + 100, &cert), SG_ERR_CONFLICT);
    assert_int_equal(issue(names, 1, NOW_S - 3601, &cert), SG_ERR_CONFLICT);
}

static void test_names(void **state)
{
    static const char *const good[] = {"a",
                                       "localhost",
                                       "a-b.c1.example",
                                       "*.example.com",
                                       "xn--bcher-kva.example",
                                       "10.0.0.1",
                                       "::",
                                       "fe80::1",
                                       "a_b"};
    static const char *const bad[] = {
        "",  ".",   "a.",  ".a",        "a..b",         "-a",  "a-",   "a b",     "a/b",
        "*", "a.*", "*.*", "b\xc3\xbc", "fe80::1%eth0", "a\n", "a:80", "*.local", "[::1]"};
    static const char *const mixed[] = {"localhost", "not ok"};
    char label[70];
    gnutls_x509_crt_t cert;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(pki_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(pki_name_is_valid(bad[i]));
    memset(label, 'l', sizeof label);
    label[63] = '\0';
    assert_true(pki_name_is_valid(label));
    label[63] = 'l';
    label[64] = '\0';
    assert_false(pki_name_is_valid(label));
    assert_int_equal(issue(mixed, 2, NOW_S, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue(NULL, 0, NOW_S, &cert), SG_ERR_BAD_FIELD);
}

static void test_hashes(void **state)
{
    static const char *const names[] = {"localhost"};
    uint8_t of_key[SG_PKI_SHA256_SIZE];
    uint8_t of_cert[SG_PKI_SHA256_SIZE];
    uint8_t expected[SG_PKI_SHA256_SIZE];
    gnutls_datum_t der;
    gnutls_x509_crt_t cert;

    (void)state;
    assert_int_equal(issue(names, 1, NOW_S, &cert), SG_OK);
    assert_int_equal(gnutls_pubkey_export2(server_public, GNUTLS_X509_FMT_DER, &der), 0);
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, expected), 0);
    gnutls_free(der.data);
    assert_int_equal(pki_key_spki_sha256(server_key, of_key), SG_OK);
    assert_int_equal(pki_cert_spki_sha256(cert, of_cert), SG_OK);
    assert_memory_equal(of_key, expected, sizeof expected);
    assert_memory_equal(of_cert, expected, sizeof expected);
    assert_int_equal(gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_DER, &der), 0);
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, expected), 0);
    gnutls_free(der.data);
    assert_int_equal(pki_cert_sha256(cert, of_cert), SG_OK);
    assert_memory_equal(of_cert, expected, sizeof expected);
    gnutls_x509_crt_deinit(cert);
}

static void test_keys_as_pem(void **state)
{
    static const enum pki_key_kind kinds[] = {SG_PKI_ECDSA_P256, SG_PKI_RSA_2048};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t before[SG_PKI_SHA256_SIZE];
        uint8_t after[SG_PKI_SHA256_SIZE];
        gnutls_privkey_t key;
        gnutls_privkey_t again;
        unsigned bits;
        struct buf b;

        buf_init(&b, SG_PKI_PEM_MAX);
        assert_int_equal(pki_key_generate(kinds[i], &key), SG_OK);
        assert_int_equal(gnutls_privkey_get_pk_algorithm(key, &bits),
                         i == 0 ? GNUTLS_PK_ECDSA : GNUTLS_PK_RSA);
        assert_int_equal(bits, i == 0 ? 256 : 2048);
        assert_int_equal(pki_key_to_pem(key, &b), SG_OK);
        assert_memory_equal(b.data, "-----BEGIN PRIVATE KEY-----\n", 28);
        assert_int_equal(pki_key_from_pem(b.data, b.len, &again), SG_OK);
        assert_int_equal(pki_key_spki_sha256(key, before), SG_OK);
        assert_int_equal(pki_key_spki_sha256(again, after), SG_OK);
        assert_memory_equal(before, after, sizeof before);
        assert_int_equal(pki_key_from_pem(b.data, b.len / 2, &again), SG_ERR_CORRUPT);
        buf_wipe(&b);
        gnutls_privkey_deinit(key);
        gnutls_privkey_deinit(again);
    }
}

static void test_what_is_no_key(void **state)
{
    static char large[SG_PKI_PEM_MAX + 1];
    gnutls_privkey_t key;

    (void)state;
    assert_int_equal(pki_key_from_pem("", 0, &key), SG_ERR_CORRUPT);
    assert_int_equal(pki_key_from_pem("hello", 5, &key), SG_ERR_CORRUPT);
    assert_int_equal(pki_key_from_pem(large, sizeof large, &key), SG_ERR_TOO_LARGE);
}

static void test_chains_in_files(void **state)
{
    static const char *const names[] = {"localhost"};
    char *dir = tempdir_make();
    const char *path = tempdir_path(dir, "chain.pem");
    gnutls_x509_crt_t certs[SG_PKI_CHAIN_MAX + 1];
    struct pki_chain chain = {.count = 0};
    struct stat st;

    (void)state;
    assert_int_equal(issue(names, 1, NOW_S, &certs[0]), SG_OK);
    certs[1] = ca;
    assert_int_equal(pki_chain_load(path, &chain), SG_ERR_NOT_FOUND);
    assert_int_equal(pki_chain_save(path, certs, 2, 0644), SG_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(pki_chain_load(path, &chain), SG_OK);
    assert_int_equal(chain.count, 2);
    assert_true(gnutls_x509_crt_equals(chain.cert[0], certs[0]));
    assert_true(gnutls_x509_crt_equals(chain.cert[1], ca));
    pki_chain_fini(&chain);
    assert_int_equal(chain.count, 0);
    for (size_t i = 1; i <= SG_PKI_CHAIN_MAX; i++)
        certs[i] = ca;
    assert_int_equal(pki_chain_save(path, certs, SG_PKI_CHAIN_MAX + 1, 0644), SG_OK);
    assert_int_equal(pki_chain_load(path, &chain), SG_ERR_TOO_LARGE);
    assert_int_equal(file_write_atomic(path, "no certificate", 14, 0644), SG_OK);
    assert_int_equal(pki_chain_load(path, &chain), SG_ERR_CORRUPT);
    assert_int_equal(file_write_atomic(path, "", 0, 0644), SG_OK);
    assert_int_equal(pki_chain_load(path, &chain), SG_ERR_CORRUPT);
    gnutls_x509_crt_deinit(certs[0]);
    tempdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_ca),
        cmocka_unit_test(test_a_long_host_name_is_cut),
        cmocka_unit_test(test_a_server_certificate),
        cmocka_unit_test(test_a_signing_certificate),
        cmocka_unit_test(test_a_client_would_accept_it),
        cmocka_unit_test(test_another_ca_of_the_same_name_is_not_the_issuer),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_keys_as_pem),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_chains_in_files),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
