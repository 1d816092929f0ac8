/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of members: roles, the last owner, what fixed members refuse, and what becomes of
 * spaces when a user is removed. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct contract_store store;
static const struct contract_engine *tested;
static struct user_record bob, eve;
static struct space_actor as_bob;
static int64_t team;

#define SPACES(call, ...) store.spaces.vt->call(store.spaces.self, __VA_ARGS__)
#define USERS(call, ...)  store.users.vt->call(store.users.self, __VA_ARGS__)

static int64_t create(const char *name)
{
    struct space_info info;
    assert_int_equal(SG_OK, SPACES(create, name, "", &as_bob, &info));
    return info.space.id;
}

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    (void)contract_user_add(&store, "root", SG_ROLE_ADMIN);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    eve = contract_user_add(&store, "eve", SG_ROLE_MEMBER);
    as_bob = (struct space_actor){.user_id = bob.id, .name = bob.name, .now_ns = 5000};
    team = create("team");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

static enum sg_err set_at(int64_t space, const char *user, enum space_role role, int64_t now_ns)
{
    struct member_record member;
    bool created;
    struct space_actor actor = as_bob;
    actor.now_ns = now_ns;
    return SPACES(member_set, space, user, role, &actor, &member, &created);
}

static enum sg_err set(const char *user, enum space_role role)
{
    return set_at(team, user, role, 6000);
}

static enum sg_err remove_member(int64_t space, const char *user, int64_t *ret_id)
{
    return SPACES(member_remove, space, user, &as_bob, ret_id);
}

static enum space_role role_in(int64_t space, const char *user)
{
    struct member_record member = {.role = SG_SPACE_NONE};
    enum sg_err err = SPACES(member_get, space, user, &member);
    assert_true(err == SG_OK || err == SG_ERR_NOT_FOUND);
    return member.role;
}

static void test_roles(void **state)
{
    (void)state;
    struct member_record member;
    bool created = false;
    int64_t id = 0;
    assert_int_equal(SG_OK, SPACES(member_get, team, "bob", &member));
    assert_int_equal(SG_SPACE_OWNER, member.role);
    assert_int_equal(5000, member.added_ns);
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(member_get, team, "eve", &member));
    assert_int_equal(SG_OK,
                     SPACES(member_set, team, "eve", SG_SPACE_READER, &as_bob, &member, &created));
    assert_true(created);
    assert_int_equal(eve.id, member.user_id);
    assert_string_equal("eve", member.name);
    assert_int_equal(SG_SPACE_READER, member.role);
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_ADDED, "\"member\":\"eve\"");
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_ADDED, "\"role\":\"reader\"");
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_ADDED, "\"sender\":\"bob\"");
    struct space_actor later = as_bob;
    later.now_ns = 9000;
    assert_int_equal(SG_OK,
                     SPACES(member_set, team, "eve", SG_SPACE_WRITER, &later, &member, &created));
    assert_false(created);
    assert_int_equal(SG_SPACE_WRITER, member.role);
    assert_int_equal(5000, member.added_ns);
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_UPDATED, "\"role\":\"writer\"");
    size_t events = contract_event_count(&store, team);
    assert_int_equal(SG_OK, set("eve", SG_SPACE_WRITER)); /* has it */
    assert_int_equal(events, contract_event_count(&store, team));
    contract_store_reopen(&store);
    assert_int_equal(SG_SPACE_WRITER, role_in(team, "eve"));
    struct space_record got;
    assert_int_equal(SG_OK, SPACES(get, "team", eve.id, &got));
    assert_int_equal(SG_SPACE_WRITER, got.member);

    assert_int_equal(SG_OK, remove_member(team, "eve", &id));
    assert_int_equal(eve.id, id);
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_REMOVED, "\"member\":\"eve\"");
    assert_int_equal(SG_ERR_NOT_FOUND, remove_member(team, "eve", &id));
    assert_int_equal(SG_SPACE_NONE, role_in(team, "eve"));
    assert_int_equal(SG_ERR_NOT_FOUND, set("nobody", SG_SPACE_READER));
    assert_int_equal(SG_ERR_NOT_FOUND, remove_member(team, "nobody", &id));
    assert_int_equal(SG_ERR_NOT_FOUND, set_at(4711, "eve", SG_SPACE_READER, 1));
    assert_int_equal(SG_ERR_NOT_FOUND, remove_member(4711, "eve", &id));
    assert_int_equal(events + 1, contract_event_count(&store, team));
}

static void test_list(void **state)
{
    (void)state;
    static const char *const names[] = {"a-b", "a.b", "a0", "aa", "bob", "c", "z_"};
    struct member_record page[3];
    size_t count = 0, seen = 0;
    for (size_t i = 7; i > 0; i--) {
        if (i != 5)
            (void)contract_user_add(&store, names[i - 1], SG_ROLE_MEMBER);
        assert_int_equal(SG_OK, set(names[i - 1], i == 5 ? SG_SPACE_OWNER : SG_SPACE_READER));
    }
    char after[SG_USER_NAME_SIZE] = "";
    do {
        assert_int_equal(SG_OK, SPACES(member_list, team, after, 3, page, &count));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(seen == 4 ? SG_SPACE_OWNER : SG_SPACE_READER, page[i].role);
            assert_string_equal(names[seen++], page[i].name);
        }
        if (count > 0)
            memcpy(after, page[count - 1].name, sizeof(after));
    } while (count == 3);
    assert_int_equal(7, seen);
}

static void test_last_owner(void **state)
{
    (void)state;
    int64_t id = 0;
    assert_int_equal(SG_OK, set("eve", SG_SPACE_WRITER));
    size_t events = contract_event_count(&store, team);
    assert_int_equal(SG_ERR_LAST_OWNER, set("bob", SG_SPACE_WRITER));
    assert_int_equal(SG_ERR_LAST_OWNER, remove_member(team, "bob", &id));
    assert_int_equal(SG_SPACE_OWNER, role_in(team, "bob"));
    assert_int_equal(events, contract_event_count(&store, team));
    assert_int_equal(SG_OK, set("eve", SG_SPACE_OWNER));
    assert_int_equal(SG_OK, set("bob", SG_SPACE_READER));
    assert_int_equal(SG_ERR_LAST_OWNER, remove_member(team, "eve", &id));
    assert_int_equal(SG_OK, remove_member(team, "bob", &id));
}

static void test_fixed(void **state)
{
    (void)state;
    struct space_record direct;
    int64_t id = 0, own = contract_space_id(&store, "~bob", bob.id);
    assert_int_equal(SG_OK, SPACES(direct, bob.id, "eve", 1, &direct));
    const int64_t spaces[] = {contract_space_id(&store, "common", bob.id), own, direct.id};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(SG_ERR_FIXED_MEMBERS, set_at(spaces[i], "eve", SG_SPACE_READER, 1));
        assert_int_equal(SG_ERR_FIXED_MEMBERS, remove_member(spaces[i], "eve", &id));
        assert_int_equal(0, contract_event_count(&store, spaces[i]));
    }
}

/* -- at the same time ---------------------------------------------------------------------------
 */

static void leave(void *ctx, size_t index)
{
    atomic_size_t *left = ctx;
    int64_t id;
    if (remove_member(team, index ? "bob" : "eve", &id) == SG_OK)
        atomic_fetch_add(left, 1);
}

static void join(void *ctx, size_t index)
{
    atomic_size_t *joined = ctx;
    struct member_record member;
    bool created = false;
    (void)index;
    if (SPACES(member_set, team, "eve", SG_SPACE_OWNER, &as_bob, &member, &created) == SG_OK)
        atomic_fetch_add(joined, created ? 1 : 100);
}

static void test_race(void **state)
{
    (void)state;
    atomic_size_t joined = 0, left = 0;
    contract_threads(8, join, &joined);
    assert_int_equal(701, joined);
    assert_int_equal(2, contract_event_count(&store, team));
    contract_threads(2, leave, &left);
    assert_int_equal(1, left);
    assert_int_equal(SG_SPACE_OWNER, role_in(team, "bob") + role_in(team, "eve"));
}

/* -- a user is removed --------------------------------------------------------------------------
 */

static void test_user_removed(void **state)
{
    (void)state;
    struct space_record direct, other, got;
    struct space_info info;
    struct member_record member;
    size_t count = 0;
    (void)contract_user_add(&store, "amy", SG_ROLE_MEMBER);
    int64_t alone = create("alone"), two = create("two");
    assert_int_equal(SG_OK, set_at(team, "root", SG_SPACE_READER, 100)); /* longest, but lower */
    assert_int_equal(SG_OK, set_at(team, "amy", SG_SPACE_WRITER, 300));
    assert_int_equal(SG_OK, set_at(team, "eve", SG_SPACE_WRITER, 200));
    assert_int_equal(SG_OK, set_at(two, "eve", SG_SPACE_OWNER, 200));
    assert_int_equal(SG_OK, SPACES(direct, eve.id, "bob", 1, &direct));
    assert_int_equal(SG_OK, SPACES(direct, eve.id, "amy", 1, &other));
    (void)contract_say(&store, direct.id, &eve, "between us", NULL);
    uint64_t said = contract_say(&store, team, &bob, "stays", NULL);
    assert_int_equal(SG_OK, SPACES(read_set, team, bob.id, said));
    int64_t own = contract_space_id(&store, "~bob", bob.id);

    assert_int_equal(SG_OK, USERS(remove, "bob"));
    contract_store_reopen(&store);
    static const char *const gone[] = {"~bob", "@bob", "alone"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(SG_ERR_NOT_FOUND, SPACES(get, gone[i], eve.id, &got));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(info, alone, eve.id, &info));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(info, own, eve.id, &info));
    assert_int_equal(0, contract_event_count(&store, direct.id));
    assert_int_equal(other.id, contract_space_id(&store, "@amy", eve.id));
    /* The writer that was there longer has it now. */
    assert_int_equal(SG_SPACE_OWNER, role_in(team, "eve"));
    assert_int_equal(SG_SPACE_WRITER, role_in(team, "amy"));
    assert_int_equal(SG_SPACE_READER, role_in(team, "root"));
    contract_event_expect(&store, team, 2, SG_EVENT_MESSAGE, "\"sender\":\"bob\"");
    contract_event_expect(&store, team, 1, SG_EVENT_MEMBER_REMOVED, "\"member\":\"bob\"");
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_UPDATED, "\"member\":\"eve\"");
    contract_event_expect(&store, team, 0, SG_EVENT_MEMBER_UPDATED, "\"role\":\"owner\"");
    contract_event_expect(&store, two, 0, SG_EVENT_MEMBER_REMOVED, "\"member\":\"bob\"");

    /* Who takes the name is somebody else. */
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    assert_int_equal(SG_SPACE_NONE, role_in(team, "bob"));
    assert_int_equal(SG_OK, SPACES(get, "@bob", eve.id, &got));
    assert_int_equal(0, got.id);
    assert_int_equal(SG_OK, SPACES(info, team, bob.id, &info));
    assert_int_equal(0, info.last_read);
    assert_int_equal(SG_OK, SPACES(member_list, team, "", 1, &member, &count));
    assert_string_equal("amy", member.name);
    assert_int_equal(SG_OK, USERS(remove, "eve"));
    assert_int_equal(SG_OK, USERS(remove, "amy"));
    assert_int_equal(SG_SPACE_OWNER, role_in(team, "root"));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(info, two, bob.id, &info));
}

int contract_members(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fixed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_removed, setup, teardown),
    };
    tested = engine;
    print_message("members contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("members contract", tests, NULL, NULL);
}
