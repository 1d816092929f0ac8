/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of tokens for scripts. */
#include "contract.h"

#include <stdio.h>
#include <string.h>

static struct contract_store store;
static const struct contract_engine *tested;
static struct tokens_store tokens;
static struct user_record alice, bob;

#define TOKENS(call, ...) tokens.vt->call(tokens.self, __VA_ARGS__)
#define LIMIT             5

static void reopen(void)
{
    contract_store_reopen(&store);
    tokens = tested->tokens(store.handle);
}

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    tokens = tested->tokens(store.handle);
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

static struct token_record make(int64_t user_id, uint8_t tag)
{
    struct token_record t = {
        .user_id = user_id, .scopes = 3, .created_ns = 100, .expires_ns = 1000 + tag};
    (void)snprintf(t.name, sizeof(t.name), "tökén %u", tag);
    memset(t.id, tag, sizeof(t.id));
    memset(t.sha256, tag + 1, sizeof(t.sha256));
    return t;
}

static void assert_same(const struct token_record *a, const struct token_record *b)
{
    assert_memory_equal(a->id, b->id, sizeof(a->id));
    assert_memory_equal(a->sha256, b->sha256, sizeof(a->sha256));
    assert_int_equal(a->user_id, b->user_id);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->scopes, b->scopes);
    assert_int_equal(a->spaces_only, b->spaces_only);
    assert_int_equal(a->keys_only, b->keys_only);
    assert_int_equal(a->space_count, b->space_count);
    assert_int_equal(a->key_count, b->key_count);
    assert_memory_equal(a->space, b->space, sizeof(a->space));
    assert_memory_equal(a->key, b->key, sizeof(a->key));
    assert_int_equal(a->created_ns, b->created_ns);
    assert_int_equal(a->expires_ns, b->expires_ns);
    assert_int_equal(a->last_used_ns, b->last_used_ns);
    assert_string_equal(a->last_address, b->last_address);
}

static void test_create_and_read(void **state)
{
    (void)state;
    struct token_record t = make(alice.id, 1), got;
    t.spaces_only = t.keys_only = true;
    for (size_t i = 0; i < SG_LIMIT_SPACES; i++)
        t.space[t.space_count++] = INT64_MAX - (int64_t)i;
    for (size_t i = 0; i < SG_LIMIT_KEYS; i++) {
        memset(t.key[i], 'a' + (int)i, SG_LIMIT_KEY_SIZE - 1); /* the longest */
        t.key_count++;
    }
    assert_int_equal(SG_OK, TOKENS(create, &t, LIMIT));
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(SG_OK, TOKENS(get, t.id, &got));
        assert_same(&t, &got);
        assert_int_equal(SG_OK, TOKENS(find, t.sha256, &got));
        assert_same(&t, &got);
        reopen();
    }
    struct token_record unlimited = make(alice.id, 2), empty = make(alice.id, 3);
    empty.spaces_only = empty.keys_only = true; /* nowhere is not everywhere */
    assert_int_equal(SG_OK, TOKENS(create, &unlimited, LIMIT));
    assert_int_equal(SG_OK, TOKENS(create, &empty, LIMIT));
    assert_int_equal(SG_OK, TOKENS(get, unlimited.id, &got));
    assert_same(&unlimited, &got);
    assert_int_equal(SG_OK, TOKENS(get, empty.id, &got));
    assert_same(&empty, &got);
}

static void test_rules(void **state)
{
    (void)state;
    struct token_record t, got;
    const bool yes = true;
    struct user_record user;
    for (uint8_t i = 1; i <= LIMIT; i++) {
        t = make(alice.id, i);
        assert_int_equal(SG_OK, TOKENS(create, &t, LIMIT));
    }
    t = make(alice.id, 9);
    assert_int_equal(SG_ERR_LIMIT, TOKENS(create, &t, LIMIT));
    (void)snprintf(t.name, sizeof(t.name), "%s", make(alice.id, 1).name);
    assert_int_equal(SG_ERR_NAME_TAKEN, TOKENS(create, &t, LIMIT));
    t.user_id = bob.id; /* his own names */
    assert_int_equal(SG_OK, TOKENS(create, &t, LIMIT));
    t = make(alice.id, 10);
    t.created_ns = 1002; /* two have expired by then */
    assert_int_equal(SG_OK, TOKENS(create, &t, LIMIT));
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(get, make(0, 1).id, &got));
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(get, make(0, 2).id, &got));
    t = make(4711, 11);
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(create, &t, LIMIT));
    assert_int_equal(SG_OK, store.users.vt->update(store.users.self, "bob", NULL, &yes, &user));
    t = make(bob.id, 12);
    assert_int_equal(SG_ERR_USER_DISABLED, TOKENS(create, &t, LIMIT));
    assert_int_equal(SG_OK, TOKENS(get, make(0, 9).id, &got)); /* disabling removes none */
    assert_int_equal(SG_OK, store.users.vt->remove(store.users.self, "bob"));
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(get, make(0, 9).id, &got));
}

static void test_list_change_and_remove(void **state)
{
    (void)state;
    struct token_record page[8], got;
    size_t count = 0;
    for (uint8_t i = 1; i <= 4; i++) {
        struct token_record t = make(i == 3 ? bob.id : alice.id, (uint8_t)(5 - i));
        assert_int_equal(SG_OK, TOKENS(create, &t, LIMIT));
    }
    assert_int_equal(SG_OK, TOKENS(list, alice.id, 8, page, &count));
    assert_int_equal(3, count);
    assert_int_equal(1, page[0].id[0]); /* by name */
    assert_int_equal(4, page[2].id[0]);
    assert_int_equal(SG_OK, TOKENS(list, alice.id, 2, page, &count));
    assert_int_equal(2, count);

    assert_int_equal(SG_OK, TOKENS(touch, page[0].id, 500, "192.0.2.9"));
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(touch, page[0].id, 400, "192.0.2.8"));
    reopen();
    assert_int_equal(SG_OK, TOKENS(get, page[0].id, &got));
    assert_int_equal(500, got.last_used_ns);
    assert_string_equal("192.0.2.9", got.last_address);

    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(remove, page[0].id, bob.id));
    assert_int_equal(SG_OK, TOKENS(remove, page[0].id, alice.id));
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(remove, page[0].id, alice.id));
    assert_int_equal(SG_ERR_NOT_FOUND, TOKENS(find, page[0].sha256, &got));
    assert_int_equal(SG_OK, TOKENS(prune, 1003));
    assert_int_equal(SG_OK, TOKENS(list, bob.id, 8, page, &count));
    assert_int_equal(0, count);
    assert_int_equal(SG_OK, TOKENS(list, alice.id, 8, page, &count));
    assert_int_equal(2, count); /* 3 and 4: one that expires at this moment is still there */
}

int contract_tokens(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_change_and_remove, setup, teardown),
    };
    tested = engine;
    print_message("tokens contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("tokens contract", tests, NULL, NULL);
}
