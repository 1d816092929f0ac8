/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of client certificates and of revocation lists with entries, judged by GnuTLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "certs/pki.h"

#define NOW_S INT64_C(1795190534)
#define DAY_S INT64_C(86400)

static struct pki_issuer ca;
static gnutls_privkey_t key;
static gnutls_pubkey_t public_key;

static int set_up(void **state)
{
    (void)state;
    if (pki_key_generate(SG_PKI_ECDSA_P256, &ca.key) != SG_OK ||
        pki_make_ca(ca.key, "host.example", NOW_S, &ca.cert) != SG_OK ||
        pki_key_generate(SG_PKI_ED25519, &key) != SG_OK || gnutls_pubkey_init(&public_key) < 0)
        return 1;
    return gnutls_pubkey_import_privkey(public_key, key, 0, 0);
}

static int tear_down(void **state)
{
    (void)state;
    gnutls_pubkey_deinit(public_key);
    gnutls_privkey_deinit(key);
    gnutls_x509_crt_deinit(ca.cert);
    gnutls_privkey_deinit(ca.key);
    return 0;
}

static enum sg_err issue(const char *user, int64_t lifetime_s, gnutls_x509_crt_t *ret)
{
    const struct pki_request request = {.purpose = SG_PKI_CLIENT,
                                        .public_key = public_key,
                                        .names = &user,
                                        .name_count = 1,
                                        .lifetime_s = lifetime_s,
                                        .now_s = NOW_S};

    return pki_issue(&ca, &request, ret);
}

static unsigned verify(gnutls_x509_crt_t cert, const char *purpose, gnutls_x509_crl_t crl)
{
    gnutls_x509_trust_list_t trust;
    gnutls_typed_vdata_st data = {GNUTLS_DT_KEY_PURPOSE_OID, (void *)(uintptr_t)purpose, 0};
    unsigned status = 0;

    assert_int_equal(gnutls_x509_trust_list_init(&trust, 0), 0);
    assert_int_equal(gnutls_x509_trust_list_add_cas(trust, &ca.cert, 1, 0), 1);
    if (crl != NULL)
        assert_int_equal(gnutls_x509_trust_list_add_crls(trust, &crl, 1, 0, 0), 1);
    assert_int_equal(
        gnutls_x509_trust_list_verify_crt2(trust, &cert, 1, &data, 1,
                                           GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
                                               (crl == NULL ? GNUTLS_VERIFY_DISABLE_CRL_CHECKS : 0),
                                           &status, NULL),
        0);
    gnutls_x509_trust_list_deinit(trust, 0);
    return status;
}

static void test_it_is_for_clients_only(void **state)
{
    gnutls_x509_crt_t cert;
    char text[128];
    size_t size = sizeof text;

    (void)state;
    assert_int_equal(issue("alice", 30 * DAY_S, &cert), SG_OK);
    assert_int_equal(verify(cert, GNUTLS_KP_TLS_WWW_CLIENT, NULL), 0);
    assert_int_not_equal(verify(cert, GNUTLS_KP_TLS_WWW_SERVER, NULL), 0);
    assert_int_not_equal(verify(cert, GNUTLS_KP_CODE_SIGNING, NULL), 0);
    assert_int_equal(gnutls_x509_crt_get_dn(cert, text, &size), 0);
    assert_string_equal(text, "CN=alice");
    size = sizeof text;
    assert_int_equal(gnutls_x509_crt_get_subject_alt_name(cert, 0, text, &size, NULL),
                     GNUTLS_SAN_URI);
    assert_int_equal(size, strlen("urn:secgate:user:alice"));
    assert_memory_equal(text, "urn:secgate:user:alice", size);
    assert_int_equal(pki_seconds_left(cert, NOW_S), 30 * DAY_S);
    assert_int_equal(gnutls_x509_crt_get_ca_status(cert, NULL), 0);
    gnutls_x509_crt_deinit(cert);
}

static void test_names_and_lives_that_are_refused(void **state)
{
    gnutls_x509_crt_t cert;
    char name[SG_PKI_NAME_MAX + 2] = "";

    (void)state;
    assert_int_equal(issue("", DAY_S, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue("a b", DAY_S, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue("alice,O=x", DAY_S, &cert), SG_ERR_BAD_FIELD);
    memset(name, 'a', SG_PKI_NAME_MAX + 1);
    assert_int_equal(issue(name, DAY_S, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue("alice", 0, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue("alice", -1, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue("alice", SG_PKI_CLIENT_LIFE_S + 1, &cert), SG_ERR_BAD_FIELD);
    assert_int_equal(issue("alice", SG_PKI_CLIENT_LIFE_S, &cert), SG_OK);
    gnutls_x509_crt_deinit(cert);
}

static struct pki_revoked of_cert(gnutls_x509_crt_t cert, int64_t at_s)
{
    struct pki_revoked r = {.revoked_s = at_s};
    size_t size = sizeof r.serial;

    assert_int_equal(gnutls_x509_crt_get_serial(cert, r.serial, &size), 0);
    r.serial_len = size;
    return r;
}

static void test_a_list_with_entries(void **state)
{
    gnutls_x509_crt_t cert[3];
    struct pki_revoked revoked[3];
    gnutls_x509_crl_t crl;
    uint8_t serial[32];
    size_t size = sizeof serial;
    time_t at = 0;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(issue("alice", DAY_S, &cert[i]), SG_OK);
    revoked[0] = of_cert(cert[0], NOW_S - 5);
    revoked[1] = of_cert(cert[1], INT64_C(2524608000)); /* 2050: another form of time */
    revoked[2] = (struct pki_revoked){
        .serial = {0xff, 1}, .serial_len = 2, .revoked_s = NOW_S}; /* needs a zero before */
    assert_int_equal(pki_make_crl(&ca, 7, NOW_S, revoked, 3, &crl), SG_OK);
    assert_true(pki_crl_is_issued_by(crl, ca.cert));
    assert_int_equal(gnutls_x509_crl_get_crt_count(crl), 3);
    assert_int_equal(gnutls_x509_crl_get_crt_serial(crl, 0, serial, &size, &at), 0);
    assert_int_equal(size, revoked[0].serial_len);
    assert_memory_equal(serial, revoked[0].serial, size);
    assert_int_equal(at, NOW_S - 5);
    size = sizeof serial;
    assert_int_equal(gnutls_x509_crl_get_crt_serial(crl, 1, serial, &size, &at), 0);
    assert_int_equal(at, INT64_C(2524608000));
    assert_true(pki_crl_lists(crl, revoked, 3));
    assert_false(pki_crl_lists(crl, revoked, 2));
    assert_false(pki_crl_lists(crl, revoked + 1, 2));
    assert_int_not_equal(verify(cert[0], GNUTLS_KP_TLS_WWW_CLIENT, crl) & GNUTLS_CERT_REVOKED, 0);
    assert_int_not_equal(verify(cert[1], GNUTLS_KP_TLS_WWW_CLIENT, crl) & GNUTLS_CERT_REVOKED, 0);
    assert_int_equal(verify(cert[2], GNUTLS_KP_TLS_WWW_CLIENT, crl) & GNUTLS_CERT_REVOKED, 0);
    gnutls_x509_crl_deinit(crl);
    for (size_t i = 0; i < 3; i++)
        gnutls_x509_crt_deinit(cert[i]);
}

static void test_a_full_list(void **state)
{
    struct pki_revoked *all = calloc(SG_PKI_REVOKED_MAX + 1, sizeof *all);
    gnutls_x509_crl_t crl;

    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i <= SG_PKI_REVOKED_MAX; i++) {
        all[i] = (struct pki_revoked){.serial_len = SG_PKI_SERIAL_SIZE, .revoked_s = NOW_S};
        memset(all[i].serial, 0x41, SG_PKI_SERIAL_SIZE);
        memcpy(all[i].serial + 1, &i, sizeof i);
    }
    assert_int_equal(pki_make_crl(&ca, 1, NOW_S, all, SG_PKI_REVOKED_MAX + 1, &crl), SG_ERR_LIMIT);
    assert_int_equal(pki_make_crl(&ca, 1, NOW_S, all, SG_PKI_REVOKED_MAX, &crl), SG_OK);
    assert_true(pki_crl_lists(crl, all, SG_PKI_REVOKED_MAX));
    all[SG_PKI_REVOKED_MAX - 1].serial[19] ^= 1;
    assert_false(pki_crl_lists(crl, all, SG_PKI_REVOKED_MAX));
    gnutls_x509_crl_deinit(crl);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_for_clients_only),
        cmocka_unit_test(test_names_and_lives_that_are_refused),
        cmocka_unit_test(test_a_list_with_entries),
        cmocka_unit_test(test_a_full_list),
    };

    return cmocka_run_group_tests_name("pki_client", tests, set_up, tear_down);
}
