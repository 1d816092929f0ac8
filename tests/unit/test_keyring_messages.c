/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the keyring's messages: they come back as they were, and nothing but whole ones is
 * taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/identity.h"
#include "ipc/keyring.h"

/* One kind of message: an example, and its decoder into `ret`. */
struct kind {
    void (*put)(struct buf *b);
    enum sg_err (*get)(struct decoder *d);
};

static struct keyring_sign_tls sign_tls;
static struct keyring_claims claims;
static struct keyring_names names;
static struct token_key keys[SG_TOKEN_KEYS_MAX];
static size_t key_count;
static struct keyring_client_cert client_cert;
static struct keyring_revocation revocation;
static struct keyring_channel sealed;

static void put_sign_tls(struct buf *b)
{
    struct keyring_sign_tls m = {.sign_algorithm = 0x01020304, .digest_len = 64};

    memset(m.spki_sha256, 0xab, sizeof m.spki_sha256);
    memset(m.digest, 0xcd, sizeof m.digest);
    keyring_put_sign_tls(b, &m);
}

static enum sg_err get_sign_tls(struct decoder *d)
{
    return keyring_get_sign_tls(d, &sign_tls);
}

static void put_claims(struct buf *b)
{
    struct keyring_claims m = {.sub = "alice",
                               .sid = "0123456789abcdef0123456789abcdef",
                               .jti = "j",
                               .scope = "files:read files:write",
                               .role = "member",
                               .client_id = "secctl",
                               .actor_count = 2,
                               .actor = {"builder", "robot"},
                               .confirmation = SG_CONFIRM_DPOP,
                               .lifetime_s = 600};

    memset(m.aud, 'a', sizeof m.aud - 1);
    memset(m.confirmation_sha256, 0x5a, sizeof m.confirmation_sha256);
    keyring_put_claims(b, &m);
}

static enum sg_err get_claims(struct decoder *d)
{
    return keyring_get_claims(d, &claims);
}

static void put_names(struct buf *b)
{
    static struct keyring_names m;

    m.count = SG_KEYRING_NAMES_MAX;
    for (size_t i = 0; i < m.count; i++)
        memset(m.name[i], 'a' + (int)i % 26, SG_KEYRING_NAME_SIZE - 1);
    keyring_put_names(b, &m);
}

static enum sg_err get_names(struct decoder *d)
{
    return keyring_get_names(d, &names);
}

static void put_token_keys(struct buf *b)
{
    static struct token_key m[SG_TOKEN_KEYS_MAX];

    for (size_t i = 0; i < SG_TOKEN_KEYS_MAX; i++) {
        memset(m[i].kid, 'k', 63);
        memset(m[i].n, (int)(200 + i), sizeof m[i].n);
        m[i].n_len = sizeof m[i].n;
        memcpy(m[i].e, "\1\0\1", 3);
        m[i].e_len = 3;
    }
    keyring_put_token_keys(b, m, SG_TOKEN_KEYS_MAX);
}

static enum sg_err get_token_keys(struct decoder *d)
{
    return keyring_get_token_keys(d, keys, &key_count);
}

static void put_client_cert(struct buf *b)
{
    struct keyring_client_cert m = {.spki_len = SG_CLIENT_SPKI_MAX, .lifetime_s = 86400};

    memset(m.user, 'u', sizeof m.user - 1);
    memset(m.spki, 0x30, sizeof m.spki);
    keyring_put_client_cert(b, &m);
}

static enum sg_err get_client_cert(struct decoder *d)
{
    return keyring_get_client_cert(d, &client_cert);
}

static void put_revocation(struct buf *b)
{
    struct keyring_revocation m = {
        .serial_len = SG_SERIAL_SIZE, .revoked_s = -1, .expires_s = INT64_MAX};

    memset(m.serial, 0x41, sizeof m.serial);
    keyring_put_revocation(b, &m);
}

static enum sg_err get_revocation(struct decoder *d)
{
    return keyring_get_revocation(d, &revocation);
}

static void put_channel(struct buf *b)
{
    struct keyring_channel m = {.created_s = 5, .expires_s = 6};

    memset(m.session_id, 1, sizeof m.session_id);
    memset(m.client_public, 2, sizeof m.client_public);
    memset(m.server_public, 3, sizeof m.server_public);
    memset(m.salt, 4, sizeof m.salt);
    keyring_put_channel(b, &m);
}

static enum sg_err get_channel(struct decoder *d)
{
    return keyring_get_channel(d, &sealed);
}

static const struct kind kinds[] = {
    {put_sign_tls, get_sign_tls},
    {put_claims, get_claims},
    {put_names, get_names},
    {put_token_keys, get_token_keys},
    {put_client_cert, get_client_cert},
    {put_revocation, get_revocation},
    {put_channel, get_channel},
};

static enum sg_err decode(const struct kind *kind, const uint8_t *data, size_t len)
{
    uint8_t *exact = malloc(len + 1); /* so that a read past the end is seen */
    struct decoder d;
    enum sg_err err;

    memcpy(exact + 1, data, len);
    codec_start(&d, exact + 1, len);
    err = kind->get(&d);
    free(exact);
    return err;
}

static void test_only_whole_messages_are_taken(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        SG_BUF_CLEANUP struct buf b;

        buf_init(&b, SG_IPC_MESSAGE_MAX);
        kinds[k].put(&b);
        assert_int_equal(buf_status(&b), SG_OK);
        assert_int_equal(decode(&kinds[k], b.data, b.len), SG_OK);
        for (size_t len = 0; len < b.len; len++)
            assert_int_equal(decode(&kinds[k], b.data, len), SG_ERR_PROTOCOL);
        buf_putc(&b, '\0');
        assert_int_equal(decode(&kinds[k], b.data, b.len), SG_ERR_PROTOCOL);
    }
}

static void test_they_come_back_as_they_were(void **state)
{
    (void)state;
    test_only_whole_messages_are_taken(state);
    assert_int_equal(sign_tls.sign_algorithm, 0x01020304);
    assert_int_equal(sign_tls.digest_len, 64);
    assert_int_equal(sign_tls.digest[63], 0xcd);
    assert_int_equal(sign_tls.spki_sha256[31], 0xab);
    assert_string_equal(claims.sub, "alice");
    assert_string_equal(claims.sid, "0123456789abcdef0123456789abcdef");
    assert_string_equal(claims.jti, "j");
    assert_string_equal(claims.scope, "files:read files:write");
    assert_string_equal(claims.role, "member");
    assert_int_equal(strlen(claims.aud), SG_CLAIM_SIZE - 1);
    assert_int_equal(claims.lifetime_s, 600);
    assert_string_equal(claims.client_id, "secctl");
    assert_int_equal(claims.actor_count, 2);
    assert_string_equal(claims.actor[0], "builder");
    assert_string_equal(claims.actor[1], "robot");
    assert_int_equal(claims.confirmation, SG_CONFIRM_DPOP);
    assert_int_equal(claims.confirmation_sha256[31], 0x5a);
    assert_int_equal(strlen(client_cert.user), 63);
    assert_int_equal(client_cert.spki_len, SG_CLIENT_SPKI_MAX);
    assert_int_equal(client_cert.spki[SG_CLIENT_SPKI_MAX - 1], 0x30);
    assert_int_equal(client_cert.lifetime_s, 86400);
    assert_int_equal(revocation.serial_len, SG_SERIAL_SIZE);
    assert_int_equal(revocation.serial[SG_SERIAL_SIZE - 1], 0x41);
    assert_int_equal(revocation.revoked_s, -1);
    assert_int_equal(revocation.expires_s, INT64_MAX);
    assert_int_equal(sealed.session_id[15], 1);
    assert_int_equal(sealed.client_public[31], 2);
    assert_int_equal(sealed.server_public[31], 3);
    assert_int_equal(sealed.salt[31], 4);
    assert_int_equal(sealed.created_s, 5);
    assert_int_equal(sealed.expires_s, 6);
    assert_int_equal(names.count, SG_KEYRING_NAMES_MAX);
    assert_int_equal(strlen(names.name[31]), SG_KEYRING_NAME_SIZE - 1);
    assert_int_equal(names.name[31][0], 'a' + 31 % 26);
    assert_int_equal(key_count, SG_TOKEN_KEYS_MAX);
    assert_int_equal(keys[7].n_len, 512);
    assert_int_equal(keys[7].n[511], 207);
    assert_int_equal(keys[7].e_len, 3);
    assert_int_equal(strlen(keys[7].kid), 63);
}

static enum sg_err decode_buf(const struct kind *kind, struct buf *b)
{
    enum sg_err err;

    assert_int_equal(buf_status(b), SG_OK);
    err = decode(kind, b->data, b->len);
    buf_clear(b);
    return err;
}

static void test_sizes_out_of_bounds(void **state)
{
    SG_BUF_CLEANUP struct buf b;
    uint8_t bytes[600] = {1};

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    codec_put_bytes(&b, bytes, 31); /* a short SPKI hash */
    codec_put_u32(&b, 1);
    codec_put_bytes(&b, bytes, 32);
    assert_int_equal(decode_buf(&kinds[0], &b), SG_ERR_PROTOCOL);
    codec_put_bytes(&b, bytes, 32);
    codec_put_u32(&b, 1);
    codec_put_bytes(&b, bytes, 65); /* a long digest */
    assert_int_equal(decode_buf(&kinds[0], &b), SG_ERR_PROTOCOL);
    codec_put_bytes(&b, bytes, 32);
    codec_put_u32(&b, 1);
    codec_put_bytes(&b, bytes, 0); /* none */
    assert_int_equal(decode_buf(&kinds[0], &b), SG_ERR_PROTOCOL);
    codec_put_u32(&b, SG_KEYRING_NAMES_MAX + 1);
    for (int i = 0; i <= SG_KEYRING_NAMES_MAX; i++)
        codec_put_string(&b, "a");
    assert_int_equal(decode_buf(&kinds[2], &b), SG_ERR_PROTOCOL);
    codec_put_u32(&b, UINT32_MAX);
    assert_int_equal(decode_buf(&kinds[2], &b), SG_ERR_PROTOCOL);
    codec_put_u32(&b, SG_TOKEN_KEYS_MAX + 1);
    assert_int_equal(decode_buf(&kinds[3], &b), SG_ERR_PROTOCOL);
    codec_put_u32(&b, 1);
    codec_put_string(&b, "kid");
    codec_put_bytes(&b, bytes, 513);
    codec_put_bytes(&b, bytes, 3);
    assert_int_equal(decode_buf(&kinds[3], &b), SG_ERR_PROTOCOL);
    codec_put_u32(&b, 0);
    assert_int_equal(decode_buf(&kinds[3], &b), SG_OK);
    assert_int_equal(key_count, 0);
}

static void test_an_error_leaves_the_output_alone(void **state)
{
    struct decoder d;

    (void)state;
    claims.lifetime_s = 77;
    codec_start(&d, "\0\0\0\5alice", 9);
    assert_int_equal(keyring_get_claims(&d, &claims), SG_ERR_PROTOCOL);
    assert_int_equal(claims.lifetime_s, 77);
}

static void test_who_may_ask(void **state)
{
    (void)state;
    assert_true(keyring_is_allowed(SG_KEYRING_ATTACH, SG_PEER_CONTROL));
    assert_false(keyring_is_allowed(SG_KEYRING_ATTACH, SG_PEER_WORKER));
    assert_false(keyring_is_allowed(SG_KEYRING_ENSURE_CERT, SG_PEER_WORKER));
    assert_false(keyring_is_allowed(SG_KEYRING_RELOAD, SG_PEER_WORKER));
    assert_false(keyring_is_allowed(SG_KEYRING_ROTATE_TOKENS, SG_PEER_WORKER));
    assert_false(keyring_is_allowed(SG_KEYRING_MINT, SG_PEER_CONTROL));
    assert_false(keyring_is_allowed(SG_KEYRING_SIGN_TLS, SG_PEER_CONTROL));
    assert_true(keyring_is_allowed(SG_KEYRING_STATUS, SG_PEER_CONTROL));
    assert_true(keyring_is_allowed(SG_KEYRING_STATUS, SG_PEER_WORKER));
    for (unsigned type = 0; type < 256; type++) {
        bool known = strcmp(keyring_message_name((uint8_t)type), "?") != 0;

        assert_int_equal(known, keyring_is_allowed((uint8_t)type, SG_PEER_CONTROL) ||
                                    keyring_is_allowed((uint8_t)type, SG_PEER_WORKER));
    }
    assert_string_equal(keyring_message_name(18), "MINT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_whole_messages_are_taken),
        cmocka_unit_test(test_they_come_back_as_they_were),
        cmocka_unit_test(test_sizes_out_of_bounds),
        cmocka_unit_test(test_an_error_leaves_the_output_alone),
        cmocka_unit_test(test_who_may_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
