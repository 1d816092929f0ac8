/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of when the keyring makes a new revocation list, and how its numbers run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "keyring/crl.h"
#include "tempdir.h"

#define NOW_S INT64_C(1795190534)
#define DAY_S INT64_C(86400)

static struct pki_issuer ca;
static struct pki_issuer other; /* of the same name */
static char *data;

static int make_ca(struct pki_issuer *ret)
{
    return pki_key_generate(SG_PKI_ECDSA_P256, &ret->key) != SG_OK ||
           pki_make_ca(ret->key, "host.example", NOW_S, &ret->cert) != SG_OK;
}

static int set_up_group(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    return make_ca(&ca) || make_ca(&other);
}

static int tear_down_group(void **state)
{
    (void)state;
    gnutls_x509_crt_deinit(other.cert);
    gnutls_privkey_deinit(other.key);
    gnutls_x509_crt_deinit(ca.cert);
    gnutls_privkey_deinit(ca.key);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    data = tempdir_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(data);
    return 0;
}

/* Has the list looked after at that time; its number. */
static uint64_t ensured(const struct pki_issuer *issuer, int64_t now_s)
{
    gnutls_x509_crl_t crl;
    uint64_t number;

    assert_int_equal(crl_ensure(data, issuer, NULL, 0, now_s * SG_NS_PER_S), SG_OK);
    assert_int_equal(pki_crl_load(tempdir_path(data, "tls/ca.crl"), &crl), SG_OK);
    assert_true(pki_crl_is_issued_by(crl, issuer->cert));
    assert_in_range(pki_crl_seconds_left(crl, now_s), SG_PKI_CRL_LIFE_S / 2, SG_PKI_CRL_LIFE_S);
    number = pki_crl_number(crl);
    gnutls_x509_crl_deinit(crl);
    return number;
}

static void test_renewed_by_half_of_its_life(void **state)
{
    const int64_t half = SG_PKI_CRL_LIFE_S / 2;
    struct stat st;
    uint64_t first;

    (void)state;
    first = ensured(&ca, NOW_S);
    assert_true(first > 0);
    assert_int_equal(stat(tempdir_path(data, "tls/ca.crl"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_true(ensured(&ca, NOW_S) == first);
    assert_true(ensured(&ca, NOW_S + half) == first);
    assert_true(ensured(&ca, NOW_S + half + 1) > first);
    assert_true(ensured(&ca, NOW_S + 100 * DAY_S) > first);
}

static void test_numbers_rise(void **state)
{
    uint64_t number;
    uint64_t next;

    (void)state;
    number = ensured(&ca, NOW_S);
    /* Another CA, then the first one again, within one second. */
    next = ensured(&other, NOW_S);
    assert_true(next > number);
    number = ensured(&ca, NOW_S);
    assert_true(number > next);
    /* The clock was ahead and is right again. */
    next = ensured(&ca, NOW_S + 100 * DAY_S);
    assert_true(next > number);
    number = ensured(&ca, NOW_S + DAY_S);
    assert_true(number > next);
}

static void test_lost_and_damaged_files(void **state)
{
    const char *path = tempdir_path(data, "tls/ca.crl");
    uint64_t number;
    uint64_t next;

    (void)state;
    number = ensured(&ca, NOW_S);
    assert_int_equal(unlink(path), 0);
    next = ensured(&ca, NOW_S + 60);
    assert_true(next > number);
    assert_int_equal(file_write_atomic(path, "no list", 7, 0644), SG_OK);
    number = ensured(&ca, NOW_S + 120);
    assert_true(number > next);
    /* A directory of that name cannot be replaced. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_not_equal(crl_ensure(data, &ca, NULL, 0, NOW_S * SG_NS_PER_S), SG_OK);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *issuer;
        const char *uri;
    } cases[] = {
        {"https://localhost:8443", "https://localhost:8443/v1/ca/crl"},
        {"https://gate.example/", "https://gate.example/v1/ca/crl"},
        {"https://gate.example/sub//", "https://gate.example/sub/v1/ca/crl"},
        {"http://gate.example", "http://gate.example/v1/ca/crl"},
        {"urn:example:gate", NULL},
        {"gate", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *uri = data;

        assert_int_equal(crl_uri(cases[i].issuer, &uri), SG_OK);
        if (cases[i].uri == NULL)
            assert_null(uri);
        else
            assert_string_equal(uri, cases[i].uri);
        free(uri);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_renewed_by_half_of_its_life),
        TEST(test_numbers_rise),
        TEST(test_lost_and_damaged_files),
        TEST(test_addresses),
    };

    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
