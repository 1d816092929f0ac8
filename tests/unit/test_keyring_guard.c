/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what the keyring process signs in a TLS handshake, and of all that it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "certs/pki.h"
#include "ipc/channel.h"
#include "real_keyring.h"
#include "tempdir.h"

static char *top;
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

static bool log_has(const char *text)
{
    SG_BUF_CLEANUP struct buf b;

    buf_init(&b, 1 << 20);
    assert_int_equal(file_read(tempdir_path(top, "data.log"), &b), SG_OK);
    return strstr(buf_str(&b), text) != NULL;
}

/* Makes a key, writes it to a file, and gives its public half and SPKI hash. */
static gnutls_pubkey_t make_key(enum pki_key_kind kind, const char *path, mode_t mode,
                                uint8_t ret_spki[32])
{
    SG_BUF_CLEANUP struct buf pem;
    gnutls_privkey_t key;
    gnutls_pubkey_t pub;

    buf_init(&pem, SG_PKI_PEM_MAX);
    assert_int_equal(pki_key_generate(kind, &key), SG_OK);
    assert_int_equal(pki_key_to_pem(key, &pem), SG_OK);
    assert_int_equal(file_write_atomic(path, pem.data, pem.len, mode), SG_OK);
    assert_int_equal(pki_key_spki_sha256(key, ret_spki), SG_OK);
    assert_int_equal(gnutls_pubkey_init(&pub), 0);
    assert_int_equal(gnutls_pubkey_import_privkey(pub, key, 0, 0), 0);
    gnutls_privkey_deinit(key);
    return pub;
}

static enum sg_err sign(struct keyring_client *client, const uint8_t spki[32], uint32_t algorithm,
                        size_t digest_len, gnutls_pubkey_t verify_with)
{
    struct keyring_sign_tls m = {.sign_algorithm = algorithm, .digest_len = digest_len};
    uint8_t signature[1024];
    size_t len = 0;
    enum sg_err err;

    memcpy(m.spki_sha256, spki, 32);
    memset(m.digest, 0x5a, sizeof m.digest);
    err = keyring_client_sign_tls(client, &m, signature, sizeof signature, &len);
    if (err == SG_OK) {
        gnutls_datum_t hash = {.data = m.digest, .size = (unsigned)digest_len};
        gnutls_datum_t sig = {.data = signature, .size = (unsigned)len};

        assert_int_equal(gnutls_pubkey_verify_hash2(verify_with, (gnutls_sign_algorithm_t)algorithm,
                                                    0, &hash, &sig),
                         0);
    }
    return err;
}

static void test_handshake_signatures(void **state)
{
    static const char *const names[] = {"localhost"};
    struct real_keyring k = real_keyring_start(data, NULL);
    struct keyring_client *client = real_keyring_client(&k);
    struct pki_chain chain = {.count = 0};
    uint8_t unknown[32] = {0};
    uint8_t spki[32];
    gnutls_pubkey_t pub;
    uint32_t algorithm;
    uint32_t bits;

    (void)state;
    assert_int_equal(real_keyring_ensure(&k, names, 1, &(uint8_t){0}), SG_OK);
    assert_int_equal(pki_chain_load(tempdir_path(data, "tls/server.pem"), &chain), SG_OK);
    assert_int_equal(pki_cert_spki_sha256(chain.cert[0], spki), SG_OK);
    assert_int_equal(gnutls_pubkey_init(&pub), 0);
    assert_int_equal(gnutls_pubkey_import_x509(pub, chain.cert[0], 0), 0);
    assert_int_equal(keyring_client_has_tls_key(client, spki, &algorithm, &bits), SG_OK);
    assert_int_equal(algorithm, GNUTLS_PK_ECDSA);
    assert_int_equal(bits, 256);
    assert_int_equal(keyring_client_has_tls_key(client, unknown, &algorithm, &bits),
                     SG_ERR_NOT_FOUND);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 32, pub), SG_OK);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_ECDSA_SHA256, 32, pub), SG_OK);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_ECDSA_SHA384, 48, pub), SG_OK);
    assert_int_equal(sign(client, unknown, GNUTLS_SIGN_ECDSA_SHA256, 32, pub), SG_ERR_NOT_FOUND);
    for (size_t len = 1; len <= 64; len++)
        if (len != 32)
            assert_int_equal(sign(client, spki, GNUTLS_SIGN_ECDSA_SHA256, len, pub),
                             SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_ECDSA_SHA1, 20, pub), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, 48, pub),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_RSA_SHA256, 32, pub), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki, GNUTLS_SIGN_EDDSA_ED25519, 32, pub), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki, 0, 32, pub), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki, UINT32_MAX, 32, pub), SG_ERR_BAD_FIELD);
    gnutls_pubkey_deinit(pub);
    pki_chain_fini(&chain);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void test_the_operators_rsa_key_and_its_renewal(void **state)
{
    char path[300];
    const char *const args[] = {"--tls-key", path, NULL};
    static const char *const names[] = {"localhost"};
    uint8_t spki[2][32];
    gnutls_pubkey_t pub[2];
    struct real_keyring k;
    struct keyring_client *client;
    uint8_t changed = 9;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/operator.key", top);
    pub[0] = make_key(SG_PKI_RSA_2048, path, 0640, spki[0]);
    k = real_keyring_start(data, args);
    client = real_keyring_client(&k);
    assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
    assert_int_equal(changed, 0);
    assert_int_not_equal(access(tempdir_path(data, "tls/server.pem"), F_OK), 0);
    assert_int_not_equal(access(tempdir_path(data, "keyring/tls.key"), F_OK), 0);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 32, pub[0]), SG_OK);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, 64, pub[0]), SG_OK);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_SHA256, 32, pub[0]), SG_OK);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_SHA384, 48, pub[0]), SG_OK);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_SHA1, 20, pub[0]), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_RAW, 32, pub[0]), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_PSS_SHA256, 32, pub[0]),
                     SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_SHA256, 48, pub[0]), SG_ERR_BAD_FIELD);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_ECDSA_SHA256, 32, pub[0]), SG_ERR_BAD_FIELD);
    /* A broken file changes nothing; a new key signs at once, and the former still does. */
    assert_int_equal(file_write_atomic(path, "x", 1, 0600), SG_OK);
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_RELOAD, NULL), SG_ERR_CORRUPT);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_SHA256, 32, pub[0]), SG_OK);
    pub[1] = make_key(SG_PKI_ECDSA_P256, path, 0600, spki[1]);
    for (int i = 0; i < 3; i++)
        assert_int_equal(real_keyring_ask(&k, SG_KEYRING_RELOAD, NULL), SG_OK);
    assert_int_equal(sign(client, spki[1], GNUTLS_SIGN_ECDSA_SHA256, 32, pub[1]), SG_OK);
    assert_int_equal(sign(client, spki[0], GNUTLS_SIGN_RSA_SHA256, 32, pub[0]), SG_OK);
    gnutls_pubkey_deinit(pub[0]);
    gnutls_pubkey_deinit(pub[1]);
    keyring_client_free(client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void test_a_replaced_key_gets_a_new_certificate(void **state)
{
    static const char *const names[] = {"localhost"};
    struct real_keyring k = real_keyring_start(data, NULL);
    struct pki_chain chain = {.count = 0};
    uint8_t of_cert[32];
    uint8_t spki[32];
    uint8_t changed = 0;

    (void)state;
    assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
    gnutls_pubkey_deinit(
        make_key(SG_PKI_ECDSA_P256, tempdir_path(data, "keyring/tls.key"), 0600, spki));
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_RELOAD, NULL), SG_OK);
    changed = 0;
    assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
    assert_int_equal(changed, 1);
    assert_int_equal(pki_chain_load(tempdir_path(data, "tls/server.pem"), &chain), SG_OK);
    assert_int_equal(pki_cert_spki_sha256(chain.cert[0], of_cert), SG_OK);
    assert_memory_equal(of_cert, spki, sizeof spki);
    pki_chain_fini(&chain);
    assert_int_equal(real_keyring_stop(&k), 0);
}

/* Each of these ends its channel, and nothing else. */
static void test_malformed_and_forbidden_requests_end_the_channel(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\0", 1}, /* no such type */
        {"\xff", 1},
        {"\x01", 1}, /* the parent's requests */
        {"\x02\0\0\0\0", 5},
        {"\x03", 1},
        {"\x04", 1},
        {"\x05?", 2}, /* bytes left over */
        {"\x13?", 2},
        {"\x10", 1}, /* fields missing */
        {"\x11\0\0\0\x1f", 5},
        {"\x11\xff\xff\xff\xff", 5},
        {"\x12\0\0\0\5alice", 10},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    SG_BUF_CLEANUP struct buf reply;
    struct real_keyring k = real_keyring_start(data, NULL);
    int fds[COUNT];

    (void)state;
    buf_init(&reply, SG_IPC_MESSAGE_MAX);
    assert_int_equal(real_keyring_attach(&k, fds, COUNT), SG_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(real_keyring_send_raw(fds[i], "\x05", 1, &reply), SG_OK);
        assert_int_equal(reply.len, 1);
        assert_int_equal(reply.data[0], SG_OK);
        assert_int_equal(real_keyring_send_raw(fds[i], cases[i].bytes, cases[i].len, &reply),
                         SG_ERR_UNAVAILABLE);
        close(fds[i]);
    }
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_true(log_has("event=keyring.request_refused peer=worker request=RELOAD type=3"));
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void test_descriptors_from_a_worker_end_the_channel(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    struct real_keyring k = real_keyring_start(data, NULL);
    int fd;

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    assert_int_equal(real_keyring_attach(&k, &fd, 1), SG_OK);
    codec_put_u8(&b, SG_KEYRING_STATUS);
    assert_int_equal(channel_send(fd, &b, &fd, 1), SG_OK);
    assert_int_equal(channel_receive(fd, 20000, &b, NULL, NULL), SG_ERR_UNAVAILABLE);
    close(fd);
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void test_the_parent_may_not_sign(void **state)
{
    static const char *const requests[] = {"\x12", "\x10", "\x13", "\x01", "\x7f"};

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        SG_BUF_CLEANUP struct buf reply;
        struct real_keyring k = real_keyring_start(data, NULL);

        buf_init(&reply, SG_IPC_MESSAGE_MAX);
        assert_int_equal(real_keyring_send_raw(k.control, requests[i], 1, &reply),
                         SG_ERR_UNAVAILABLE);
        assert_int_equal(real_keyring_wait(&k), 3);
    }
    assert_true(log_has("event=keyring.request_refused peer=control request=MINT"));
}

static void test_the_number_of_channels_is_capped(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);
    int fds[4][8];
    int more[2];
    enum sg_err err = SG_ERR_OVERLOADED;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(real_keyring_attach(&k, fds[i], 8), SG_OK);
    assert_int_equal(real_keyring_attach(&k, more, 2), SG_ERR_OVERLOADED);
    close(more[0]);
    close(more[1]);
    /* A former worker's channels make room when they end. */
    for (size_t i = 0; i < 8; i++)
        close(fds[0][i]);
    for (int tries = 0; tries < 200 && err == SG_ERR_OVERLOADED; tries++) {
        usleep(10000);
        err = real_keyring_attach(&k, fds[0], 8);
        for (size_t i = 0; err != SG_OK && i < 8; i++)
            close(fds[0][i]);
    }
    assert_int_equal(err, SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0); /* with all of them open */
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 8; j++)
            close(fds[i][j]);
}

/* Starts on the data directory and expects exit status 2 and a reason in the log. */
static void assert_refuses(const char *const *args, const char *reason)
{
    struct real_keyring k = real_keyring_start(data, args);

    assert_int_equal(real_keyring_wait(&k), 2);
    assert_true(log_has(reason));
}

static void test_loose_files_are_refused(void **state)
{
    char path[300];
    const char *const args[] = {"--tls-key", path, NULL};
    struct real_keyring k = real_keyring_start(data, NULL);
    uint8_t spki[32];

    (void)state;
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0);
    assert_int_equal(chmod(tempdir_path(data, "keyring"), 0710), 0);
    assert_refuses(NULL, "reason=\"directory mode is looser than 0700\" mode=0710");
    assert_int_equal(chmod(tempdir_path(data, "keyring"), 0700), 0);
    assert_int_equal(chmod(tempdir_path(data, "keyring/ca.key"), 0604), 0);
    assert_refuses(NULL, "reason=\"file mode is looser than 0600\" mode=0604");
    assert_int_equal(chmod(tempdir_path(data, "keyring/ca.key"), 0600), 0);
    assert_int_equal(rename(tempdir_path(data, "keyring/ca.key"), tempdir_path(data, "elsewhere")),
                     0);
    assert_int_equal(symlink("../elsewhere", tempdir_path(data, "keyring/ca.key")), 0);
    assert_refuses(NULL, "reason=\"a symbolic link\"");
    assert_int_equal(rename(tempdir_path(data, "elsewhere"), tempdir_path(data, "keyring/ca.key")),
                     0);
    (void)snprintf(path, sizeof path, "%s/operator.key", top);
    gnutls_pubkey_deinit(make_key(SG_PKI_ECDSA_P256, path, 0644, spki));
    assert_refuses(args, "reason=\"file mode is looser than 0640\" mode=0644");
    if (geteuid() == 0) {
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_refuses(args, "reason=\"owned by another user\"");
    }
    k = real_keyring_start(data, NULL);
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0);
}

static void test_damaged_keys_are_refused(void **state)
{
    struct real_keyring k = real_keyring_start(data, NULL);
    const char *ca_key = tempdir_path(data, "keyring/ca.key");
    uint8_t spki[32];

    (void)state;
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0);
    gnutls_pubkey_deinit(make_key(SG_PKI_ECDSA_P256, ca_key, 0600, spki));
    assert_refuses(NULL, "event=keyring.ca_unusable");
    assert_int_equal(file_write_atomic(tempdir_path(data, "keyring/ca.key"), "", 0, 0600), SG_OK);
    assert_refuses(NULL, "event=keyring.key_unreadable");
}

static void test_the_command_line(void **state)
{
    static const char *const bad[][3] = {{"--unknown", NULL},
                                         {"rest", NULL},
                                         {"--issuer", "with space", NULL},
                                         {"--log-format", "xml", NULL}};
    static const char *const help[] = {"--help", NULL};
    struct real_keyring k;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        k = real_keyring_start(data, bad[i]);
        assert_int_equal(real_keyring_wait(&k), 1);
    }
    k = real_keyring_start(data, help);
    assert_int_equal(real_keyring_wait(&k), 0);
}

static void test_privileges_are_given_up(void **state)
{
    SG_BUF_CLEANUP struct buf status;
    struct real_keyring k = real_keyring_start(data, NULL);
    char path[64];

    (void)state;
    buf_init(&status, 65536);
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)k.pid);
    assert_int_equal(file_read(path, &status), SG_OK);
    assert_non_null(strstr(buf_str(&status), "NoNewPrivs:\t1\n"));
    assert_int_equal(kill(k.pid, SIGINT), 0); /* a terminal's Ctrl-C reaches the whole group */
    assert_int_equal(kill(k.pid, SIGHUP), 0);
    assert_int_equal(real_keyring_ask(&k, SG_KEYRING_STATUS, NULL), SG_OK);
    assert_int_equal(real_keyring_stop(&k), 0);
}

struct load {
    struct keyring_client *client;
    atomic_bool stop;
    atomic_uint bad;
};

static void *call_for_long(void *arg)
{
    struct load *l = arg;
    struct keyring_claims claims = {.sub = "alice",
                                    .sid = "0123456789abcdef0123456789abcdef",
                                    .jti = "0123456789abcdef",
                                    .scope = "files:read",
                                    .role = "guest",
                                    .aud = "secgate",
                                    .lifetime_s = 60};
    struct token_key keys[SG_TOKEN_KEYS_MAX];
    char token[SG_TOKEN_SIZE];
    size_t count;

    while (!atomic_load(&l->stop)) {
        if (keyring_client_mint(l->client, &claims, token) != SG_OK ||
            keyring_client_token_keys(l->client, keys, &count) != SG_OK)
            atomic_fetch_add(&l->bad, 1);
    }
    return NULL;
}

static void test_changes_under_load(void **state)
{
    static const char *const names[] = {"localhost"};
    struct real_keyring k = real_keyring_start(data, NULL);
    struct load load = {.client = real_keyring_client(&k)};
    pthread_t threads[4];
    uint8_t spki[32];
    uint8_t changed;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_for_long, &load), 0);
    for (int i = 0; i < 10; i++) {
        gnutls_pubkey_deinit(
            make_key(SG_PKI_ECDSA_P256, tempdir_path(data, "keyring/tls.key"), 0600, spki));
        assert_int_equal(real_keyring_ask(&k, SG_KEYRING_RELOAD, NULL), SG_OK);
        assert_int_equal(real_keyring_ensure(&k, names, 1, &changed), SG_OK);
        assert_int_equal(changed, 1);
        assert_int_equal(real_keyring_ask(&k, SG_KEYRING_ROTATE_TOKENS, &changed), SG_OK);
    }
    atomic_store(&load.stop, true);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&load.bad), 0);
    keyring_client_free(load.client);
    assert_int_equal(real_keyring_stop(&k), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_handshake_signatures),
        TEST(test_the_operators_rsa_key_and_its_renewal),
        TEST(test_a_replaced_key_gets_a_new_certificate),
        TEST(test_malformed_and_forbidden_requests_end_the_channel),
        TEST(test_descriptors_from_a_worker_end_the_channel),
        TEST(test_the_parent_may_not_sign),
        TEST(test_the_number_of_channels_is_capped),
        TEST(test_loose_files_are_refused),
        TEST(test_damaged_keys_are_refused),
        TEST(test_the_command_line),
        TEST(test_privileges_are_given_up),
        TEST(test_changes_under_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
