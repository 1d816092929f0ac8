/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of sessions. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct contract_store store;
static const struct contract_engine *tested;
static struct user_record alice, bob;

#define SESSIONS(call, ...) store.sessions.vt->call(store.sessions.self, __VA_ARGS__)

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
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

static struct session_record make(int64_t user_id, uint8_t tag)
{
    struct session_record s = {.user_id = user_id,
                               .address = "2001:db8::1",
                               .device_name = "Büro",
                               .device_mac = "02:00:00:00:00:01",
                               .created_ns = 100 + tag,
                               .last_used_ns = 200 + tag,
                               .expires_ns = 1000 + tag,
                               .sequence = 1};
    memset(s.id, tag, sizeof(s.id));
    memset(s.family_key, tag + 1, sizeof(s.family_key));
    memset(s.current_sha256, tag + 2, sizeof(s.current_sha256));
    memset(s.salt, tag + 3, sizeof(s.salt));
    s.scopes = 0x7fffffff;
    return s;
}

static void test_create_and_read(void **state)
{
    (void)state;
    struct session_record s = make(alice.id, 1), got;
    assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(SG_OK, SESSIONS(get, s.id, &got));
        assert_memory_equal(s.id, got.id, sizeof(s.id));
        assert_int_equal(alice.id, got.user_id);
        assert_string_equal(s.address, got.address);
        assert_string_equal(s.device_name, got.device_name);
        assert_string_equal(s.device_mac, got.device_mac);
        assert_int_equal(s.created_ns, got.created_ns);
        assert_int_equal(s.last_used_ns, got.last_used_ns);
        assert_int_equal(s.expires_ns, got.expires_ns);
        assert_memory_equal(s.family_key, got.family_key, sizeof(s.family_key));
        assert_memory_equal(s.current_sha256, got.current_sha256, SG_DIGEST_SIZE);
        assert_memory_equal(s.previous_sha256, got.previous_sha256, SG_DIGEST_SIZE);
        assert_memory_equal(s.salt, got.salt, sizeof(s.salt));
        assert_int_equal(1, got.sequence);
        assert_int_equal(SG_METHOD_PASSWORD, got.method);
        assert_int_equal(0x7fffffff, got.scopes);
        assert_string_equal("", got.bound_address);
        assert_false(got.has_certificate);
        assert_false(got.has_dpop);
        assert_string_equal("", got.client_id);
        contract_store_reopen(&store);
    }
    s = make(4711, 2);
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(create, &s, NULL));
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(get, s.id, &got));
}

/* What a session is bound to, in every combination, stays so. */
static void test_bindings(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 8; i++) {
        struct session_record s = make(alice.id, (uint8_t)(10 + i)), got;
        s.method = (enum session_method)(i % 4);
        s.scopes = 1U << i;
        s.has_certificate = i & 1;
        s.has_dpop = (i & 2) != 0;
        memset(s.certificate_sha256, s.has_certificate ? 7 : 0, SG_DIGEST_SIZE);
        memset(s.dpop_sha256, s.has_dpop ? 8 : 0, SG_DIGEST_SIZE);
        (void)snprintf(s.bound_address, sizeof(s.bound_address), "%s", i & 4 ? "192.0.2.1" : "");
        (void)snprintf(s.client_id, sizeof(s.client_id), "%s", i & 4 ? "secctl" : "");
        assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
        contract_store_reopen(&store);
        assert_int_equal(SG_OK, SESSIONS(get, s.id, &got));
        assert_int_equal(s.method, got.method);
        assert_int_equal(s.scopes, got.scopes);
        assert_int_equal(s.has_certificate, got.has_certificate);
        assert_int_equal(s.has_dpop, got.has_dpop);
        assert_memory_equal(s.certificate_sha256, got.certificate_sha256, SG_DIGEST_SIZE);
        assert_memory_equal(s.dpop_sha256, got.dpop_sha256, SG_DIGEST_SIZE);
        assert_string_equal(s.bound_address, got.bound_address);
        assert_string_equal(s.client_id, got.client_id);
    }
}

static void test_list_and_remove(void **state)
{
    (void)state;
    struct session_record page[8];
    size_t count = 0;
    for (uint8_t i = 1; i <= 5; i++) {
        struct session_record s = make(i == 3 ? bob.id : alice.id, i);
        assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
    }
    assert_int_equal(SG_OK, SESSIONS(list, alice.id, 8, page, &count));
    assert_int_equal(4, count);
    assert_int_equal(5, page[0].id[0]);
    assert_int_equal(1, page[3].id[0]);
    assert_int_equal(SG_OK, SESSIONS(list, alice.id, 2, page, &count));
    assert_int_equal(2, count);
    uint8_t ids[4][SG_SESSION_ID_SIZE];
    assert_int_equal(SG_OK, SESSIONS(beyond, alice.id, 1, 2, ids, &count));
    assert_int_equal(2, count);
    assert_int_equal(4, ids[0][0]);
    assert_int_equal(2, ids[1][0]);
    assert_int_equal(SG_OK, SESSIONS(beyond, alice.id, 1, 4, ids, &count));
    assert_int_equal(3, count);
    assert_int_equal(SG_OK, SESSIONS(beyond, alice.id, 4, 4, ids, &count));
    assert_int_equal(0, count);

    struct session_record of_bob = make(bob.id, 3), of_alice = make(alice.id, 4);
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(remove, of_bob.id, alice.id));
    assert_int_equal(SG_OK, SESSIONS(remove, of_bob.id, bob.id));
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(remove, of_bob.id, 0));
    assert_int_equal(SG_OK, SESSIONS(remove, of_alice.id, 0));
    assert_int_equal(SG_OK, SESSIONS(prune, 1002));
    assert_int_equal(SG_OK, SESSIONS(list, alice.id, 8, page, &count));
    assert_int_equal(2, count); /* 5 and 2: one that expires at this moment is still there */
}

static void test_touch(void **state)
{
    (void)state;
    struct session_record s = make(alice.id, 1), got;
    assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
    assert_int_equal(SG_OK, SESSIONS(touch, s.id, 5000));
    assert_int_equal(SG_OK, SESSIONS(touch, s.id, 4000)); /* never backwards */
    s.id[0] = 99;
    assert_int_equal(SG_OK, SESSIONS(touch, s.id, 5000)); /* of nobody: no harm */
    s.id[0] = 1;
    contract_store_reopen(&store);
    assert_int_equal(SG_OK, SESSIONS(get, s.id, &got));
    assert_int_equal(5000, got.last_used_ns);
    for (uint32_t i = 0; i < 20000; i++) { /* more than an engine can note */
        uint8_t id[SG_SESSION_ID_SIZE] = {0};
        memcpy(id, &i, sizeof(i));
        assert_int_equal(SG_OK, SESSIONS(touch, id, 6000));
    }
}

static void test_known_address(void **state)
{
    (void)state;
    struct session_record s = make(alice.id, 1);
    bool known = true;
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", s.address, &known));
    assert_false(known);
    assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
    assert_int_equal(SG_OK, SESSIONS(remove, s.id, 0));
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", s.address, &known));
    assert_true(known); /* it has had one */
    /* A host takes new addresses within its /64. */
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "2001:db8::5:6:7:8", &known));
    assert_true(known);
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "2001:db8:0:1::1", &known));
    assert_false(known);
    assert_int_equal(SG_OK, SESSIONS(known_address, "bob", s.address, &known));
    assert_false(known);
    assert_int_equal(SG_OK, SESSIONS(known_address, "nobody", s.address, &known));
    assert_false(known);
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "192.0.2.9", &known));
    assert_false(known);
    for (uint8_t i = 2; i < 102; i++) { /* what is remembered is bounded, the latest stay */
        s = make(alice.id, i);
        (void)snprintf(s.address, sizeof(s.address), "192.0.2.%u", i);
        assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
    }
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "2001:db8::1", &known));
    assert_false(known);
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "192.0.2.101", &known));
    assert_true(known);
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "::ffff:192.0.2.101", &known));
    assert_true(known);
}

static void test_rotate(void **state)
{
    (void)state;
    struct session_record s = make(alice.id, 1), next = s, got;
    bool known = false;
    assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
    memcpy(next.previous_sha256, s.current_sha256, SG_DIGEST_SIZE);
    memset(next.current_sha256, 77, SG_DIGEST_SIZE);
    memset(next.salt, 78, sizeof(next.salt));
    next.last_used_ns = 900;
    (void)snprintf(next.address, sizeof(next.address), "192.0.2.7");
    assert_int_equal(SG_ERR_CONFLICT, SESSIONS(rotate, &next, next.current_sha256));
    assert_int_equal(SG_OK, SESSIONS(rotate, &next, s.current_sha256));
    assert_int_equal(SG_ERR_CONFLICT, SESSIONS(rotate, &next, s.current_sha256));
    contract_store_reopen(&store);
    assert_int_equal(SG_OK, SESSIONS(get, s.id, &got));
    assert_memory_equal(next.previous_sha256, got.previous_sha256, SG_DIGEST_SIZE);
    assert_memory_equal(next.current_sha256, got.current_sha256, SG_DIGEST_SIZE);
    assert_memory_equal(next.salt, got.salt, sizeof(next.salt));
    assert_memory_equal(s.family_key, got.family_key, sizeof(s.family_key));
    assert_int_equal(900, got.last_used_ns);
    assert_string_equal("192.0.2.7", got.address);
    assert_int_equal(SG_OK, SESSIONS(known_address, "alice", "192.0.2.7", &known));
    assert_true(known);
    next.id[0] = 50;
    assert_int_equal(SG_ERR_NOT_FOUND, SESSIONS(rotate, &next, s.current_sha256));
}

struct race {
    struct session_record session;
    atomic_size_t won, refused;
    atomic_size_t winner;
};

static void rotate_one(void *ctx, size_t index)
{
    struct race *race = ctx;
    struct session_record next = race->session;
    memset(next.current_sha256, 100 + (int)index, SG_DIGEST_SIZE);
    enum sg_err err = SESSIONS(rotate, &next, race->session.current_sha256);
    if (err == SG_OK)
        atomic_store(&race->winner, index);
    if (err == SG_OK || err == SG_ERR_CONFLICT)
        atomic_fetch_add(err ? &race->refused : &race->won, 1);
}

static void test_rotate_race(void **state)
{
    (void)state;
    struct race race = {.session = make(alice.id, 1)};
    struct session_record got;
    assert_int_equal(SG_OK, SESSIONS(create, &race.session, NULL));
    contract_threads(20, rotate_one, &race);
    assert_int_equal(1, race.won);
    assert_int_equal(19, race.refused);
    assert_int_equal(SG_OK, SESSIONS(get, race.session.id, &got));
    assert_int_equal(100 + race.winner, got.current_sha256[0]);
}

int contract_sessions(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bindings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_and_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_touch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_known_address, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rotate_race, setup, teardown),
    };
    tested = engine;
    print_message("sessions contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("sessions contract", tests, NULL, NULL);
}
