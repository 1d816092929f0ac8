/* SPDX-License-Identifier: Apache-2.0 */
/* Passkeys: what is taken apart by us, and both ceremonies over a real store with keys of GnuTLS.
 */
#include "contract.h"
#include "sqlite_engine.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/rng.h"
#include "core/passkeys.h"
#include "core/passkeys_challenges.h"
#include "core/passkeys_data.h"
#include "core/sha256.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "https://gate.example:8443"

static struct contract_store store;
static struct passkeys *passkeys;
static struct user_record alice, bob;
static int64_t now_ns = 1000 * SG_NS_PER_S;
static const uint8_t key[32] = {1, 2, 3};
static _Thread_local const char *reason; /* why the last one was refused */

static int64_t fake_monotonic(void)
{
    return now_ns;
}

static struct passkeys *open_passkeys(const char *issuer)
{
    struct factors_store s = sqlite_engine.factors(store.handle);
    struct passkeys *p = NULL;

    return passkeys_new(&s, key, issuer, &p) == SG_OK ? p : NULL;
}

static int setup(void **state)
{
    (void)state;
    clock_set_source(&(struct clock_source){.monotonic_ns = fake_monotonic});
    contract_store_init(&store, &sqlite_engine);
    alice = contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    passkeys = open_passkeys(ORIGIN "/");
    assert_non_null(passkeys);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    passkeys_free(passkeys);
    contract_store_fini(&store);
    clock_set_source(NULL);
    return 0;
}

/* -- an authenticator ---------------------------------------------------------------------------
 */

struct authenticator {
    gnutls_privkey_t private_key;
    uint8_t id[16];
    uint32_t counter;
};

/* What an authenticator and its browser give; all on its own memory. */
struct given {
    uint8_t client_data[512], auth_data[512], attestation[1024], signature[128];
    size_t client_data_len, auth_data_len, attestation_len, signature_len;
    uint8_t handle[SG_PASSKEY_HANDLE_SIZE];
};

static void authenticator_init(struct authenticator *a)
{
    assert_true(gnutls_privkey_init(&a->private_key) >= 0);
    assert_true(gnutls_privkey_generate(a->private_key, GNUTLS_PK_ECDSA,
                                        GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) >= 0);
    rng_bytes(a->id, sizeof a->id);
    a->counter = 0;
}

static void authenticator_fini(struct authenticator *a)
{
    gnutls_privkey_deinit(a->private_key);
}

static void put_client_data(const char *type, const uint8_t *challenge, struct given *g)
{
    char text[SG_BASE64_SIZE(SG_PASSKEY_CHALLENGE_SIZE)];

    encode_base64url(challenge, SG_PASSKEY_CHALLENGE_SIZE, text);
    g->client_data_len = (size_t)snprintf(
        (char *)g->client_data, sizeof g->client_data,
        "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"" ORIGIN "\",\"crossOrigin\":false}",
        type, text);
}

static void put_head(struct authenticator *a, uint8_t flags, struct buf *b)
{
    uint8_t rp[32], counter[4];

    sha256_digest("gate.example", strlen("gate.example"), rp);
    a->counter++;
    for (int i = 0; i < 4; i++)
        counter[i] = (uint8_t)(a->counter >> (24 - 8 * i));
    buf_append(b, rp, sizeof rp);
    buf_putc(b, (char)flags);
    buf_append(b, counter, sizeof counter);
}

/* A coordinate as GnuTLS has it: perhaps with a zero before, perhaps shorter. */
static void put_coordinate(const gnutls_datum_t *d, struct buf *b)
{
    uint8_t out[32] = {0};
    size_t skip = d->size > 32 ? d->size - 32 : 0;

    memcpy(out + 32 - (d->size - skip), d->data + skip, d->size - skip);
    buf_append(b, out, sizeof out);
}

static void make_credential(struct authenticator *a, const uint8_t *challenge, struct given *g)
{
    static const uint8_t cose[] = {0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20};
    static const uint8_t second[] = {0x22, 0x58, 0x20};
    static const uint8_t zero[16] = {0}, id_len[2] = {0, 16};
    gnutls_datum_t x, y;
    gnutls_ecc_curve_t curve;
    struct buf auth, object;

    put_client_data("webauthn.create", challenge, g);
    buf_init(&auth, 512);
    put_head(a, SG_PASSKEY_UP | SG_PASSKEY_UV | SG_PASSKEY_AT, &auth);
    buf_append(&auth, zero, sizeof zero);
    buf_append(&auth, id_len, sizeof id_len);
    buf_append(&auth, a->id, sizeof a->id);
    assert_true(gnutls_privkey_export_ecc_raw(a->private_key, &curve, &x, &y, NULL) >= 0);
    buf_append(&auth, cose, sizeof cose);
    put_coordinate(&x, &auth);
    buf_append(&auth, second, sizeof second);
    put_coordinate(&y, &auth);
    gnutls_free(x.data);
    gnutls_free(y.data);

    buf_init(&object, sizeof g->attestation);
    buf_puts(&object, "\xa3\x63"
                      "fmt\x64"
                      "none\x67"
                      "attStmt\xa0\x68"
                      "authData\x58");
    buf_putc(&object, (char)auth.len);
    buf_append(&object, auth.data, auth.len);
    assert_int_equal(SG_OK, buf_status(&object));
    memcpy(g->attestation, object.data, object.len);
    g->attestation_len = object.len;
    buf_fini(&auth);
    buf_fini(&object);
}

static void make_assertion(struct authenticator *a, const struct user_record *user,
                           const uint8_t *challenge, struct given *g)
{
    gnutls_datum_t text, signature;
    struct buf auth;
    uint8_t digest[32];

    put_client_data("webauthn.get", challenge, g);
    buf_init(&auth, 512);
    put_head(a, SG_PASSKEY_UP | SG_PASSKEY_UV, &auth);
    g->auth_data_len = auth.len;
    memcpy(g->auth_data, auth.data, auth.len);
    sha256_digest(g->client_data, g->client_data_len, digest);
    buf_append(&auth, digest, sizeof digest);
    text = (gnutls_datum_t){auth.data, (unsigned)auth.len};
    assert_true(gnutls_privkey_sign_data(a->private_key, GNUTLS_DIG_SHA256, 0, &text, &signature) >=
                0);
    memcpy(g->signature, signature.data, signature.size);
    g->signature_len = signature.size;
    gnutls_free(signature.data);
    buf_fini(&auth);
    passkeys_handle(passkeys, user->id, g->handle);
}

static enum sg_err add(const struct authenticator *a, const struct user_record *user,
                       const char *name, const struct given *g)
{
    const struct passkey_attestation in = {{a->id, sizeof a->id},
                                           {g->client_data, g->client_data_len},
                                           {g->attestation, g->attestation_len}};
    struct passkey_record ret;

    reason = NULL;
    return passkeys_register(passkeys, user->id, name, &in, &ret, &reason);
}

static enum sg_err verify(const struct authenticator *a, const struct given *g, bool handle,
                          int64_t *ret_user)
{
    const struct passkey_assertion in = {{a->id, sizeof a->id},
                                         {g->client_data, g->client_data_len},
                                         {g->auth_data, g->auth_data_len},
                                         {g->signature, g->signature_len},
                                         {handle ? g->handle : NULL, sizeof g->handle}};
    struct passkey_record ret;
    enum sg_err err;

    reason = NULL;
    err = passkeys_verify(passkeys, &in, &ret, &reason);
    if (err == SG_OK)
        *ret_user = ret.user_id;
    return err;
}

static enum sg_err log_in(struct authenticator *a, const struct user_record *user)
{
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    struct given g;
    int64_t user_id = 0;
    enum sg_err err;

    passkeys_challenge_get(passkeys, 0, challenge);
    make_assertion(a, user, challenge, &g);
    err = verify(a, &g, true, &user_id);
    if (err == SG_OK)
        assert_int_equal(user->id, user_id);
    return err;
}

static void enrol(struct authenticator *a, const struct user_record *user, const char *name)
{
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    struct given g;

    authenticator_init(a);
    passkeys_challenge_create(passkeys, user->id, challenge);
    make_credential(a, challenge, &g);
    assert_int_equal(SG_OK, add(a, user, name, &g));
}

/* -- ceremonies ---------------------------------------------------------------------------------
 */

static void test_both(void **state)
{
    struct authenticator a;
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    struct given g;
    int64_t user_id = 0;

    (void)state;
    enrol(&a, &alice, "phone");
    assert_int_equal(SG_OK, log_in(&a, &alice));
    passkeys_challenge_get(passkeys, alice.id, challenge);
    make_assertion(&a, &alice, challenge, &g);
    assert_int_equal(SG_OK, verify(&a, &g, false, &user_id));
    assert_int_equal(SG_ERR_BAD_FACTOR, verify(&a, &g, false, &user_id));
    assert_string_equal("The challenge was used before, or many were since: begin again.", reason);
    passkeys_challenge_get(passkeys, bob.id, challenge);
    make_assertion(&a, &alice, challenge, &g);
    assert_int_equal(SG_ERR_BAD_FACTOR, verify(&a, &g, true, &user_id));
    passkeys_challenge_get(passkeys, -1, challenge);
    make_assertion(&a, &alice, challenge, &g);
    assert_int_equal(SG_ERR_BAD_FACTOR, verify(&a, &g, true, &user_id));
    authenticator_fini(&a);
}

static void test_copied_authenticator(void **state)
{
    struct authenticator a, copy;

    (void)state;
    enrol(&a, &alice, "phone");
    copy = a;
    assert_int_equal(SG_OK, log_in(&a, &alice));
    assert_int_equal(SG_ERR_BAD_FACTOR, log_in(&copy, &alice));
    assert_non_null(strstr(reason, "copy"));
    copy.counter = UINT32_MAX - 1;
    assert_int_equal(SG_OK, log_in(&copy, &alice));
    assert_int_equal(SG_ERR_BAD_FACTOR, log_in(&a, &alice)); /* now the owner notices */
    authenticator_fini(&a);
}

static void test_time(void **state)
{
    struct authenticator a;
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];
    struct given g;
    int64_t user_id = 0;

    (void)state;
    authenticator_init(&a);
    passkeys_challenge_create(passkeys, alice.id, challenge);
    make_credential(&a, challenge, &g);
    now_ns += SG_PASSKEY_CHALLENGE_S * SG_NS_PER_S;
    assert_int_equal(SG_ERR_BAD_FACTOR, add(&a, &alice, "late", &g));
    passkeys_challenge_create(passkeys, alice.id, challenge);
    make_credential(&a, challenge, &g);
    now_ns += SG_PASSKEY_CHALLENGE_S * SG_NS_PER_S - 1;
    assert_int_equal(SG_OK, add(&a, &alice, "just in time", &g));
    passkeys_challenge_get(passkeys, 0, challenge);
    make_assertion(&a, &alice, challenge, &g);
    now_ns += SG_PASSKEY_CHALLENGE_S * SG_NS_PER_S;
    assert_int_equal(SG_ERR_BAD_FACTOR, verify(&a, &g, true, &user_id));
    assert_int_equal(SG_OK, log_in(&a, &alice));
    authenticator_fini(&a);
}

static struct given shared;
static struct authenticator shared_authenticator;
static _Atomic unsigned good, refused;

static void verify_shared(void *ctx, size_t index)
{
    int64_t user_id = 0;
    enum sg_err err = verify(&shared_authenticator, &shared, true, &user_id);

    (void)ctx;
    (void)index;
    atomic_fetch_add(err == SG_OK ? &good : &refused, err == SG_OK || err == SG_ERR_BAD_FACTOR);
}

static void test_parallel(void **state)
{
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];

    (void)state;
    enrol(&shared_authenticator, &alice, "phone");
    passkeys_challenge_get(passkeys, 0, challenge);
    make_assertion(&shared_authenticator, &alice, challenge, &shared);
    good = refused = 0;
    contract_threads(8, verify_shared, NULL);
    assert_int_equal(1, good);
    assert_int_equal(7, refused);
    authenticator_fini(&shared_authenticator);
}

/* -- challenges ---------------------------------------------------------------------------------
 */

static void test_challenges(void **state)
{
    struct passkeys_challenges *c = passkeys_challenges_new(), *other = passkeys_challenges_new();
    uint8_t one[SG_PASSKEY_CHALLENGE_SIZE], two[SG_PASSKEY_CHALLENGE_SIZE];
    enum challenge_purpose purpose;

    (void)state;
    assert_true(c != NULL && other != NULL);
    clock_set_source(&(struct clock_source){.monotonic_ns = fake_monotonic});
    passkeys_challenges_make(c, SG_CHALLENGE_CREATE, 7, one);
    passkeys_challenges_make(c, SG_CHALLENGE_CREATE, 7, two);
    assert_memory_not_equal(one, two, sizeof one);
    assert_true(passkeys_challenges_valid(c, 7, one));
    assert_false(passkeys_challenges_valid(c, 8, one));
    assert_false(passkeys_challenges_valid(other, 7, one));
    for (size_t bit = 0; bit < sizeof one * 8; bit++) {
        one[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(passkeys_challenges_valid(c, 7, one));
        one[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(SG_OK, passkeys_challenges_purpose(one, &purpose));
    assert_int_equal(SG_CHALLENGE_CREATE, purpose);
    one[31] = 0;
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_purpose(one, &purpose));
    one[31] = 4;
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_purpose(one, &purpose));
    passkeys_challenges_free(c);
    passkeys_challenges_free(other);
    clock_set_source(NULL);
}

/* However many are used, a new one is taken, each once, also those that are not remembered any
 * more: nobody is kept out by logins of others. */
static void test_used(void **state)
{
    (void)state;
    const size_t many = (size_t)2 * SG_PASSKEY_USED_MAX;
    struct passkeys_challenges *c = passkeys_challenges_new();
    uint8_t(*all)[SG_PASSKEY_CHALLENGE_SIZE] = calloc(many, sizeof *all);
    uint8_t early[SG_PASSKEY_CHALLENGE_SIZE], late[SG_PASSKEY_CHALLENGE_SIZE];
    size_t forgotten = 0;

    assert_true(c != NULL && all != NULL);
    clock_set_source(&(struct clock_source){.monotonic_ns = fake_monotonic});
    passkeys_challenges_make(c, SG_CHALLENGE_GET, 0, early);
    for (size_t i = 0; i < many; i++) {
        now_ns++;
        passkeys_challenges_make(c, SG_CHALLENGE_GET, 0, all[i]);
        assert_int_equal(SG_OK, passkeys_challenges_use(c, all[i]));
        if (i ==
            SG_PASSKEY_USED_MAX / 8) /* who takes a while meets no limit below some thousands */
            assert_int_equal(SG_OK, passkeys_challenges_use(c, early));
    }
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_use(c, early));
    for (size_t i = 0; i < many; i++)
        assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_use(c, all[i]));
    for (size_t i = many - 1000; i < many; i++) /* room for none of those that gave way */
        passkeys_challenges_unuse(c, all[i]);
    for (size_t i = 0; i < many - 1000; i++)
        assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_use(c, all[i]));
    /* Where a challenge gave way, one that ends before it is refused although it was not used. */
    now_ns -= 10 * SG_NS_PER_S;
    for (size_t i = 0; i < 1000; i++) {
        passkeys_challenges_make(c, SG_CHALLENGE_GET, 0, late);
        forgotten += passkeys_challenges_use(c, late) == SG_ERR_BAD_FACTOR;
    }
    now_ns += 10 * SG_NS_PER_S;
    assert_true(forgotten > 900);
    free(all);
    passkeys_challenges_free(c);
    clock_set_source(NULL);
}

static void test_unused(void **state)
{
    (void)state;
    struct passkeys_challenges *c = passkeys_challenges_new();
    uint8_t challenge[SG_PASSKEY_CHALLENGE_SIZE];

    assert_non_null(c);
    passkeys_challenges_make(c, SG_CHALLENGE_GET, 0, challenge);
    assert_int_equal(SG_OK, passkeys_challenges_use(c, challenge));
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_use(c, challenge));
    passkeys_challenges_unuse(c, challenge);
    passkeys_challenges_unuse(c, challenge);
    assert_int_equal(SG_OK, passkeys_challenges_use(c, challenge));
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_challenges_use(c, challenge));
    passkeys_challenges_free(c);
}

/* -- what is taken apart ------------------------------------------------------------------------
 */

#define GOOD "{\"type\":\"t\",\"challenge\":\"c\",\"origin\":\"o\""

static void test_client_data(void **state)
{
    static const char *const right[] = {
        GOOD "}", GOOD ",\"crossOrigin\":false}",
        "{\"origin\":\"o\",\"x\":\"\\u00e9\\n\\\"\xc3\xa9\",\"type\":\"t\",\"challenge\":\"c\"}",
        GOOD
        ",\"a\":1,\"b\":-1.5e3,\"c\":true,\"d\":null,\"e\":{},\"f\":{\"g\":\"h\",\"i\":\"j\"}}"};
    static const char *const across[] = {GOOD ",\"crossOrigin\":true}",
                                         GOOD ",\"topOrigin\":\"x\"}"};
    static const char *const wrong[] = {
        "",
        "{",
        "{}",
        "[]",
        "null",
        GOOD,
        GOOD "} ",
        " " GOOD "}",
        GOOD ",}",
        GOOD "}}",
        GOOD ",\"type\":\"t\"}",
        GOOD ",\"a\":1,\"a\":1}",
        "{\"type\":\"t\",\"challenge\":\"c\"}",
        "{\"type\":1,\"challenge\":\"c\",\"origin\":\"o\"}",
        "{\"type\":\"\\u0074\",\"challenge\":\"c\",\"origin\":\"o\"}",
        "{\"type\":\"t\",\"challenge\":\"c\",\"origin\":\"\xc3\xb6\"}",
        "{\"ty\\u0070e\":\"t\",\"type\":\"t\",\"challenge\":\"c\",\"origin\":\"o\"}",
        "{\"type\": \"t\",\"challenge\":\"c\",\"origin\":\"o\"}",
        GOOD ",\"crossOrigin\":0}",
        GOOD ",\"crossOrigin\":\"false\"}",
        GOOD ",\"crossOrigin\":falsey}",
        GOOD ",\"x\":[]}",
        GOOD ",\"x\":{\"y\":{}}}",
        GOOD ",\"x\":{\"y\":1}}",
        GOOD ",\"x\":\"\\x\"}",
        GOOD ",\"x\":\"\\u12g4\"}",
        GOOD ",\"x\":\"\n\"}",
        GOOD ",\"x\":\"\xff\"}",
        GOOD ",\"x\":}",
        GOOD ",\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
             "\"k\":1,\"l\":1,\"m\":1,\"n\":1}"};
    struct passkey_client_data data;
    uint8_t longer[SG_PASSKEY_CLIENT_DATA_MAX + 64];

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        size_t len = strlen(right[i]);

        assert_int_equal(SG_OK, passkeys_client_data((const uint8_t *)right[i], len, &data));
        assert_int_equal(1, data.type_len);
        assert_int_equal('t', data.type[0]);
        assert_int_equal('c', data.challenge[0]);
        assert_int_equal('o', data.origin[0]);
        assert_false(data.cross_origin);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(SG_ERR_BAD_FACTOR,
                             passkeys_client_data((const uint8_t *)right[i], cut, &data));
    }
    for (size_t i = 0; i < sizeof across / sizeof across[0]; i++) {
        assert_int_equal(
            SG_OK, passkeys_client_data((const uint8_t *)across[i], strlen(across[i]), &data));
        assert_true(data.cross_origin);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (passkeys_client_data((const uint8_t *)wrong[i], strlen(wrong[i]), &data) !=
            SG_ERR_BAD_FACTOR)
            fail_msg("taken: %s", wrong[i]);
    memset(longer, 'x', sizeof longer);
    memcpy(longer, GOOD ",\"x\":\"", strlen(GOOD ",\"x\":\""));
    memcpy(longer + sizeof longer - 2, "\"}", 2);
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_client_data(longer, sizeof longer, &data));
}

#define FMT_NONE                                                                                   \
    "\x63"                                                                                         \
    "fmt\x64"                                                                                      \
    "none"
#define STMT                                                                                       \
    "\x67"                                                                                         \
    "attStmt"
#define AUTH                                                                                       \
    "\x68"                                                                                         \
    "authData\x42"                                                                                 \
    "ab"

static void test_attestation(void **state)
{
    static const struct {
        const char *bytes;
        bool good, self;
    } rows[] = {
        {"\xa3" FMT_NONE STMT "\xa0" AUTH, true, false},
        {"\xa3" AUTH FMT_NONE STMT "\xa0", true, false},
        {"\xa3\x63"
         "fmt\x66"
         "packed" STMT "\xa2\x63"
         "alg\x26\x63"
         "sig\x41s" AUTH,
         true, true},
        {"\xa3\x63"
         "fmt\x66"
         "packed" STMT "\xa2\x63"
         "sig\x41s\x63"
         "alg\x26" AUTH,
         true, true},
        {"\xa3\x63"
         "fmt\x66"
         "packed" STMT "\xa0" AUTH,
         false, false},
        {"\xa3" FMT_NONE STMT "\xa2\x63"
         "alg\x26\x63"
         "sig\x41s" AUTH,
         false, false},
        {"\xa3\x63"
         "fmt\x66"
         "packed" STMT "\xa2\x63"
         "alg\x01\x63"
         "sig\x41s" AUTH,
         false, false},
        {"\xa3\x63"
         "fmt\x66"
         "packed" STMT "\xa2\x63"
         "alg\x26\x63"
         "alg\x26" AUTH,
         false, false},
        {"\xa3" FMT_NONE STMT "\xa0" STMT "\xa0", false, false},
        {"\xa2" FMT_NONE STMT "\xa0", false, false},
        {"\xa4" FMT_NONE STMT "\xa0" AUTH, false, false},
        {"\xb8\x03" FMT_NONE STMT "\xa0" AUTH, false, false},    /* not the shortest */
        {"\xbf" FMT_NONE STMT "\xa0" AUTH "\xff", false, false}, /* indefinite */
        {"\xa3" FMT_NONE STMT "\xa0\x68"
         "authData\x62"
         "ab",
         false, false}, /* text */
        {"\xa3" FMT_NONE STMT "\xa0\x68"
         "authData\x5a\xff\xff\xff\xff",
         false, false},
        {"\xa3" FMT_NONE STMT "\xa0" AUTH "x", false, false},
    };
    struct passkey_attestation_object object;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        size_t len = strlen(rows[i].bytes);

        if ((passkeys_attestation_object(bytes, len, &object) == SG_OK) != rows[i].good)
            fail_msg("row %zu", i);
        if (!rows[i].good)
            continue;
        assert_int_equal(rows[i].self, object.self);
        assert_int_equal(rows[i].self ? -7 : 0, object.algorithm);
        assert_int_equal(2, object.auth_data.len);
        assert_memory_equal("ab", object.auth_data.data, 2);
        for (size_t cut = 0; cut < len; cut++)
            assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_attestation_object(bytes, cut, &object));
    }
}

static void test_auth_head(void **state)
{
    uint8_t data[37] = {0};
    struct passkey_auth_head head;

    (void)state;
    data[32] = SG_PASSKEY_UP | SG_PASSKEY_BE | SG_PASSKEY_BS;
    data[33] = 0x80;
    data[36] = 2;
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_auth_head(data, 36, &head));
    assert_int_equal(SG_OK, passkeys_auth_head(data, 37, &head));
    assert_int_equal(0x80000002, head.sign_count);
    data[32] = SG_PASSKEY_BS;
    assert_int_equal(SG_ERR_BAD_FACTOR, passkeys_auth_head(data, 37, &head));
}

/* Extensions and keys that claim more than there is do not reach the library. */
static void test_auth_layout(void **state)
{
    static const struct {
        uint8_t flags;
        const char *rest;
        size_t len;
        bool good;
    } rows[] = {
#define ROW(flags, rest, good) {flags, rest, sizeof(rest) - 1, good}
        ROW(0, "", true),
        ROW(0, "\xa0", false),
        ROW(SG_PASSKEY_ED, "", false),
        ROW(SG_PASSKEY_ED, "\xa0", true),
        ROW(SG_PASSKEY_ED, "\x80", false), /* no map */
        ROW(SG_PASSKEY_ED, "\xa0\xa0", false),
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\x02",
            true),
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\xf5",
            true),
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\xf9\x00\x00",
            false), /* a float */
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\xc1\x01",
            false), /* a tag */
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\xbf\xff",
            false), /* indefinite */
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a",
            false),
        ROW(SG_PASSKEY_ED, "\xba\x7f\xff\xff\xff\x01\x02", false),
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\x9a\x7f\xff\xff\xff",
            false),
        ROW(SG_PASSKEY_ED,
            "\xa1\x61"
            "a\x5a\x7f\xff\xff\xff",
            false),
        ROW(SG_PASSKEY_ED, "\xa1\x01\xa1\x01\xa1\x01\xa1\x01\x02", true), /* four deep */
        ROW(SG_PASSKEY_ED, "\xa1\x01\xa1\x01\xa1\x01\xa1\x01\xa1\x01\x02", false),
        ROW(SG_PASSKEY_AT, "0123456789abcdef\x00\x01i\xa1\x01\x02", true),
        ROW(SG_PASSKEY_AT, "0123456789abcdef\x00\x01i\xa1\x01\x02\xa0", false),
        ROW(SG_PASSKEY_AT | SG_PASSKEY_ED, "0123456789abcdef\x00\x01i\xa1\x01\x02\xa0", true),
        ROW(SG_PASSKEY_AT, "0123456789abcdef\x00\x00\xa0", false), /* no id */
        ROW(SG_PASSKEY_AT, "0123456789abcdef\x04\x00i\xa0", false),
        ROW(SG_PASSKEY_AT, "0123456789abcdef\x00", false),
    };
    struct passkey_auth_head head;
    uint8_t data[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(data, 0, sizeof data);
        data[32] = rows[i].flags;
        memcpy(data + 37, rows[i].rest, rows[i].len);
        if ((passkeys_auth_head(data, 37 + rows[i].len, &head) == SG_OK) != rows[i].good)
            fail_msg("row %zu", i);
    }
}

static void test_issuer(void **state)
{
    static const struct {
        const char *issuer, *rp_id;
    } rows[] = {{"https://Gate.Example", "gate.example"},
                {"https://gate.example:443/", "gate.example"},
                {"https://gate.example:8443/path?x", "gate.example"},
                {"http://localhost:80", "localhost"},
                {"https://[::1]:8443", "[::1]"},
                {"ftp://gate.example", NULL},
                {"gate.example", NULL},
                {"https://", NULL},
                {"https://:8443", NULL},
                {"https://user@gate.example", NULL},
                {"https://[::1", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct passkeys *p = open_passkeys(rows[i].issuer);

        if ((p != NULL) != (rows[i].rp_id != NULL))
            fail_msg("%s", rows[i].issuer);
        if (p != NULL)
            assert_string_equal(rows[i].rp_id, passkeys_rp_id(p));
        passkeys_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_data),
        cmocka_unit_test(test_attestation),
        cmocka_unit_test(test_auth_head),
        cmocka_unit_test(test_auth_layout),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_used),
        cmocka_unit_test(test_unused),
        cmocka_unit_test_setup_teardown(test_issuer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copied_authenticator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parallel, setup, teardown),
    };

    return cmocka_run_group_tests_name("passkeys", tests, NULL, NULL);
}
