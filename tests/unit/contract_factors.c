/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of second factors. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACTORS(call, ...)  factors.vt->call(factors.self, __VA_ARGS__)
#define SESSIONS(call, ...) store.sessions.vt->call(store.sessions.self, __VA_ARGS__)
#define THREADS             8

static struct contract_store store;
static struct factors_store factors;
static const struct contract_engine *tested;
static struct user_record alice, bob;

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    factors = tested->factors(store.handle);
    alice = contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

static struct factors_summary summary(int64_t user_id)
{
    struct factors_summary s;
    assert_int_equal(SG_OK, FACTORS(summary, user_id, &s));
    return s;
}

static void make_codes(uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE], uint8_t tag)
{
    for (size_t i = 0; i < SG_RECOVERY_CODES; i++) {
        memset(codes[i], tag, SG_DIGEST_SIZE);
        codes[i][0] = (uint8_t)i;
    }
}

static struct totp_record make_totp(uint8_t tag)
{
    struct totp_record totp = {.sealed_len = 48, .created_ns = 100 + tag};
    memset(totp.sealed, tag, totp.sealed_len);
    return totp;
}

static void enable(int64_t user_id, uint8_t tag, int64_t step)
{
    uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE];
    struct totp_record totp = make_totp(tag);
    make_codes(codes, tag);
    assert_int_equal(SG_OK, FACTORS(totp_begin, user_id, &totp));
    totp.confirmed_ns = 500;
    totp.last_step = step;
    assert_int_equal(
        SG_OK, FACTORS(totp_confirm, user_id, &totp, (const uint8_t(*)[SG_DIGEST_SIZE])codes));
}

static void test_totp_life(void **state)
{
    (void)state;
    uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE];
    const uint8_t(*given)[SG_DIGEST_SIZE] = (const uint8_t(*)[SG_DIGEST_SIZE])codes;
    struct totp_record one = make_totp(1), two = make_totp(2), got;

    make_codes(codes, 7);
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(totp, alice.id, &got));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(totp_begin, 4711, &one));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_confirm, alice.id, &one, given));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(recovery_replace, alice.id, given));

    assert_int_equal(SG_OK, FACTORS(totp_begin, alice.id, &one));
    assert_int_equal(SG_OK, FACTORS(totp_begin, alice.id, &two)); /* replaces the unconfirmed */
    assert_int_equal(0, summary(alice.id).totp_confirmed_ns);
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_use, alice.id, 10)); /* not on yet */
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_remove, alice.id));
    one.confirmed_ns = two.confirmed_ns = 900;
    one.last_step = two.last_step = 41;
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_confirm, alice.id, &one, given));
    assert_int_equal(SG_OK, FACTORS(totp_confirm, alice.id, &two, given));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_confirm, alice.id, &two, given));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_begin, alice.id, &one));

    contract_store_reopen(&store);
    factors = tested->factors(store.handle);
    assert_int_equal(SG_OK, FACTORS(totp, alice.id, &got));
    assert_int_equal(48, got.sealed_len);
    assert_memory_equal(two.sealed, got.sealed, 48);
    assert_int_equal(900, got.confirmed_ns);
    assert_int_equal(41, got.last_step);
    assert_int_equal(102, got.created_ns);
    assert_int_equal(900, summary(alice.id).totp_confirmed_ns);
    assert_int_equal(SG_RECOVERY_CODES, summary(alice.id).recovery_codes);
    assert_int_equal(0, summary(bob.id).totp_confirmed_ns);

    assert_int_equal(SG_OK, FACTORS(totp_remove, alice.id));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(totp, alice.id, &got));
    assert_int_equal(0, summary(alice.id).recovery_codes);
}

static void test_steps(void **state)
{
    (void)state;
    enable(alice.id, 1, 100);
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_use, alice.id, 99));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_use, alice.id, 100));
    assert_int_equal(SG_OK, FACTORS(totp_use, alice.id, 101));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_use, alice.id, 101));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(totp_use, bob.id, 102));
    assert_int_equal(SG_OK, FACTORS(totp_use, alice.id, 103));
}

static void test_recovery(void **state)
{
    (void)state;
    uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE];

    enable(alice.id, 1, 100);
    enable(bob.id, 2, 100);
    make_codes(codes, 1);
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(recovery_use, bob.id, codes[3]));
    assert_int_equal(SG_OK, FACTORS(recovery_use, alice.id, codes[3]));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(recovery_use, alice.id, codes[3]));
    assert_int_equal(9, summary(alice.id).recovery_codes);
    make_codes(codes, 9);
    assert_int_equal(SG_OK,
                     FACTORS(recovery_replace, alice.id, (const uint8_t(*)[SG_DIGEST_SIZE])codes));
    assert_int_equal(10, summary(alice.id).recovery_codes);
    assert_int_equal(SG_OK, FACTORS(recovery_use, alice.id, codes[3]));
    make_codes(codes, 1);
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(recovery_use, alice.id, codes[4]));
    assert_int_equal(10, summary(bob.id).recovery_codes);
}

/* -- many at once -------------------------------------------------------------------------------
 */

static _Atomic unsigned good, refused, other;
static uint8_t shared_code[SG_DIGEST_SIZE];

static void count(enum sg_err err, enum sg_err expected)
{
    if (!err)
        atomic_fetch_add(&good, 1);
    else
        atomic_fetch_add(err == expected ? &refused : &other, 1);
}

static void use_step(void *ctx, size_t index)
{
    (void)ctx;
    (void)index;
    count(FACTORS(totp_use, alice.id, 200), SG_ERR_CONFLICT);
}

static void use_code(void *ctx, size_t index)
{
    (void)ctx;
    (void)index;
    count(FACTORS(recovery_use, alice.id, shared_code), SG_ERR_NOT_FOUND);
}

static void test_once(void **state)
{
    uint8_t codes[SG_RECOVERY_CODES][SG_DIGEST_SIZE];
    (void)state;
    enable(alice.id, 1, 100);
    good = refused = other = 0;
    contract_threads(THREADS, use_step, NULL);
    assert_int_equal(1, good);
    assert_int_equal(THREADS - 1, refused);
    make_codes(codes, 1);
    memcpy(shared_code, codes[5], sizeof(shared_code));
    good = refused = other = 0;
    contract_threads(THREADS, use_code, NULL);
    assert_int_equal(1, good);
    assert_int_equal(THREADS - 1, refused);
}

/* -- passkeys -----------------------------------------------------------------------------------
 */

static struct passkey_record make_key(int64_t user_id, uint8_t tag, size_t id_len)
{
    struct passkey_record key = {.user_id = user_id,
                                 .id_len = id_len,
                                 .algorithm = -7,
                                 .public_key_len = 64,
                                 .sign_count = 5,
                                 .created_ns = 100 + tag};
    memset(key.id, tag, id_len);
    memset(key.public_key, tag + 1, key.public_key_len);
    (void)snprintf(key.name, sizeof(key.name), "key %u", tag);
    return key;
}

static void test_passkeys(void **state)
{
    (void)state;
    struct passkey_record *list = calloc(SG_PASSKEYS_PER_USER, sizeof(*list)), got;
    struct passkey_record one = make_key(alice.id, 2, 16),
                          two = make_key(alice.id, 1, SG_PASSKEY_ID_MAX),
                          of_bob = make_key(bob.id, 3, 1), none = make_key(4711, 4, 8);
    size_t n = 99;

    assert_non_null(list);
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey_add, &none));
    assert_int_equal(SG_OK, FACTORS(passkey_add, &one));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(passkey_add, &one));
    one.user_id = bob.id;
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(passkey_add, &one)); /* whoever has it */
    one.user_id = alice.id;
    assert_int_equal(SG_OK, FACTORS(passkey_add, &two));
    (void)strcpy(none.name, one.name);
    none.user_id = alice.id;
    assert_int_equal(SG_ERR_NAME_TAKEN, FACTORS(passkey_add, &none));
    (void)strcpy(of_bob.name, one.name);
    assert_int_equal(SG_OK, FACTORS(passkey_add, &of_bob));

    contract_store_reopen(&store);
    factors = tested->factors(store.handle);
    assert_int_equal(SG_OK, FACTORS(passkey, two.id, two.id_len, &got));
    assert_memory_equal(&two, &got, sizeof(got));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey, two.id, 15, &got));
    assert_int_equal(SG_OK, FACTORS(passkey_list, alice.id, list, &n));
    assert_int_equal(2, n);
    assert_string_equal("key 1", list[0].name); /* oldest first */
    assert_string_equal("key 2", list[1].name);
    assert_int_equal(2, summary(alice.id).passkeys);
    assert_int_equal(1, summary(bob.id).passkeys);

    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey_remove, bob.id, one.id, one.id_len));
    assert_int_equal(SG_OK, FACTORS(passkey_remove, alice.id, one.id, one.id_len));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey_remove, alice.id, one.id, one.id_len));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey, one.id, one.id_len, &got));
    free(list);
}

static void test_counter(void **state)
{
    (void)state;
    struct passkey_record key = make_key(alice.id, 1, 16), silent = make_key(alice.id, 2, 16), got;
    silent.sign_count = 0;
    assert_int_equal(SG_OK, FACTORS(passkey_add, &key));
    assert_int_equal(SG_OK, FACTORS(passkey_add, &silent));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(passkey_used, key.id, 16, 5, 700));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(passkey_used, key.id, 16, 0, 700));
    assert_int_equal(SG_OK, FACTORS(passkey_used, key.id, 16, 6, 700));
    assert_int_equal(SG_OK, FACTORS(passkey_used, key.id, 16, UINT32_MAX, 701));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(passkey_used, key.id, 16, UINT32_MAX, 702));
    assert_int_equal(SG_OK, FACTORS(passkey, key.id, 16, &got));
    assert_int_equal(UINT32_MAX, got.sign_count);
    assert_int_equal(701, got.last_used_ns);
    assert_int_equal(SG_OK, FACTORS(passkey_used, silent.id, 16, 0, 703));
    assert_int_equal(SG_OK, FACTORS(passkey_used, silent.id, 16, 0, 704));
    assert_int_equal(SG_OK, FACTORS(passkey_used, silent.id, 16, 9, 705));
    assert_int_equal(SG_ERR_CONFLICT, FACTORS(passkey_used, silent.id, 16, 0, 706));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey_used, key.id, 15, 1, 707));
}

static void test_passkey_limit(void **state)
{
    (void)state;
    struct passkey_record key;
    for (uint8_t i = 0; i < SG_PASSKEYS_PER_USER; i++) {
        key = make_key(alice.id, i, 16);
        assert_int_equal(SG_OK, FACTORS(passkey_add, &key));
    }
    key = make_key(alice.id, 200, 16);
    assert_int_equal(SG_ERR_LIMIT, FACTORS(passkey_add, &key));
    key.user_id = bob.id;
    assert_int_equal(SG_OK, FACTORS(passkey_add, &key));
}

static void test_reset_and_removal(void **state)
{
    (void)state;
    struct passkey_record a = make_key(alice.id, 1, 16), b = make_key(bob.id, 2, 16), got;
    struct totp_record totp;
    enable(alice.id, 1, 1);
    enable(bob.id, 2, 1);
    assert_int_equal(SG_OK, FACTORS(passkey_add, &a));
    assert_int_equal(SG_OK, FACTORS(passkey_add, &b));
    assert_int_equal(SG_OK, FACTORS(reset, alice.id));
    assert_int_equal(SG_OK, FACTORS(reset, alice.id));
    struct factors_summary s = summary(alice.id);
    assert_int_equal(0, s.totp_confirmed_ns);
    assert_int_equal(0, s.recovery_codes + s.passkeys);
    s = summary(bob.id);
    assert_int_equal(500, s.totp_confirmed_ns);
    assert_int_equal(11, s.recovery_codes + s.passkeys);
    assert_int_equal(SG_OK, store.users.vt->remove(store.users.self, "bob"));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(totp, bob.id, &totp));
    assert_int_equal(SG_ERR_NOT_FOUND, FACTORS(passkey, b.id, 16, &got));
    assert_int_equal(0, summary(bob.id).recovery_codes);
}

/* A session that a passkey opened ends with it; others of its user do not. */
static void test_passkey_sessions(void **state)
{
    (void)state;
    struct passkey_record one = make_key(alice.id, 1, 16),
                          two = make_key(alice.id, 2, SG_PASSKEY_ID_MAX);
    const struct session_proof by_one = {.passkey = one.id, .passkey_len = one.id_len},
                               by_two = {.passkey = two.id, .passkey_len = two.id_len};
    struct session_record s[4], got;
    for (uint8_t i = 0; i < 4; i++) {
        s[i] = (struct session_record){.user_id = alice.id, .expires_ns = INT64_MAX, .sequence = 1};
        memset(s[i].id, i + 1, sizeof(s[i].id));
    }
    assert_int_equal(SG_OK, FACTORS(passkey_add, &one));
    assert_int_equal(SG_ERR_CONFLICT, SESSIONS(create, &s[1], &by_two)); /* none of these yet */
    assert_int_equal(SG_OK, FACTORS(passkey_add, &two));
    assert_int_equal(SG_OK, SESSIONS(create, &s[0], &by_one));
    assert_int_equal(SG_OK, SESSIONS(create, &s[1], &by_two));
    assert_int_equal(SG_OK, SESSIONS(create, &s[2], NULL));
    s[3].user_id = bob.id;
    assert_int_equal(SG_ERR_CONFLICT, SESSIONS(create, &s[3], &by_one)); /* alice's */

    assert_int_equal(SG_OK, FACTORS(passkey_remove, alice.id, one.id, one.id_len));
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(get, s[0].id, &got));
    assert_int_equal(SG_OK, SESSIONS(get, s[1].id, &got));
    assert_int_equal(SG_ERR_CONFLICT, SESSIONS(create, &s[0], &by_one));
    assert_int_equal(SG_OK, FACTORS(reset, alice.id));
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(get, s[1].id, &got));
    assert_int_equal(SG_OK, SESSIONS(get, s[2].id, &got));
}

int contract_factors(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_totp_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recovery, setup, teardown),
        cmocka_unit_test_setup_teardown(test_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passkeys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passkey_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passkey_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_and_removal, setup, teardown),
    };
    tested = engine;
    return cmocka_run_group_tests_name("factors", tests, NULL, NULL);
}
