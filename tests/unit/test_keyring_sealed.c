/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed files, and key files that were plain before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "certs/pki.h"
#include "keyring/kek.h"
#include "keyring/keyfile.h"
#include "keyring/sealed.h"
#include "tempdir.h"

static const struct kek kek = {{1, 2, 3}};
static const struct kek other = {{1, 2, 4}};
static const char secret[] = "the content that nobody may read";

static char *dir;

static int set_up(void **state)
{
    (void)state;
    dir = tempdir_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(dir);
    return 0;
}

static void test_round_trip(void **state)
{
    SG_BUF_CLEANUP struct buf sealed;
    SG_BUF_CLEANUP struct buf again;
    SG_BUF_CLEANUP struct buf plain;

    (void)state;
    buf_init(&sealed, 4096);
    buf_init(&again, 4096);
    buf_init(&plain, 4096);
    assert_int_equal(sealed_seal(&kek, "kind", "name", secret, sizeof secret, &sealed), SG_OK);
    assert_int_equal(sealed.len, sizeof secret + SG_SEALED_OVERHEAD);
    assert_true(sealed_is(sealed.data, sealed.len));
    assert_null(memmem(sealed.data, sealed.len, secret, 8));
    assert_int_equal(sealed_open(&kek, "kind", "name", sealed.data, sealed.len, &plain), SG_OK);
    assert_int_equal(plain.len, sizeof secret);
    assert_memory_equal(plain.data, secret, sizeof secret);
    /* Another salt, another nonce: never the same twice. */
    assert_int_equal(sealed_seal(&kek, "kind", "name", secret, sizeof secret, &again), SG_OK);
    assert_memory_not_equal(again.data + 8, sealed.data + 8, 44);
    assert_memory_not_equal(again.data + 52, sealed.data + 52, sizeof secret);
    /* Nothing at all can be sealed too. */
    buf_clear(&sealed);
    buf_clear(&plain);
    assert_int_equal(sealed_seal(&kek, "kind", "", "", 0, &sealed), SG_OK);
    assert_int_equal(sealed_open(&kek, "kind", "", sealed.data, sealed.len, &plain), SG_OK);
    assert_int_equal(plain.len, 0);
}

static void test_every_bit_counts(void **state)
{
    SG_BUF_CLEANUP struct buf sealed;
    SG_BUF_CLEANUP struct buf plain;

    (void)state;
    buf_init(&sealed, 4096);
    buf_init(&plain, 4096);
    assert_int_equal(sealed_seal(&kek, "kind", "name", secret, sizeof secret, &sealed), SG_OK);
    for (size_t i = 0; i < 8 * sealed.len; i++) {
        sealed.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(sealed_open(&kek, "kind", "name", sealed.data, sealed.len, &plain),
                         SG_ERR_CORRUPT);
        assert_int_equal(plain.len, 0);
        sealed.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(sealed_open(&kek, "kind", "name", sealed.data, len, &plain),
                         SG_ERR_CORRUPT);
}

static void test_it_is_bound_to_key_kind_and_name(void **state)
{
    SG_BUF_CLEANUP struct buf sealed;
    SG_BUF_CLEANUP struct buf plain;

    (void)state;
    buf_init(&sealed, 4096);
    buf_init(&plain, 4096);
    assert_int_equal(sealed_seal(&kek, "kind", "name", secret, sizeof secret, &sealed), SG_OK);
    assert_int_equal(sealed_open(&other, "kind", "name", sealed.data, sealed.len, &plain),
                     SG_ERR_CORRUPT);
    assert_int_equal(sealed_open(&kek, "kin", "dname", sealed.data, sealed.len, &plain),
                     SG_ERR_CORRUPT);
    assert_int_equal(sealed_open(&kek, "kind", "names", sealed.data, sealed.len, &plain),
                     SG_ERR_CORRUPT);
    assert_int_equal(sealed_open(&kek, "kind2", "name", sealed.data, sealed.len, &plain),
                     SG_ERR_CORRUPT);
    assert_int_equal(sealed_open(&kek, "kind", "name", sealed.data, sealed.len, &plain), SG_OK);
}

static void test_files(void **state)
{
    SG_BUF_CLEANUP struct buf plain;
    const char *path = tempdir_path(dir, "file");
    struct stat st;

    (void)state;
    buf_init(&plain, 4096);
    assert_int_equal(sealed_load(&kek, path, "kind", "name", &plain), SG_ERR_NOT_FOUND);
    assert_int_equal(sealed_save(&kek, path, "kind", "name", secret, sizeof secret), SG_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(sealed_load(&kek, path, "kind", "name", &plain), SG_OK);
    assert_memory_equal(plain.data, secret, sizeof secret);
    assert_int_equal(sealed_load(&other, path, "kind", "name", &plain), SG_ERR_CORRUPT);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(sealed_load(&kek, path, "kind", "name", &plain), SG_ERR_FORBIDDEN);
}

static void read_all(const char *path, struct buf *b)
{
    buf_init(b, SG_SEALED_MAX);
    assert_int_equal(file_read(path, b), SG_OK);
}

static void test_a_plain_key_is_sealed_on_the_way(void **state)
{
    const char *path = tempdir_path(dir, "plain.key");
    SG_BUF_CLEANUP struct buf pem;
    SG_BUF_CLEANUP struct buf after;
    uint8_t before_spki[32];
    uint8_t after_spki[32];
    gnutls_privkey_t key;

    (void)state;
    assert_int_equal(pki_key_generate(SG_PKI_ECDSA_P256, &key), SG_OK);
    assert_int_equal(pki_key_spki_sha256(key, before_spki), SG_OK);
    buf_init(&pem, SG_PKI_PEM_MAX);
    assert_int_equal(pki_key_to_pem(key, &pem), SG_OK);
    gnutls_privkey_deinit(key);
    assert_int_equal(file_write_atomic(path, pem.data, pem.len, 0600), SG_OK);

    for (int i = 0; i < 2; i++) {
        assert_int_equal(keyfile_load(&kek, path, "plain", &key), SG_OK);
        assert_int_equal(pki_key_spki_sha256(key, after_spki), SG_OK);
        assert_memory_equal(after_spki, before_spki, sizeof before_spki);
        gnutls_privkey_deinit(key);
        read_all(path, &after);
        assert_true(sealed_is(after.data, after.len));
        assert_null(memmem(after.data, after.len, "PRIVATE KEY", 11));
        buf_fini(&after);
    }
    assert_int_equal(keyfile_load(&kek, path, "another", &key), SG_ERR_CORRUPT);
    assert_int_equal(keyfile_load(&other, path, "plain", &key), SG_ERR_CORRUPT);
    /* A file that is neither stays as it is. */
    assert_int_equal(file_write_atomic(path, "neither", 7, 0600), SG_OK);
    assert_int_equal(keyfile_load(&kek, path, "plain", &key), SG_ERR_CORRUPT);
    read_all(path, &after);
    assert_int_equal(after.len, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_it_is_bound_to_key_kind_and_name),
        TEST(test_files),
        TEST(test_a_plain_key_is_sealed_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
