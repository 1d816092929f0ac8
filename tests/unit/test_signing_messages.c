/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about named keys: what goes in comes out, and nothing shorter, longer or else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ipc/keyring.h"
#include "ipc/signing.h"

static const struct keyring_actor actor = {.user_id = INT64_MAX, .user = "ann", .admin = true};

/* The largest key that there can be. */
static struct keyring_key full_key(void)
{
    struct keyring_key k = {.type = SG_KEY_RSA_3072,
                            .created_ns = 1,
                            .disabled = true,
                            .oldest = 7,
                            .formats = SG_FORMATS_ALL,
                            .signer_count = SG_KEY_USERS_MAX,
                            .manager_count = SG_KEY_USERS_MAX,
                            .quorum = 3,
                            .witness_count = SG_KEY_WITNESSES_MAX,
                            .version_count = SG_KEY_VERSIONS_MAX};

    memset(k.name, 'n', sizeof k.name - 1);
    memset(k.uri, 'u', sizeof k.uri - 1);
    for (size_t i = 0; i < SG_KEY_USERS_MAX; i++)
        k.signers[i] = k.managers[i] = (int64_t)i + 1;
    for (size_t i = 0; i < SG_KEY_WITNESSES_MAX; i++) {
        memset(k.witnesses[i].vkey, 'v', sizeof k.witnesses[i].vkey - 1);
        memset(k.witnesses[i].url, 'h', sizeof k.witnesses[i].url - 1);
    }
    for (size_t i = 0; i < SG_KEY_VERSIONS_MAX; i++)
        k.versions[i] = (struct keyring_key_version){
            .number = (uint32_t)i + 1, .created_ns = 2, .expires_ns = -3, .keyid = {4}, .uses = 5};
    return k;
}

/* Checks that every shorter text and a longer one are refused by `get`. */
#define ASSERT_EXACT(b, get, m)                                                                    \
    do {                                                                                           \
        struct decoder d_;                                                                         \
        for (size_t len_ = 0; len_<(b)->len; len_ += (b)->len> 4096 ? 97 : 1) {                    \
            codec_start(&d_, (b)->data, len_);                                                     \
            assert_int_equal(get(&d_, m), SG_ERR_PROTOCOL);                                        \
        }                                                                                          \
        codec_put_u8(b, 0);                                                                        \
        codec_start(&d_, (b)->data, (b)->len);                                                     \
        assert_int_equal(get(&d_, m), SG_ERR_PROTOCOL);                                            \
    } while (0)

static void assert_same_actor(const struct keyring_actor *a)
{
    assert_int_equal(a->user_id, actor.user_id);
    assert_string_equal(a->user, actor.user);
    assert_int_equal(a->admin, actor.admin);
}

static void test_create_and_rotate(void **state)
{
    const struct keyring_key_create c = {.actor = actor,
                                         .name = "release",
                                         .type = SG_KEY_ECDSA_P256,
                                         .uri = "pkcs11:object=o",
                                         .lifetime_s = 9};
    const struct keyring_key_rotate r = {
        .actor = actor, .name = "release", .uri = "pkcs11:object=p", .lifetime_s = -1};
    struct keyring_key_create c2;
    struct keyring_key_rotate r2;
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    signing_put_create(&b, &c);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_create(&d, &c2), SG_OK);
    assert_same_actor(&c2.actor);
    assert_string_equal(c2.name, c.name);
    assert_string_equal(c2.uri, c.uri);
    assert_int_equal(c2.type, c.type);
    assert_int_equal(c2.lifetime_s, c.lifetime_s);
    ASSERT_EXACT(&b, signing_get_create, &c2);
    buf_clear(&b);
    signing_put_rotate(&b, &r);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_rotate(&d, &r2), SG_OK);
    assert_same_actor(&r2.actor);
    assert_string_equal(r2.name, r.name);
    assert_string_equal(r2.uri, r.uri);
    assert_int_equal(r2.lifetime_s, r.lifetime_s);
    ASSERT_EXACT(&b, signing_get_rotate, &r2);
}

static void test_key_and_update(void **state)
{
    const struct keyring_key k = full_key();
    struct keyring_key_update u = {.actor = actor, .set = SG_KEY_SET_OLDEST, .to = k};
    static struct keyring_key k2;
    static struct keyring_key_update u2;
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;

    (void)state;
    buf_init(&b, SG_IPC_MESSAGE_MAX - 1); /* the reply's status comes before it */
    signing_put_key(&b, &k);
    assert_int_equal(buf_status(&b), SG_OK);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_key(&d, &k2), SG_OK);
    assert_memory_equal(&k2, &k, sizeof k);
    ASSERT_EXACT(&b, signing_get_key, &k2);
    buf_clear(&b);
    u.to.version_count = 0;
    memset(u.to.versions, 0, sizeof u.to.versions);
    signing_put_update(&b, &u);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_update(&d, &u2), SG_OK);
    assert_memory_equal(&u2.to, &u.to, sizeof u.to);
    assert_int_equal(u2.set, u.set);
    ASSERT_EXACT(&b, signing_get_update, &u2);
}

static void refuse_key(const struct keyring_key *k)
{
    static struct keyring_key k2;
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;

    buf_init(&b, 1 << 20);
    signing_put_key(&b, k);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_key(&d, &k2), SG_ERR_PROTOCOL);
}

static void test_values_that_do_not_exist(void **state)
{
    static struct keyring_key_update u2;
    struct keyring_key_update u = {.set = 64, .to = {.type = SG_KEY_ED25519}};
    struct keyring_key k = {.type = 0};
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;

    (void)state;
    refuse_key(&k);
    k.type = SG_KEY_RSA_3072 + 1;
    refuse_key(&k);
    k = (struct keyring_key){.type = SG_KEY_ED25519, .formats = SG_FORMATS_ALL + 1};
    refuse_key(&k);
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    signing_put_update(&b, &u);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_update(&d, &u2), SG_ERR_PROTOCOL);
    u = (struct keyring_key_update){.to = {.type = SG_KEY_ED25519, .version_count = 1}};
    buf_clear(&b);
    signing_put_update(&b, &u);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_update(&d, &u2), SG_ERR_PROTOCOL);
}

static void test_public(void **state)
{
    struct keyring_public p = {.version = 3,
                               .type = SG_KEY_ED25519,
                               .spki_len = SG_SPKI_MAX,
                               .certificate_len = SG_CERTIFICATE_MAX};
    struct keyring_public p2;
    SG_BUF_CLEANUP struct buf b;
    struct decoder d;

    (void)state;
    memset(p.spki, 1, sizeof p.spki);
    memset(p.certificate, 2, sizeof p.certificate);
    buf_init(&b, SG_IPC_MESSAGE_MAX);
    signing_put_public(&b, &p);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_public(&d, &p2), SG_OK);
    assert_memory_equal(&p2, &p, sizeof p);
    ASSERT_EXACT(&b, signing_get_public, &p2);
    p.spki_len = 0;
    buf_clear(&b);
    signing_put_public(&b, &p);
    codec_start(&d, b.data, b.len);
    assert_int_equal(signing_get_public(&d, &p2), SG_ERR_PROTOCOL);
}

static void test_who_may_ask(void **state)
{
    (void)state;
    for (uint8_t type = SG_KEYRING_KEY_CREATE; type <= SG_KEYRING_SIGN_TIME; type++) {
        assert_false(keyring_is_allowed(type, SG_PEER_CONTROL));
        if (type <= SG_KEYRING_KEY_PUBLIC || type >= SG_KEYRING_SIGN)
            assert_true(keyring_is_allowed(type, SG_PEER_WORKER));
    }
    assert_string_equal(keyring_message_name(SG_KEYRING_KEY_CREATE), "KEY_CREATE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_and_rotate),
        cmocka_unit_test(test_key_and_update),
        cmocka_unit_test(test_values_that_do_not_exist),
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_who_may_ask),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
