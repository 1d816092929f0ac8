/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of users and invites. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct contract_store store;
static const struct contract_engine *tested;

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

#define USERS(call, ...)    store.users.vt->call(store.users.self, __VA_ARGS__)
#define SESSIONS(call, ...) store.sessions.vt->call(store.sessions.self, __VA_ARGS__)
#define FILES(call, ...)    store.files.vt->call(store.files.self, __VA_ARGS__)
#define SPACES(call, ...)   store.spaces.vt->call(store.spaces.self, __VA_ARGS__)

static void add_session(int64_t user_id, uint8_t tag)
{
    struct session_record s = {
        .user_id = user_id, .address = "192.0.2.1", .expires_ns = 100, .sequence = 1};
    memset(s.id, tag, sizeof(s.id));
    assert_int_equal(SG_OK, SESSIONS(create, &s, NULL));
}

static enum sg_err session_state(uint8_t tag)
{
    struct session_record s;
    uint8_t id[SG_SESSION_ID_SIZE];
    memset(id, tag, sizeof(id));
    return SESSIONS(get, id, &s);
}

static struct invite_record invite(uint8_t tag, enum user_role role, const char *by,
                                   int64_t expires)
{
    struct invite_record i = {.role = role, .expires_ns = expires};
    memset(i.code_sha256, tag, sizeof(i.code_sha256));
    (void)snprintf(i.created_by, sizeof(i.created_by), "%s", by);
    return i;
}

static void test_create_and_read(void **state)
{
    (void)state;
    struct user_record alice = contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_GUEST);
    struct user_record again = {.role = SG_ROLE_MEMBER, .name = "alice", .password_hash = "x"};
    assert_true(alice.id > 0 && bob.id > alice.id);
    assert_int_equal(SG_ERR_NAME_TAKEN, USERS(create, &again, NULL, 1));

    struct user_record got;
    assert_int_equal(SG_OK, USERS(get_by_name, "alice", &got));
    assert_int_equal(alice.id, got.id);
    assert_int_equal(SG_ROLE_ADMIN, got.role);
    assert_false(got.disabled);
    assert_string_equal("hash of alice", got.password_hash);
    assert_int_equal(1, got.created_ns);
    assert_int_equal(SG_OK, USERS(get_by_id, bob.id, &got));
    assert_string_equal("bob", got.name);
    assert_int_equal(SG_ERR_NOT_FOUND, USERS(get_by_name, "Alice", &got));
    assert_int_equal(SG_ERR_NOT_FOUND, USERS(get_by_id, 12345, &got));

    size_t users = 0, admins = 0;
    assert_int_equal(SG_OK, USERS(count, &users, &admins));
    assert_int_equal(2, users);
    assert_int_equal(1, admins);
    struct space_record space;
    assert_int_equal(SG_OK, SPACES(get, "~bob", bob.id, &space));
    assert_int_equal(bob.id, space.owner_id);

    contract_store_reopen(&store);
    assert_int_equal(SG_OK, USERS(get_by_name, "bob", &got));
    assert_int_equal(bob.id, got.id);
}

static void test_list(void **state)
{
    (void)state;
    static const char *const names[] = {"a-b", "a.b", "a0", "aa", "b", "b1", "z_"};
    struct user_record page[3];
    size_t count = 0, seen = 0;
    for (size_t i = sizeof(names) / sizeof(names[0]); i > 0; i--)
        (void)contract_user_add(&store, names[i - 1], SG_ROLE_MEMBER);
    char after[SG_USER_NAME_SIZE] = "";
    do {
        assert_int_equal(SG_OK, USERS(list, after, 3, page, &count));
        for (size_t i = 0; i < count; i++)
            assert_string_equal(names[seen++], page[i].name);
        if (count > 0)
            memcpy(after, page[count - 1].name, sizeof(after));
    } while (count == 3);
    assert_int_equal(sizeof(names) / sizeof(names[0]), seen);
}

static void test_update(void **state)
{
    (void)state;
    struct user_record root = contract_user_add(&store, "root", SG_ROLE_ADMIN);
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    struct user_record got;
    const enum user_role member = SG_ROLE_MEMBER, admin = SG_ROLE_ADMIN;
    const bool yes = true, no = false;
    add_session(bob.id, 1);
    add_session(root.id, 2);

    assert_int_equal(SG_ERR_NOT_FOUND, USERS(update, "nobody", &member, NULL, &got));
    assert_int_equal(SG_ERR_LAST_ADMIN, USERS(update, "root", &member, NULL, &got));
    assert_int_equal(SG_ERR_LAST_ADMIN, USERS(update, "root", NULL, &yes, &got));
    assert_int_equal(SG_ERR_LAST_ADMIN, USERS(remove, "root"));
    assert_int_equal(SG_OK, session_state(2));

    assert_int_equal(SG_OK, USERS(update, "bob", NULL, &yes, &got));
    assert_true(got.disabled);
    assert_int_equal(SG_ERR_NOT_FOUND, session_state(1));
    /* A disabled admin does not count. */
    assert_int_equal(SG_OK, USERS(update, "bob", &admin, NULL, &got));
    assert_int_equal(SG_ERR_LAST_ADMIN, USERS(remove, "root"));
    assert_int_equal(SG_OK, USERS(update, "bob", NULL, &no, &got));
    assert_int_equal(SG_OK, USERS(update, "root", &member, NULL, &got));
    assert_int_equal(SG_ROLE_MEMBER, got.role);
    assert_int_equal(SG_OK, session_state(2));
    /* No session for a disabled user, however it came to that. */
    assert_int_equal(SG_OK, USERS(update, "root", NULL, &yes, &got));
    struct session_record s = {
        .user_id = root.id, .address = "192.0.2.1", .expires_ns = 9, .id = {7}};
    assert_int_equal(SG_ERR_USER_DISABLED, SESSIONS(create, &s, NULL));
}

static void test_password(void **state)
{
    (void)state;
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER), got;
    struct user_record eve = contract_user_add(&store, "eve", SG_ROLE_MEMBER);
    uint8_t keep[SG_SESSION_ID_SIZE];
    add_session(bob.id, 1);
    add_session(bob.id, 2);
    add_session(eve.id, 3);
    memset(keep, 2, sizeof(keep));
    assert_int_equal(SG_OK, USERS(set_password, bob.id, "new hash", keep));
    assert_int_equal(SG_OK, USERS(get_by_name, "bob", &got));
    assert_string_equal("new hash", got.password_hash);
    assert_int_equal(SG_ERR_NOT_FOUND, session_state(1));
    assert_int_equal(SG_OK, session_state(2));
    assert_int_equal(SG_OK, USERS(set_password, bob.id, "newer hash", NULL));
    assert_int_equal(SG_ERR_NOT_FOUND, session_state(2));
    assert_int_equal(SG_OK, session_state(3));
    assert_int_equal(SG_ERR_NOT_FOUND, USERS(set_password, 999, "x", NULL));
    if (!store.users.vt->replace_hash)
        return;
    /* A better hash of the same password: compare and swap, and nobody is logged out. */
    add_session(bob.id, 4);
    assert_int_equal(SG_ERR_CONFLICT, USERS(replace_hash, bob.id, "new hash", "newest hash"));
    assert_int_equal(SG_ERR_CONFLICT, USERS(replace_hash, 999, "x", "newest hash"));
    assert_int_equal(SG_OK, USERS(replace_hash, bob.id, "newer hash", "newest hash"));
    assert_int_equal(SG_OK, USERS(get_by_name, "bob", &got));
    assert_string_equal("newest hash", got.password_hash);
    assert_int_equal(SG_OK, session_state(4));
}

static void test_remove(void **state)
{
    (void)state;
    (void)contract_user_add(&store, "root", SG_ROLE_ADMIN);
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_ADMIN), got;
    struct invite_record made = invite(9, SG_ROLE_MEMBER, "bob", INT64_MAX);
    assert_int_equal(SG_OK, USERS(add_invite, &made));
    add_session(bob.id, 1);
    int64_t space = contract_space_id(&store, "~bob", bob.id);
    char path[] = "docs/a";
    struct entry_record entry = {.path = path, .sha256 = {5}, .size = 3, .owner = "bob"};
    bool created = false, used = false;
    uint8_t old[SG_DIGEST_SIZE];
    assert_int_equal(SG_OK, FILES(put, space, &entry, NULL, &contract_actor, &created, old));
    assert_int_equal(SG_OK, FILES(blob_used, entry.sha256, &used));
    assert_true(used);

    assert_int_equal(SG_OK, USERS(remove, "bob"));
    assert_int_equal(SG_ERR_NOT_FOUND, USERS(remove, "bob"));
    assert_int_equal(SG_ERR_NOT_FOUND, session_state(1));
    assert_int_equal(SG_OK, FILES(blob_used, entry.sha256, &used));
    assert_false(used);
    assert_int_equal(SG_ERR_NOT_FOUND,
                     FILES(put, space, &entry, NULL, &contract_actor, &created, old));
    struct user_record eve = {.name = "eve", .password_hash = "x"};
    assert_int_equal(SG_ERR_BAD_CODE, USERS(create, &eve, made.code_sha256, 1));
    /* The name is free again; the id and the space are others. */
    got = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    assert_true(got.id > bob.id);
    assert_int_not_equal(space, contract_space_id(&store, "~bob", got.id));
}

static void test_invites(void **state)
{
    (void)state;
    (void)contract_user_add(&store, "root", SG_ROLE_ADMIN);
    struct invite_record member = invite(1, SG_ROLE_MEMBER, "root", 1000);
    struct invite_record setup_code = invite(2, SG_ROLE_ADMIN, "", INT64_MAX);
    struct invite_record other_setup = invite(3, SG_ROLE_ADMIN, "", INT64_MAX);
    bool has = false;
    assert_int_equal(SG_OK, USERS(add_invite, &member));
    assert_int_equal(SG_OK, USERS(add_invite, &setup_code));
    assert_int_equal(SG_OK, USERS(has_invite, member.code_sha256, &has));
    assert_false(has);
    assert_int_equal(SG_OK, USERS(has_invite, setup_code.code_sha256, &has));
    assert_true(has);
    assert_int_equal(SG_OK, USERS(add_invite, &other_setup));
    assert_int_equal(SG_OK, USERS(has_invite, setup_code.code_sha256, &has));
    assert_false(has);

    struct user_record user = {.name = "first", .role = SG_ROLE_GUEST, .password_hash = "x"};
    assert_int_equal(SG_ERR_BAD_CODE, USERS(create, &user, setup_code.code_sha256, 1));
    assert_int_equal(SG_OK, USERS(create, &user, other_setup.code_sha256, 1));
    assert_int_equal(SG_ROLE_ADMIN, user.role);
    /* A taken name does not use the invite up; an expired one is none. */
    assert_int_equal(SG_ERR_NAME_TAKEN, USERS(create, &user, member.code_sha256, 1));
    struct user_record second = {.name = "second", .role = SG_ROLE_ADMIN, .password_hash = "x"};
    assert_int_equal(SG_ERR_BAD_CODE, USERS(create, &second, member.code_sha256, 1000));
    assert_int_equal(SG_OK, USERS(create, &second, member.code_sha256, 999));
    assert_int_equal(SG_ROLE_MEMBER, second.role);

    assert_int_equal(SG_OK, USERS(add_invite, &member));
    assert_int_equal(SG_OK, USERS(add_invite, &setup_code));
    assert_int_equal(SG_OK, USERS(prune_invites, 1000, false));
    struct user_record third = {.name = "third", .password_hash = "x"};
    assert_int_equal(SG_ERR_BAD_CODE, USERS(create, &third, member.code_sha256, 1));
    assert_int_equal(SG_OK, USERS(has_invite, setup_code.code_sha256, &has));
    assert_true(has);
    assert_int_equal(SG_OK, USERS(prune_invites, 1000, true));
    assert_int_equal(SG_OK, USERS(has_invite, setup_code.code_sha256, &has));
    assert_false(has);
}

/* Who is no enabled admin any more has no invites left to come back by. */
static void test_invites_of_former_admins(void **state)
{
    (void)state;
    const enum user_role admin = SG_ROLE_ADMIN, member = SG_ROLE_MEMBER;
    const bool yes = true, no = false;
    struct user_record updated;
    (void)contract_user_add(&store, "root", SG_ROLE_ADMIN);
    (void)contract_user_add(&store, "alice", SG_ROLE_ADMIN);
    struct invite_record of_root = invite(1, SG_ROLE_ADMIN, "root", 1000);
    struct invite_record of_alice = invite(2, SG_ROLE_ADMIN, "alice", 1000);
    struct user_record user = {.name = "new1", .password_hash = "x"};
    assert_int_equal(SG_OK, USERS(add_invite, &of_root));
    assert_int_equal(SG_OK, USERS(add_invite, &of_alice));
    assert_int_equal(SG_OK, USERS(update, "alice", &admin, &no, &updated));
    assert_int_equal(SG_OK, USERS(create, &user, of_alice.code_sha256, 1));
    assert_int_equal(SG_OK, USERS(add_invite, &of_alice));
    assert_int_equal(SG_OK, USERS(update, "alice", NULL, &yes, &updated));
    struct user_record second = {.name = "new2", .password_hash = "x"};
    assert_int_equal(SG_ERR_BAD_CODE, USERS(create, &second, of_alice.code_sha256, 1));
    assert_int_equal(SG_ERR_FORBIDDEN, USERS(add_invite, &of_alice)); /* asked for before */
    assert_int_equal(SG_OK, USERS(update, "alice", NULL, &no, &updated));
    assert_int_equal(SG_OK, USERS(add_invite, &of_alice));
    assert_int_equal(SG_OK, USERS(update, "alice", &member, NULL, &updated));
    assert_int_equal(SG_ERR_FORBIDDEN, USERS(add_invite, &of_alice));
    assert_int_equal(SG_ERR_BAD_CODE, USERS(create, &second, of_alice.code_sha256, 1));
    assert_int_equal(SG_OK, USERS(create, &second, of_root.code_sha256, 1));
}

/* -- at the same time ---------------------------------------------------------------------------
 */

struct race {
    atomic_size_t won, refused, other;
    const uint8_t *code;
};

static void count_result(struct race *race, enum sg_err err, enum sg_err expected)
{
    atomic_fetch_add(err == SG_OK      ? &race->won
                     : err == expected ? &race->refused
                                       : &race->other,
                     1);
}

static void create_same(void *ctx, size_t index)
{
    (void)index;
    struct user_record user = {.name = "same", .role = SG_ROLE_MEMBER, .password_hash = "x"};
    count_result(ctx, USERS(create, &user, NULL, 1), SG_ERR_NAME_TAKEN);
}

static void test_same_name_race(void **state)
{
    (void)state;
    struct race race = {0};
    contract_threads(16, create_same, &race);
    assert_int_equal(1, race.won);
    assert_int_equal(15, race.refused);
}

static void use_code(void *ctx, size_t index)
{
    struct race *race = ctx;
    struct user_record user = {.password_hash = "x"};
    (void)snprintf(user.name, sizeof(user.name), "user%zu", index);
    count_result(race, USERS(create, &user, race->code, 1), SG_ERR_BAD_CODE);
}

static void test_invite_race(void **state)
{
    (void)state;
    size_t users = 0, admins = 0;
    (void)contract_user_add(&store, "root", SG_ROLE_ADMIN);
    struct invite_record code = invite(4, SG_ROLE_MEMBER, "root", INT64_MAX);
    struct race race = {.code = code.code_sha256};
    assert_int_equal(SG_OK, USERS(add_invite, &code));
    contract_threads(16, use_code, &race);
    assert_int_equal(1, race.won);
    assert_int_equal(15, race.refused);
    assert_int_equal(SG_OK, USERS(count, &users, &admins));
    assert_int_equal(2, users);
}

/* Each of 8 admins is removed, demoted or disabled at the same time. */
static void end_admin(void *ctx, size_t index)
{
    char name[SG_USER_NAME_SIZE];
    struct user_record got;
    const enum user_role guest = SG_ROLE_GUEST;
    const bool yes = true;
    (void)snprintf(name, sizeof(name), "admin%zu", index);
    enum sg_err err = index % 3 == 0   ? USERS(remove, name)
                      : index % 3 == 1 ? USERS(update, name, &guest, NULL, &got)
                                       : USERS(update, name, NULL, &yes, &got);
    count_result(ctx, err, SG_ERR_LAST_ADMIN);
}

static void test_last_admin_race(void **state)
{
    (void)state;
    struct race race = {0};
    size_t users = 0, admins = 0;
    for (unsigned i = 0; i < 8; i++) {
        char name[SG_USER_NAME_SIZE];
        (void)snprintf(name, sizeof(name), "admin%u", i);
        (void)contract_user_add(&store, name, SG_ROLE_ADMIN);
    }
    contract_threads(8, end_admin, &race);
    assert_int_equal(7, race.won);
    assert_int_equal(1, race.refused);
    assert_int_equal(SG_OK, USERS(count, &users, &admins));
    assert_int_equal(1, admins);
}

int contract_users(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_update, setup, teardown),
        cmocka_unit_test_setup_teardown(test_password, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invites, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invites_of_former_admins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_same_name_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_invite_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_admin_race, setup, teardown),
    };
    tested = engine;
    print_message("users contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("users contract", tests, NULL, NULL);
}
