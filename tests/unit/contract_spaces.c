/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of spaces: names as users say them, direct spaces, changes and their events, removal
 * with all in it, what was read. Members: contract_members.c. */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct contract_store store;
static const struct contract_engine *tested;
static struct user_record bob, eve;
static struct space_actor as_bob, as_eve;

#define SPACES(call, ...) store.spaces.vt->call(store.spaces.self, __VA_ARGS__)
#define FILES(call, ...)  store.files.vt->call(store.files.self, __VA_ARGS__)

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    eve = contract_user_add(&store, "eve", SG_ROLE_MEMBER);
    as_bob = (struct space_actor){.user_id = bob.id, .name = bob.name, .now_ns = 5000};
    as_eve = (struct space_actor){.user_id = eve.id, .name = eve.name, .now_ns = 6000};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

static struct space_info create(const char *name, const struct space_actor *actor)
{
    struct space_info info;
    assert_int_equal(SG_OK, SPACES(create, name, "", actor, &info));
    return info;
}

static struct space_info info_of(int64_t id, int64_t user_id)
{
    struct space_info info;
    assert_int_equal(SG_OK, SPACES(info, id, user_id, &info));
    return info;
}

static enum sg_err get_err(const char *name, int64_t user_id)
{
    struct space_record got;
    return SPACES(get, name, user_id, &got);
}

static void put_file(int64_t space_id, const char *path, uint8_t content)
{
    char copy[64];
    bool created;
    uint8_t old[SG_DIGEST_SIZE];
    struct entry_record entry = {.path = copy, .size = 1, .sha256 = {content}, .owner = "x"};
    (void)snprintf(copy, sizeof(copy), "%s", path);
    assert_int_equal(SG_OK, FILES(put, space_id, &entry, NULL, &as_bob, &created, old));
}

static void test_names(void **state)
{
    (void)state;
    struct space_record got;
    assert_int_equal(SG_OK, SPACES(get, "common", bob.id, &got));
    assert_int_equal(SG_SPACE_COMMON, got.kind);
    assert_string_equal("common", got.name);
    assert_int_equal(0, got.owner_id);
    assert_int_equal(SG_OK, SPACES(get, "~bob", eve.id, &got));
    assert_int_equal(SG_SPACE_OWN, got.kind);
    assert_int_equal(bob.id, got.owner_id);
    assert_int_equal(SG_SPACE_NONE, got.member);
    int64_t own = got.id;
    assert_int_equal(SG_OK, SPACES(get_by_id, own, bob.id, &got));
    assert_string_equal("~bob", got.name);
    assert_int_equal(1, info_of(own, bob.id).created_ns); /* as the user */
    (void)create("team", &as_bob);
    assert_int_equal(SG_OK, SPACES(get, "team", bob.id, &got));
    assert_int_equal(SG_SPACE_SHARED, got.kind);
    assert_int_equal(SG_SPACE_OWNER, got.member);
    assert_int_equal(SG_OK, SPACES(get, "team", eve.id, &got));
    assert_int_equal(SG_SPACE_NONE, got.member);
    static const char *const none[] = {
        "",  "Team",  "~nobody", "@nobody", "@bob", "@",
        "~", "team ", "@team",   "@common", "@1:2", "a-name-longer-than-any-space-has"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(SG_ERR_NOT_FOUND, get_err(none[i], bob.id));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(get_by_id, 4711, bob.id, &got));
}

static void test_direct(void **state)
{
    (void)state;
    struct space_record got, again;
    struct user_record third = contract_user_add(&store, "third", SG_ROLE_GUEST);
    assert_int_equal(SG_OK, SPACES(get, "@eve", bob.id, &got)); /* only looked at */
    assert_int_equal(0, got.id);
    assert_int_equal(SG_SPACE_DIRECT, got.kind);
    assert_string_equal("@eve", got.name);
    assert_int_equal(bob.id, got.peers[0]);
    assert_int_equal(eve.id, got.peers[1]);
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(direct, bob.id, "bob", 1, &got));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(direct, bob.id, "nobody", 1, &got));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(direct, 4711, "bob", 1, &got));
    assert_int_equal(SG_OK, SPACES(direct, eve.id, "bob", 77, &got));
    assert_true(got.id > 0);
    assert_string_equal("@bob", got.name);
    contract_store_reopen(&store);
    assert_int_equal(SG_OK, SPACES(direct, bob.id, "eve", 78, &again));
    assert_int_equal(got.id, again.id);
    assert_string_equal("@eve", again.name);
    assert_int_equal(SG_OK, SPACES(get, "@bob", eve.id, &again));
    assert_int_equal(got.id, again.id);
    assert_int_equal(SG_OK, SPACES(get_by_id, got.id, bob.id, &again));
    assert_string_equal("@eve", again.name);
    assert_int_equal(SG_OK, SPACES(get_by_id, got.id, eve.id, &again));
    assert_string_equal("@bob", again.name);
    assert_int_equal(bob.id, again.peers[0]);
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(get_by_id, got.id, third.id, &again));
    struct space_info info = info_of(got.id, eve.id);
    assert_int_equal(77, info.created_ns);
    assert_string_equal("@bob", info.space.name);
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(info, got.id, third.id, &info));
}

struct race {
    atomic_size_t bad;
    _Atomic int64_t id;
};

static void make_direct(void *ctx, size_t index)
{
    struct race *race = ctx;
    struct space_record got;
    enum sg_err err =
        index % 2 ? SPACES(direct, bob.id, "eve", 1, &got) : SPACES(direct, eve.id, "bob", 1, &got);
    int64_t none = 0;
    if (err || (!atomic_compare_exchange_strong(&race->id, &none, got.id) && none != got.id))
        atomic_fetch_add(&race->bad, 1);
}

static void test_direct_race(void **state)
{
    (void)state;
    struct race race = {.bad = 0};
    contract_threads(8, make_direct, &race);
    assert_int_equal(0, race.bad);
    assert_int_equal(race.id, contract_space_id(&store, "@eve", bob.id));
}

static void test_create(void **state)
{
    (void)state;
    struct space_info info, again;
    assert_int_equal(SG_OK, SPACES(create, "team", "Our team", &as_bob, &info));
    assert_int_equal(SG_SPACE_SHARED, info.space.kind);
    assert_string_equal("team", info.space.name);
    assert_string_equal("Our team", info.description);
    assert_int_equal(SG_SPACE_OWNER, info.space.member);
    assert_int_equal(5000, info.created_ns);
    assert_int_equal(0, info.retention_s + (int64_t)info.retention_count);
    assert_int_equal(1, contract_event_count(&store, info.space.id));
    contract_event_expect(&store, info.space.id, 0, SG_EVENT_SPACE_CREATED, "\"sender\":\"bob\"");
    assert_true(info.head_seq > 0);
    assert_int_equal(0, info.unread);
    contract_store_reopen(&store);
    again = info_of(info.space.id, bob.id);
    assert_string_equal("Our team", again.description);
    assert_int_equal(info.head_seq, again.head_seq);
    static const char *const taken[] = {"team", "common", "~bob"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(SG_ERR_NAME_TAKEN, SPACES(create, taken[i], "", &as_eve, &info));
    const struct space_actor gone = {.user_id = 4711, .name = "gone", .now_ns = 1};
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(create, "orphan", "", &gone, &info));
    assert_int_equal(SG_ERR_NOT_FOUND, get_err("orphan", bob.id));
}

static void test_limit(void **state)
{
    (void)state;
    struct space_info info;
    struct member_record member;
    bool created;
    char name[SG_SPACE_NAME_SIZE];
    for (unsigned i = 0; i < SG_SPACES_PER_USER; i++) {
        (void)snprintf(name, sizeof(name), "s%u", i);
        (void)create(name, &as_bob);
    }
    assert_int_equal(SG_ERR_LIMIT, SPACES(create, "more", "", &as_bob, &info));
    assert_int_equal(SG_ERR_NOT_FOUND, get_err("more", bob.id));
    info = create("more", &as_eve);
    assert_int_equal(SG_ERR_LIMIT, SPACES(member_set, info.space.id, "bob", SG_SPACE_READER,
                                          &as_eve, &member, &created));
    assert_int_equal(SG_OK, SPACES(remove, contract_space_id(&store, "s7", bob.id)));
    assert_int_equal(SG_OK, SPACES(member_set, info.space.id, "bob", SG_SPACE_READER, &as_eve,
                                   &member, &created));
}

static void test_list(void **state)
{
    (void)state;
    static const char *const made[] = {"zebra", "0x", "team", "comma", "a-b", "a.b"};
    static const char *const seen[] = {"0x",    "@eve",   "@zoe", "a-b",   "a.b",
                                       "comma", "common", "team", "zebra", "~bob"};
    static struct space_info list[20];
    static struct space_record records[20];
    struct space_record direct;
    struct member_record member;
    bool created;
    size_t count = 0;
    struct user_record zoe = contract_user_add(&store, "zoe", SG_ROLE_MEMBER);
    for (size_t i = 0; i < 6; i++) {
        struct space_info info = create(made[i], i % 2 ? &as_bob : &as_eve);
        if (i % 2 == 0)
            assert_int_equal(SG_OK, SPACES(member_set, info.space.id, "bob", SG_SPACE_READER,
                                           &as_eve, &member, &created));
    }
    (void)create("hidden", &as_eve);
    assert_int_equal(SG_OK, SPACES(direct, bob.id, "eve", 1, &direct));
    assert_int_equal(SG_OK, SPACES(direct, zoe.id, "bob", 1, &direct));
    assert_int_equal(SG_OK, SPACES(direct, zoe.id, "eve", 1, &direct));
    assert_int_equal(SG_OK, SPACES(list, bob.id, 20, list, &count));
    assert_int_equal(10, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(seen[i], list[i].space.name);
    assert_int_equal(SG_SPACE_OWNER, list[0].space.member);
    assert_int_equal(SG_SPACE_READER, list[7].space.member);
    assert_int_equal(SG_SPACE_OWN, list[9].space.kind);
    assert_int_equal(zoe.id, list[2].space.peers[1]);
    assert_int_equal(SG_OK, SPACES(list, bob.id, 3, list, &count));
    assert_int_equal(3, count);
    assert_string_equal("@zoe", list[2].space.name);

    size_t all = 0;
    for (int64_t after = 0;; after = records[all - 1].id) {
        assert_int_equal(SG_OK, SPACES(visible, bob.id, after, 3, records + all, &count));
        for (size_t i = all; i < all + count; i++) {
            assert_true(records[i].id > after && (i == 0 || records[i].id > records[i - 1].id));
            struct space_record got;
            assert_int_equal(SG_OK, SPACES(get, records[i].name, bob.id, &got));
            assert_memory_equal(&got, &records[i], sizeof(got));
        }
        all += count;
        if (count < 3)
            break;
    }
    assert_int_equal(10, all);
    assert_int_equal(SG_OK, SPACES(list, 4711, 20, list, &count)); /* nobody sees "common" only */
    assert_int_equal(1, count);
}

static void test_update(void **state)
{
    (void)state;
    const int64_t seconds = 86400;
    const uint64_t number = 50, none = 0;
    struct space_info info = create("team", &as_bob);
    int64_t id = info.space.id;
    struct space_change change = {.description = "new"};
    assert_int_equal(SG_OK, SPACES(update, id, &change, &as_bob, &info));
    assert_string_equal("new", info.description);
    contract_event_expect(&store, id, 0, SG_EVENT_SPACE_UPDATED, "\"sender\":\"bob\"");
    change = (struct space_change){.retention_s = &seconds, .retention_count = &number};
    assert_int_equal(SG_OK, SPACES(update, id, &change, &as_bob, &info));
    assert_string_equal("new", info.description);
    assert_int_equal(3, contract_event_count(&store, id));
    /* What changes nothing is no event. */
    assert_int_equal(SG_OK, SPACES(update, id, &change, &as_bob, &info));
    change = (struct space_change){.description = "new"};
    assert_int_equal(SG_OK, SPACES(update, id, &change, &as_bob, &info));
    assert_int_equal(3, contract_event_count(&store, id));
    contract_store_reopen(&store);
    info = info_of(id, bob.id);
    assert_int_equal(seconds, info.retention_s);
    assert_int_equal(number, info.retention_count);

    struct space_retention all[8];
    size_t count = 0;
    assert_int_equal(SG_OK, SPACES(retentions, id - 1, 8, all, &count));
    assert_int_equal(1, count);
    assert_int_equal(id, all[0].id);
    assert_int_equal(seconds, all[0].retention_s);
    assert_int_equal(number, all[0].retention_count);
    assert_int_equal(0, all[0].pruned_seq);
    assert_int_equal(SG_OK, SPACES(retentions, 0, 8, all, &count));
    assert_int_equal(4, count); /* common, the two own ones, this */
    assert_int_equal(SG_OK, SPACES(retentions, all[1].id, 1, all, &count));
    assert_int_equal(1, count);

    change = (struct space_change){.retention_count = &none};
    assert_int_equal(SG_OK, SPACES(update, id, &change, &as_bob, &info));
    assert_int_equal(0, info.retention_count);
    assert_int_equal(seconds, info.retention_s);
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(update, 4711, &change, &as_bob, &info));
    /* The others can be changed too: whether they may is a rule. */
    change = (struct space_change){.description = "for all"};
    assert_int_equal(SG_OK, SPACES(update, 1, &change, &as_bob, &info));
}

static void test_remove(void **state)
{
    (void)state;
    struct space_info team = create("team", &as_bob), other = create("other", &as_bob), gone;
    struct member_record member;
    struct space_record direct;
    uint8_t sha256[SG_DIGEST_SIZE] = {7};
    bool created, used = false;
    size_t count = 7;
    struct event_range range;
    int64_t id = team.space.id;
    assert_int_equal(SG_OK,
                     SPACES(member_set, id, "eve", SG_SPACE_WRITER, &as_bob, &member, &created));
    put_file(id, "docs/a", 7);
    uint64_t seq = contract_say(&store, id, &eve, "look at this", "docs/a");
    (void)contract_say(&store, other.space.id, &bob, "stays", NULL);
    put_file(id, "docs/a", 8);
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used)); /* the message links it */
    assert_true(used);
    assert_int_equal(SG_OK, SPACES(read_set, id, bob.id, seq));

    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(remove, 4711));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, SPACES(remove, 1));
    assert_int_equal(SG_ERR_FIXED_MEMBERS,
                     SPACES(remove, contract_space_id(&store, "~bob", bob.id)));
    assert_int_equal(SG_OK, SPACES(direct, bob.id, "eve", 1, &direct));
    assert_int_equal(SG_ERR_FIXED_MEMBERS, SPACES(remove, direct.id));
    assert_int_equal(SG_OK, SPACES(remove, id));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(remove, id));
    store.spaces.vt->sweep(store.spaces.self);
    assert_int_equal(0, contract_event_count(&store, id));
    contract_store_reopen(&store);
    assert_int_equal(SG_ERR_NOT_FOUND, get_err("team", bob.id));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(info, id, bob.id, &gone));
    assert_int_equal(0, contract_event_count(&store, id));
    assert_int_equal(SG_OK, SPACES(member_list, id, "", 1, &member, &count));
    assert_int_equal(0, count);
    for (uint8_t i = 7; i < 9; i++) {
        sha256[0] = i;
        assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
        assert_false(used);
    }
    enum sg_err err = store.events.vt->range(store.events.self, id, &range);
    assert_true(err == SG_ERR_NOT_FOUND || (err == SG_OK && range.head_seq == 0));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(read_set, id, bob.id, seq));
    assert_int_equal(2, contract_event_count(&store, other.space.id));
    /* The name is free, the new space another one and empty. */
    team = create("team", &as_eve);
    assert_true(team.space.id > id);
    assert_int_equal(1, contract_event_count(&store, team.space.id));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(member_get, team.space.id, "bob", &member));
}

static void test_unread(void **state)
{
    (void)state;
    struct space_info info = create("team", &as_bob);
    int64_t id = info.space.id;
    struct member_record member;
    bool created;
    assert_int_equal(SG_OK,
                     SPACES(member_set, id, "eve", SG_SPACE_WRITER, &as_bob, &member, &created));
    uint64_t first = contract_say(&store, id, &bob, "one", NULL);
    uint64_t second = contract_say(&store, id, &bob, "two", NULL);
    put_file(id, "a", 1);
    (void)contract_say(&store, id, &eve, "my own", NULL);
    assert_int_equal(2, info_of(id, eve.id).unread); /* neither files nor one's own */
    assert_int_equal(1, info_of(id, bob.id).unread);
    assert_int_equal(SG_OK, SPACES(read_set, id, eve.id, first));
    info = info_of(id, eve.id);
    assert_int_equal(first, info.last_read);
    assert_int_equal(1, info.unread);
    assert_int_equal(SG_OK, SPACES(read_set, id, eve.id, second));
    assert_int_equal(SG_OK, SPACES(read_set, id, eve.id, first)); /* never back */
    contract_store_reopen(&store);
    info = info_of(id, eve.id);
    assert_int_equal(second, info.last_read);
    assert_int_equal(0, info.unread);
    assert_int_equal(0, info_of(id, bob.id).last_read);
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(read_set, 4711, eve.id, 1));
    assert_int_equal(SG_ERR_NOT_FOUND, SPACES(read_set, id, 4711, 1));

    for (unsigned i = 0; i < SG_UNREAD_MAX + 5; i++)
        (void)contract_say(&store, id, &bob, "more", NULL);
    assert_int_equal(SG_UNREAD_MAX, info_of(id, eve.id).unread);
    static struct space_info list[8];
    size_t count = 0;
    assert_int_equal(SG_OK, SPACES(list, eve.id, 8, list, &count));
    assert_int_equal(3, count);
    assert_int_equal(SG_UNREAD_MAX, list[1].unread);
    assert_int_equal(second, list[1].last_read);
    assert_int_equal(info_of(id, eve.id).head_seq, list[1].head_seq);
    assert_int_equal(0, list[0].unread);
}

int contract_spaces(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_direct, setup, teardown),
        cmocka_unit_test_setup_teardown(test_direct_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_create, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_update, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unread, setup, teardown),
    };
    tested = engine;
    print_message("spaces contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("spaces contract", tests, NULL, NULL);
}
