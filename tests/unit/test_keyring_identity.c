/* SPDX-License-Identifier: Apache-2.0 */
/* The keyring's messages around identity, against the program: certificates, the revocation list,
 * the identity key, the storage key; what stays over restarts and is in a backup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "certs/pki.h"
#include "channel/channel.h"
#include "ipc/identity.h"
#include "keyring/backup.h"
#include "real_keyring.h"
#include "tempdir.h"

#define DAY_S 86400

static char *data;
static struct real_keyring process;
static struct keyring_client *client;

static void start(void)
{
    static const char *const args[] = {"--issuer", "https://gate.example", NULL};

    process = real_keyring_start(data, args);
    client = real_keyring_client(&process);
    assert_int_equal(keyring_client_status(client), SG_OK);
}

static void stop(void)
{
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&process), 0);
}

static int set_up(void **state)
{
    (void)state;
    log_setup("test", SG_LOG_TEXT, SG_LOG_ERROR);
    data = tempdir_make();
    start();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop();
    tempdir_remove(data);
    return 0;
}

static void spki_of(enum pki_key_kind kind, struct keyring_client_cert *ret)
{
    gnutls_privkey_t key;
    gnutls_pubkey_t public_key;
    size_t size = sizeof ret->spki;

    assert_int_equal(pki_key_generate(kind, &key), SG_OK);
    assert_int_equal(gnutls_pubkey_init(&public_key), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(public_key, key, 0, 0), 0);
    assert_int_equal(gnutls_pubkey_export(public_key, GNUTLS_X509_FMT_DER, ret->spki, &size), 0);
    ret->spki_len = size;
    gnutls_pubkey_deinit(public_key);
    gnutls_privkey_deinit(key);
}

static struct keyring_client_cert order(const char *user)
{
    struct keyring_client_cert m = {.lifetime_s = DAY_S};

    memcpy(m.user, user, strlen(user) + 1);
    spki_of(SG_PKI_ECDSA_P256, &m);
    return m;
}

static gnutls_x509_crt_t issued(const struct keyring_client_cert *m)
{
    uint8_t der[SG_CLIENT_CERT_MAX];
    gnutls_datum_t datum = {der, 0};
    gnutls_x509_crt_t cert;
    size_t len = 0;

    assert_int_equal(keyring_client_issue(client, m, der, &len), SG_OK);
    datum.size = (unsigned)len;
    assert_int_equal(gnutls_x509_crt_init(&cert), 0);
    assert_int_equal(gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_DER), 0);
    return cert;
}

static void test_certificates(void **state)
{
    struct keyring_client_cert m = order("alice");
    struct pki_chain ca = {.count = 0};
    gnutls_x509_crt_t cert = issued(&m);
    uint8_t der[SG_CLIENT_CERT_MAX];
    char dn[64];
    size_t size = sizeof dn;

    (void)state;
    assert_int_equal(pki_chain_load(tempdir_path(data, "ca.pem"), &ca), SG_OK);
    assert_true(pki_is_issued_by(cert, ca.cert[0]));
    assert_int_equal(gnutls_x509_crt_get_dn(cert, dn, &size), 0);
    assert_string_equal(dn, "CN=alice");
    assert_true(pki_has_crl_uri(cert, "https://gate.example/v1/ca/crl"));
    assert_in_range(pki_seconds_left(cert, time(NULL)), DAY_S - 60, DAY_S);
    gnutls_x509_crt_deinit(cert);
    pki_chain_fini(&ca);
    m.lifetime_s = 0;
    assert_int_equal(keyring_client_issue(client, &m, der, &size), SG_ERR_BAD_FIELD);
    m.lifetime_s = 90 * DAY_S + 1;
    assert_int_equal(keyring_client_issue(client, &m, der, &size), SG_ERR_BAD_FIELD);
    m = order("al ice");
    assert_int_equal(keyring_client_issue(client, &m, der, &size), SG_ERR_BAD_FIELD);
    m = order("");
    assert_int_equal(keyring_client_issue(client, &m, der, &size), SG_ERR_BAD_FIELD);
    m = order("alice");
    m.spki[m.spki_len++] = 0; /* something is left over */
    assert_int_equal(keyring_client_issue(client, &m, der, &size), SG_ERR_BAD_FIELD);
    m.spki_len -= 2;
    assert_int_equal(keyring_client_issue(client, &m, der, &size), SG_ERR_BAD_FIELD);
    spki_of(SG_PKI_RSA_3072, &m);
    gnutls_x509_crt_deinit(issued(&m));
    spki_of(SG_PKI_ED25519, &m);
    gnutls_x509_crt_deinit(issued(&m));
}

static struct keyring_revocation revocation(gnutls_x509_crt_t cert)
{
    struct keyring_revocation m = {.revoked_s = time(NULL), .expires_s = time(NULL) + DAY_S};
    size_t size = sizeof m.serial;

    assert_int_equal(gnutls_x509_crt_get_serial(cert, m.serial, &size), 0);
    m.serial_len = size;
    return m;
}

/* How many are on the list that is published; its number. */
static unsigned listed(uint64_t *ret_number)
{
    gnutls_x509_crl_t crl;
    unsigned count;

    assert_int_equal(pki_crl_load(tempdir_path(data, "tls/ca.crl"), &crl), SG_OK);
    count = (unsigned)gnutls_x509_crl_get_crt_count(crl);
    *ret_number = pki_crl_number(crl);
    gnutls_x509_crl_deinit(crl);
    return count;
}

static void test_revoking(void **state)
{
    const char *const names[] = {"localhost"};
    struct keyring_client_cert m = order("alice");
    gnutls_x509_crt_t cert = issued(&m);
    struct keyring_revocation r = revocation(cert);
    struct keyring_revocation other = r;
    uint64_t number = 0;
    uint64_t later = 0;
    uint8_t changed;

    (void)state;
    gnutls_x509_crt_deinit(cert);
    assert_int_equal(keyring_client_revoke(client, &r), SG_OK);
    assert_int_equal(listed(&number), 1);
    assert_int_equal(keyring_client_revoke(client, &r), SG_OK);
    assert_int_equal(listed(&later), 1);
    assert_int_equal(number, later); /* it was there already */
    other.serial[5] ^= 1;
    assert_int_equal(keyring_client_revoke(client, &other), SG_OK);
    assert_int_equal(listed(&later), 2);
    assert_true(later > number);
    /* It outlives the process, and the list that is lost is made again with all of it. */
    stop();
    assert_int_equal(unlink(tempdir_path(data, "tls/ca.crl")), 0);
    start();
    assert_int_equal(real_keyring_ensure(&process, names, 1, &changed), SG_OK);
    assert_int_equal(listed(&number), 2);
    other.serial_len = 0;
    assert_int_equal(keyring_client_revoke(client, &other), SG_ERR_UNAVAILABLE); /* malformed */
}

static void test_revocations_that_are_refused(void **state)
{
    struct keyring_revocation r = {
        .serial = {0x41}, .serial_len = 20, .revoked_s = time(NULL), .expires_s = time(NULL)};

    (void)state;
    r.expires_s += 100 * DAY_S; /* longer than any certificate lives */
    assert_int_equal(keyring_client_revoke(client, &r), SG_ERR_BAD_FIELD);
    r.expires_s = 0;
    assert_int_equal(keyring_client_revoke(client, &r), SG_ERR_BAD_FIELD);
    r.expires_s = time(NULL) + DAY_S;
    r.revoked_s = 0;
    assert_int_equal(keyring_client_revoke(client, &r), SG_ERR_BAD_FIELD);
}

/* The signature is by the key that is shown, over what both sides compose. */
static bool vouches(const struct keyring_channel *m, const uint8_t key[SG_IDENTITY_KEY_SIZE],
                    const uint8_t signature[SG_IDENTITY_SIGNATURE_SIZE])
{
    SG_BUF_CLEANUP struct buf text;
    struct channel_terms terms = {.created_s = m->created_s, .expires_s = m->expires_s};
    gnutls_datum_t x = {(unsigned char *)(uintptr_t)key, SG_IDENTITY_KEY_SIZE};
    gnutls_datum_t sig = {(unsigned char *)(uintptr_t)signature, SG_IDENTITY_SIGNATURE_SIZE};
    gnutls_datum_t signed_text;
    gnutls_pubkey_t public_key;
    bool good;

    memcpy(terms.session_id, m->session_id, sizeof terms.session_id);
    memcpy(terms.client_public, m->client_public, sizeof terms.client_public);
    memcpy(terms.server_public, m->server_public, sizeof terms.server_public);
    memcpy(terms.salt, m->salt, sizeof terms.salt);
    buf_init(&text, 1024);
    channel_signed_text(&terms, &text);
    signed_text = (gnutls_datum_t){text.data, (unsigned)text.len};
    assert_int_equal(gnutls_pubkey_init(&public_key), 0);
    assert_int_equal(gnutls_pubkey_import_ecc_raw(public_key, GNUTLS_ECC_CURVE_ED25519, &x, NULL),
                     0);
    good = gnutls_pubkey_verify_data2(public_key, GNUTLS_SIGN_EDDSA_ED25519, 0, &signed_text,
                                      &sig) >= 0;
    gnutls_pubkey_deinit(public_key);
    return good;
}

static void test_identity(void **state)
{
    struct keyring_channel m = {.created_s = 1795190534, .expires_s = 1795192334};
    uint8_t key[SG_IDENTITY_KEY_SIZE];
    uint8_t again[SG_IDENTITY_KEY_SIZE];
    uint8_t signature[SG_IDENTITY_SIGNATURE_SIZE];

    (void)state;
    memset(m.session_id, 1, sizeof m.session_id);
    memset(m.client_public, 2, sizeof m.client_public);
    memset(m.server_public, 3, sizeof m.server_public);
    memset(m.salt, 4, sizeof m.salt);
    assert_int_equal(keyring_client_identity_key(client, key), SG_OK);
    assert_int_equal(keyring_client_sign_channel(client, &m, signature), SG_OK);
    assert_true(vouches(&m, key, signature));
    m.salt[31] ^= 1;
    assert_false(vouches(&m, key, signature));
    m.expires_s = m.created_s;
    assert_int_equal(keyring_client_sign_channel(client, &m, signature), SG_ERR_BAD_FIELD);
    m.created_s = -1;
    assert_int_equal(keyring_client_sign_channel(client, &m, signature), SG_ERR_BAD_FIELD);
    stop();
    start();
    assert_int_equal(keyring_client_identity_key(client, again), SG_OK);
    assert_memory_equal(key, again, sizeof key);
}

static void test_storage_key(void **state)
{
    static const uint8_t none[SG_STORAGE_KEY_SIZE];
    SG_BUF_CLEANUP struct buf file;
    uint8_t key[SG_STORAGE_KEY_SIZE];
    uint8_t again[SG_STORAGE_KEY_SIZE];
    struct stat st;

    (void)state;
    buf_init(&file, 4096);
    assert_int_equal(keyring_client_storage_key(client, key), SG_OK);
    assert_memory_not_equal(key, none, sizeof key);
    stop();
    start();
    assert_int_equal(keyring_client_storage_key(client, again), SG_OK);
    assert_memory_equal(key, again, sizeof key);
    /* On disk it is sealed. */
    assert_int_equal(file_read(tempdir_path(data, "keyring/storage.secret"), &file), SG_OK);
    assert_null(memmem(file.data, file.len, key, 8));
    assert_int_equal(stat(tempdir_path(data, "keyring/storage.secret"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(tempdir_path(data, "keyring/identity.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* A backup has all of it, each sealed as what it is. */
static void test_backup(void **state)
{
    static const struct {
        const char *path, *kind, *name;
    } files[] = {{"identity.key", "private-key", "identity"},
                 {"storage.secret", "storage-key", "storage"},
                 {"revoked.list", "revoked", "revoked"}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct backup_file f;

        assert_int_equal(backup_identify(files[i].path, &f), SG_OK);
        assert_string_equal(f.kind, files[i].kind);
        assert_string_equal(f.name, files[i].name);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_certificates), TEST(test_revoking),    TEST(test_revocations_that_are_refused),
        TEST(test_identity),     TEST(test_storage_key), cmocka_unit_test(test_backup),
    };

    return cmocka_run_group_tests_name("keyring_identity", tests, NULL, NULL);
}
