/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of reading certificate requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/encode.h"
#include "core/csr.h"

/* A request of a fresh key, as DER; free with gnutls_free. */
static gnutls_datum_t make_signed(gnutls_pk_algorithm_t algorithm, unsigned bits,
                                  gnutls_digest_algorithm_t digest, gnutls_datum_t *ret_pem,
                                  uint8_t *ret_spki, size_t *ret_spki_len)
{
    gnutls_x509_privkey_t key;
    gnutls_privkey_t abstract;
    gnutls_pubkey_t public_key;
    gnutls_x509_crq_t crq;
    gnutls_datum_t der;

    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(key, algorithm, bits, 0), 0);
    assert_int_equal(gnutls_privkey_init(&abstract), 0);
    assert_int_equal(gnutls_privkey_import_x509(abstract, key, 0), 0);
    assert_int_equal(gnutls_x509_crq_init(&crq), 0);
    assert_int_equal(gnutls_x509_crq_set_version(crq, 1), 0);
    assert_int_equal(gnutls_x509_crq_set_dn(crq, "CN=somebody else", NULL), 0);
    assert_int_equal(gnutls_x509_crq_set_key(crq, key), 0);
    assert_int_equal(gnutls_x509_crq_privkey_sign(crq, abstract, digest, 0), 0);
    assert_int_equal(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, &der), 0);
    if (ret_pem != NULL)
        assert_int_equal(gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_PEM, ret_pem), 0);
    if (ret_spki != NULL) {
        assert_int_equal(gnutls_pubkey_init(&public_key), 0);
        assert_int_equal(gnutls_pubkey_import_privkey(public_key, abstract, 0, 0), 0);
        assert_int_equal(
            gnutls_pubkey_export(public_key, GNUTLS_X509_FMT_DER, ret_spki, ret_spki_len), 0);
        gnutls_pubkey_deinit(public_key);
    }
    gnutls_x509_crq_deinit(crq);
    gnutls_privkey_deinit(abstract);
    gnutls_x509_privkey_deinit(key);
    return der;
}

static gnutls_datum_t make(gnutls_pk_algorithm_t algorithm, unsigned bits, gnutls_datum_t *ret_pem,
                           uint8_t *ret_spki, size_t *ret_spki_len)
{
    return make_signed(algorithm, bits, GNUTLS_DIG_UNKNOWN, ret_pem, ret_spki, ret_spki_len);
}

static enum sg_err read_text(const char *text, size_t len, const char **ret_reason)
{
    char *exact = malloc(len + 1); /* so that a read past the end is seen */
    uint8_t spki[SG_CSR_SPKI_MAX];
    size_t spki_len;
    enum sg_err err;

    memcpy(exact + 1, text, len);
    err = csr_read(exact + 1, len, spki, &spki_len, ret_reason);
    free(exact);
    return err;
}

/* Under a label of PEM. */
static enum sg_err read_der(const uint8_t *der, size_t len, const char *label)
{
    char base64[SG_BASE64_SIZE(4096)];
    char text[8192];
    const char *reason = NULL;

    encode_base64(der, len, base64);
    (void)snprintf(text, sizeof text, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, base64,
                   label);
    return read_text(text, strlen(text), &reason);
}

static void test_keys_that_are_taken(void **state)
{
    static const struct {
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
    } kinds[] = {
        {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
        {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1)},
        {GNUTLS_PK_EDDSA_ED25519, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519)},
        {GNUTLS_PK_RSA, 2048},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint8_t spki[SG_CSR_SPKI_MAX];
        uint8_t got[SG_CSR_SPKI_MAX];
        size_t len = sizeof spki;
        size_t got_len = 0;
        const char *reason = NULL;
        gnutls_datum_t pem;
        gnutls_datum_t der = make(kinds[i].algorithm, kinds[i].bits, &pem, spki, &len);

        assert_int_equal(csr_read((char *)pem.data, pem.size, got, &got_len, &reason), SG_OK);
        assert_int_equal(got_len, len);
        assert_memory_equal(got, spki, len);
        assert_int_equal(read_der(der.data, der.size, "CERTIFICATE REQUEST"), SG_OK);
        gnutls_free(der.data);
        gnutls_free(pem.data);
    }
}

static void test_keys_that_are_not(void **state)
{
    static const struct {
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
    } kinds[] = {
        {GNUTLS_PK_RSA, 1024},
        {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1)},
        {GNUTLS_PK_EDDSA_ED448, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED448)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *reason = NULL;
        gnutls_datum_t pem;
        gnutls_datum_t der = make(kinds[i].algorithm, kinds[i].bits, &pem, NULL, NULL);

        assert_int_equal(read_text((char *)pem.data, pem.size, &reason), SG_ERR_BAD_CSR);
        assert_non_null(strstr(reason, "key"));
        gnutls_free(der.data);
        gnutls_free(pem.data);
    }
}

static void test_broken_hashes(void **state)
{
    static const struct {
        gnutls_digest_algorithm_t digest;
        enum sg_err err;
    } kinds[] = {{GNUTLS_DIG_SHA1, SG_ERR_BAD_CSR}, {GNUTLS_DIG_SHA256, SG_OK}};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *reason = "";
        gnutls_datum_t pem;
        gnutls_datum_t der = make_signed(GNUTLS_PK_RSA, 2048, kinds[i].digest, &pem, NULL, NULL);

        assert_int_equal(read_text((char *)pem.data, pem.size, &reason), kinds[i].err);
        assert_int_equal(strstr(reason, "hash") != NULL, kinds[i].err != SG_OK);
        gnutls_free(der.data);
        gnutls_free(pem.data);
    }
}

/* Every bit of it is either signed or makes no request of it. */
static void test_no_bit_may_change(void **state)
{
    gnutls_datum_t der =
        make(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), NULL, NULL, NULL);

    (void)state;
    for (unsigned i = 0; i < 8 * der.size; i++) {
        der.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(read_der(der.data, der.size, "CERTIFICATE REQUEST"), SG_ERR_BAD_CSR);
        der.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (unsigned len = 1; len < der.size; len++)
        assert_int_equal(read_der(der.data, len, "CERTIFICATE REQUEST"), SG_ERR_BAD_CSR);
    gnutls_free(der.data);
}

static void test_the_text_around(void **state)
{
    const char *reason = NULL;
    gnutls_datum_t pem;
    gnutls_datum_t der = make(GNUTLS_PK_EDDSA_ED25519,
                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), &pem, NULL, NULL);
    char text[4 * 1024];
    char *large = calloc(1, SG_CSR_MAX + 2);

    (void)state;
    assert_int_equal(read_der(der.data, der.size, "NEW CERTIFICATE REQUEST"), SG_OK);
    assert_int_equal(read_der(der.data, der.size, "CERTIFICATE"), SG_ERR_BAD_CSR);
    assert_int_equal(read_der(der.data, der.size, "PRIVATE KEY"), SG_ERR_BAD_CSR);
    (void)snprintf(text, sizeof text, "What openssl writes before.\n%.*s\n", (int)pem.size,
                   (char *)pem.data);
    assert_int_equal(read_text(text, strlen(text), &reason), SG_OK);
    (void)snprintf(text, sizeof text, "%.*s%.*s", (int)pem.size, (char *)pem.data, (int)pem.size,
                   (char *)pem.data);
    assert_int_equal(read_text(text, strlen(text), &reason), SG_ERR_BAD_CSR);
    assert_int_equal(read_text("", 0, &reason), SG_ERR_BAD_CSR);
    memset(large, '\n', SG_CSR_MAX + 1);
    memcpy(large, pem.data, pem.size);
    assert_int_equal(read_text(large, SG_CSR_MAX, &reason), SG_OK);
    assert_int_equal(read_text(large, SG_CSR_MAX + 1, &reason), SG_ERR_BAD_CSR);
    free(large);
    gnutls_free(der.data);
    gnutls_free(pem.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_taken), cmocka_unit_test(test_keys_that_are_not),
        cmocka_unit_test(test_broken_hashes),       cmocka_unit_test(test_no_bit_may_change),
        cmocka_unit_test(test_the_text_around),
    };

    return cmocka_run_group_tests_name("csr", tests, NULL, NULL);
}
