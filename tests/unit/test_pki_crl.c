/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of revocation lists, and of where certificates say that the list is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>

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

static enum sg_err make_crl(uint64_t number, gnutls_x509_crl_t *ret)
{
    const struct pki_issuer issuer = {.cert = ca, .key = ca_key};

    return pki_make_crl(&issuer, number, NOW_S, NULL, 0, ret);
}

static void test_a_revocation_list(void **state)
{
    static const uint64_t numbers[] = {0, 1, 0x7f, 0x80, 0xffff, NOW_S, INT64_MAX, UINT64_MAX};
    uint8_t id[64];
    uint8_t ca_id[64];
    size_t size = sizeof id;
    size_t ca_size = sizeof ca_id;
    gnutls_x509_crl_t crl;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(make_crl(numbers[i], &crl), SG_OK);
        assert_true(pki_crl_number(crl) == numbers[i]);
        gnutls_x509_crl_deinit(crl);
    }
    assert_int_equal(make_crl(1, &crl), SG_OK);
    assert_int_equal(gnutls_x509_crl_get_version(crl), 2);
    assert_int_equal(gnutls_x509_crl_get_crt_count(crl), 0);
    assert_int_equal(gnutls_x509_crl_get_this_update(crl), NOW_S - 3600);
    assert_int_equal(gnutls_x509_crl_get_next_update(crl), NOW_S + 7 * DAY_S);
    assert_int_equal(pki_crl_seconds_left(crl, NOW_S + DAY_S), 6 * DAY_S);
    assert_int_equal(gnutls_x509_crl_get_authority_key_id(crl, id, &size, NULL), 0);
    assert_int_equal(gnutls_x509_crt_get_subject_key_id(ca, ca_id, &ca_size, NULL), 0);
    assert_int_equal(size, ca_size);
    assert_memory_equal(id, ca_id, size);
    assert_true(pki_crl_is_issued_by(crl, ca));
    gnutls_x509_crl_deinit(crl);
}

/* RFC 5280, 5.1.2.6: nothing revoked, no list of it. */
static void test_an_empty_list_is_absent(void **state)
{
    gnutls_datum_t der;
    gnutls_x509_crl_t crl;

    (void)state;
    assert_int_equal(make_crl(1, &crl), SG_OK);
    assert_int_equal(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_DER, &der), 0);
    /* After nextUpdate come the extensions. */
    assert_non_null(memmem(der.data, der.size, "Z\xa0", 2));
    gnutls_free(der.data);
    gnutls_x509_crl_deinit(crl);
}

static void test_another_ca_of_the_same_name_has_not_signed_the_list(void **state)
{
    gnutls_privkey_t other_key;
    gnutls_x509_crt_t other;
    gnutls_x509_crl_t crl;

    (void)state;
    assert_int_equal(pki_key_generate(SG_PKI_ECDSA_P256, &other_key), SG_OK);
    assert_int_equal(pki_make_ca(other_key, "host.example", NOW_S, &other), SG_OK);
    assert_int_equal(make_crl(1, &crl), SG_OK);
    assert_false(pki_crl_is_issued_by(crl, other));
    gnutls_x509_crl_deinit(crl);
    gnutls_x509_crt_deinit(other);
    gnutls_privkey_deinit(other_key);
}

static void test_lists_of_an_rsa_ca(void **state)
{
    struct pki_issuer issuer;
    gnutls_x509_crl_t crl;

    (void)state;
    assert_int_equal(pki_key_generate(SG_PKI_RSA_2048, &issuer.key), SG_OK);
    assert_int_equal(pki_make_ca(issuer.key, "host.example", NOW_S, &issuer.cert), SG_OK);
    assert_int_equal(pki_make_crl(&issuer, 7, NOW_S, NULL, 0, &crl), SG_OK);
    assert_true(pki_crl_is_issued_by(crl, issuer.cert));
    gnutls_x509_crl_deinit(crl);
    gnutls_x509_crt_deinit(issuer.cert);
    gnutls_privkey_deinit(issuer.key);
}

static void test_lists_in_files(void **state)
{
    char *dir = tempdir_make();
    const char *path = tempdir_path(dir, "ca.crl");
    gnutls_x509_crl_t crl;
    struct stat st;

    (void)state;
    assert_int_equal(pki_crl_load(path, &crl), SG_ERR_NOT_FOUND);
    assert_int_equal(make_crl(7, &crl), SG_OK);
    assert_int_equal(pki_crl_save(path, crl, 0644), SG_OK);
    gnutls_x509_crl_deinit(crl);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(pki_crl_load(path, &crl), SG_OK);
    assert_int_equal(pki_crl_number(crl), 7);
    assert_true(pki_crl_is_issued_by(crl, ca));
    gnutls_x509_crl_deinit(crl);
    assert_int_equal(file_write_atomic(path, "no list", 7, 0644), SG_OK);
    assert_int_equal(pki_crl_load(path, &crl), SG_ERR_CORRUPT);
    assert_int_equal(file_write_atomic(path, "", 0, 0644), SG_OK);
    assert_int_equal(pki_crl_load(path, &crl), SG_ERR_CORRUPT);
    tempdir_remove(dir);
}

static void test_the_place_of_the_list(void **state)
{
    static const char *const names[] = {"localhost"};
    static const char uri[] = "https://localhost:8443/v1/ca/crl";
    const struct pki_issuer issuer = {.cert = ca, .key = ca_key};
    struct pki_request request = {.purpose = SG_PKI_SERVER,
                                  .public_key = server_public,
                                  .names = names,
                                  .name_count = 1,
                                  .now_s = NOW_S};
    char large[SG_PKI_URI_SIZE + 1];
    gnutls_x509_crt_t cert;

    (void)state;
    assert_int_equal(pki_issue(&issuer, &request, &cert), SG_OK);
    assert_true(pki_has_crl_uri(cert, NULL));
    assert_false(pki_has_crl_uri(cert, uri));
    gnutls_x509_crt_deinit(cert);
    request.crl_uri = uri;
    assert_int_equal(pki_issue(&issuer, &request, &cert), SG_OK);
    assert_true(pki_has_crl_uri(cert, uri));
    assert_false(pki_has_crl_uri(cert, NULL));
    assert_false(pki_has_crl_uri(cert, "https://localhost:8443/v1/ca/cr"));
    assert_false(pki_has_crl_uri(cert, "https://localhost:8443/v1/ca/crl2"));
    gnutls_x509_crt_deinit(cert);
    memset(large, 'u', sizeof large);
    large[SG_PKI_URI_SIZE] = '\0';
    request.crl_uri = large;
    assert_int_equal(pki_issue(&issuer, &request, &cert), SG_ERR_BAD_FIELD);
    large[SG_PKI_URI_SIZE - 1] = '\0';
    assert_int_equal(pki_issue(&issuer, &request, &cert), SG_OK);
    assert_true(pki_has_crl_uri(cert, large));
    gnutls_x509_crt_deinit(cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_revocation_list),
        cmocka_unit_test(test_an_empty_list_is_absent),
        cmocka_unit_test(test_another_ca_of_the_same_name_has_not_signed_the_list),
        cmocka_unit_test(test_lists_of_an_rsa_ca),
        cmocka_unit_test(test_lists_in_files),
        cmocka_unit_test(test_the_place_of_the_list),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
