/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of moving files and directories, of the events of files, and of what messages link.
 */
#include "contract.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct contract_store store;
static const struct contract_engine *tested;
static struct user_record bob;
static int64_t common, own;
static struct arena *arena;

#define FILES(call, ...) store.files.vt->call(store.files.self, __VA_ARGS__)

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    common = contract_space_id(&store, "common", bob.id);
    own = contract_space_id(&store, "~bob", bob.id);
    arena = arena_new((size_t)8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    contract_store_fini(&store);
    return 0;
}

/* The new version; content is named by one byte. */
static uint64_t put(int64_t space, const char *path, uint8_t content)
{
    char copy[SG_PATH_SIZE];
    struct entry_record entry = {
        .path = copy, .size = content, .modified_ns = 1000 + content, .media_type = "x/y"};
    bool created;
    uint8_t old[SG_DIGEST_SIZE];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    (void)snprintf(entry.owner, sizeof(entry.owner), "writer%u", content);
    memset(entry.sha256, content, SG_DIGEST_SIZE);
    assert_int_equal(SG_OK, FILES(put, space, &entry, NULL, &contract_actor, &created, old));
    return entry.version;
}

struct moved {
    enum sg_err err;
    struct entry_record entry;
    uint8_t old[SG_DIGEST_SIZE];
};

static struct moved move(int64_t from_space, const char *from, int64_t to_space, const char *to,
                         bool overwrite, const struct entry_condition *condition)
{
    struct moved m = {.err = SG_OK};
    m.err = FILES(move, from_space, from, to_space, to, overwrite, condition, &contract_actor,
                  arena, &m.entry, m.old);
    return m;
}

static enum sg_err move_err(const char *from, const char *to)
{
    return move(common, from, common, to, false, NULL).err;
}

static unsigned look_in(int64_t space, const char *path)
{
    struct entry_record got;
    enum sg_err err = FILES(get, space, path, arena, &got);
    if (err == SG_ERR_NOT_FOUND)
        return 0;
    assert_int_equal(SG_OK, err);
    assert_string_equal(path, got.path);
    return got.type == SG_ENTRY_DIRECTORY ? 255 : got.sha256[0];
}

static unsigned look(const char *path)
{
    return look_in(common, path);
}

static size_t count_below(int64_t space, const char *dir, bool recursive)
{
    static struct entry_record page[100];
    struct entry_query q = {
        .space_id = space, .dir = dir, .prefix = "", .recursive = recursive, .limit = 100};
    size_t count = 0;
    bool more;
    assert_int_equal(SG_OK, FILES(list, &q, arena, page, &count, &more));
    return count;
}

static void test_move_file(void **state)
{
    (void)state;
    (void)put(common, "a", 1);
    (void)put(common, "a", 2);
    struct moved m = move(common, "a", common, "new/dir/b", false, NULL);
    assert_int_equal(SG_OK, m.err);
    assert_string_equal("new/dir/b", m.entry.path);
    assert_int_equal(SG_ENTRY_FILE, m.entry.type);
    assert_int_equal(2, m.entry.size);
    assert_int_equal(1002, m.entry.modified_ns);
    assert_string_equal("writer2", m.entry.owner);
    assert_string_equal("x/y", m.entry.media_type);
    assert_int_equal(0, m.old[0]);
    contract_store_reopen(&store);
    struct entry_record got;
    assert_int_equal(SG_OK, FILES(get, common, "new/dir/b", arena, &got));
    assert_int_equal(m.entry.version, got.version);
    assert_int_equal(1002, got.modified_ns);
    assert_int_equal(0, look("a"));
    assert_int_equal(255, look("new"));
    assert_int_equal(1, count_below(common, "new/dir", false));
    assert_int_equal(1, count_below(common, "", false));
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_MOVED, "\"from_path\":\"a\"");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_MOVED, "\"path\":\"new/dir/b\"");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_MOVED, "\"size\":2");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_MOVED, "\"sender\":\"actor\"");
}

static void test_move_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"f", "f"}, {"f", "g"},     {"f", "d"}, {"d", "f"},       {"d", "d"},
        {"d", "e"}, {"d", "d/sub"}, {"", "x"},  {"d", "d/x/y/z"}, {"f", ""},
    };
    struct moved m;
    (void)put(common, "f", 1);
    (void)put(common, "g", 2);
    (void)put(common, "d/x", 3);
    (void)put(common, "e/x", 4);
    size_t events = contract_event_count(&store, common);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(SG_ERR_CONFLICT, move_err(wrong[i][0], wrong[i][1]));
        if (i == 1) /* the one that overwriting allows */
            continue;
        m = move(common, wrong[i][0], common, wrong[i][1], true, NULL);
        assert_int_equal(SG_ERR_CONFLICT, m.err);
    }
    assert_int_equal(SG_ERR_NOT_FOUND, move_err("nothing", "x"));
    assert_int_equal(SG_ERR_NOT_FOUND, move_err("nothing", "f"));
    assert_int_equal(SG_ERR_NOT_FOUND, move_err("nothing", "nothing"));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, move_err("f", "g/x"));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, move_err("f", "f/x"));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, move_err("d", "g/x/y"));
    assert_int_equal(SG_ERR_NOT_FOUND, move(common, "f", 4711, "x", false, NULL).err);
    assert_int_equal(SG_ERR_NOT_FOUND, move(common, "f", 4711, "x/y", false, NULL).err);
    assert_int_equal(SG_ERR_NOT_FOUND, move(4711, "f", common, "x", false, NULL).err);
    assert_int_equal(events, contract_event_count(&store, common));
    assert_int_equal(6, count_below(common, "", true));

    struct entry_condition other = {.match_count = 1}, fits = {.match_count = 1};
    memset(other.match[0], 9, SG_DIGEST_SIZE);
    memset(fits.match[0], 1, SG_DIGEST_SIZE);
    assert_int_equal(SG_ERR_PRECONDITION, move(common, "f", common, "h/i", false, &other).err);
    assert_int_equal(SG_ERR_PRECONDITION, move(common, "d", common, "h", false, &other).err);
    assert_int_equal(SG_ERR_PRECONDITION, move(common, "f", common, "g", true, &other).err);
    assert_int_equal(2, look("g"));
    assert_int_equal(0, look("h"));
    assert_int_equal(SG_OK, move(common, "f", common, "h/i", false, &fits).err);
}

static void test_overwrite(void **state)
{
    (void)state;
    (void)put(common, "a", 1);
    (void)put(common, "b", 2);
    (void)put(common, "b", 3);
    struct moved m = move(common, "a", common, "b", true, NULL);
    assert_int_equal(SG_OK, m.err);
    assert_int_equal(3, m.old[0]);
    assert_int_equal(3, m.entry.version); /* the place's next one */
    assert_int_equal(1, look("b"));
    assert_int_equal(0, look("a"));
    assert_int_equal(1, count_below(common, "", true));
    uint8_t sha256[SG_DIGEST_SIZE];
    bool used = true;
    memset(sha256, 3, sizeof(sha256));
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
    assert_false(used);
    m = move(common, "b", common, "c", true, NULL); /* nothing is there */
    assert_int_equal(SG_OK, m.err);
    assert_int_equal(0, m.old[0]);
}

static void test_move_directory(void **state)
{
    (void)state;
    /* Neighbours in byte order, names of several bytes, the name again below. */
    static const char *const kept[] = {"\xc3\xa4-", "\xc3\xa4.x/b",
                                       "\xc3\xa4"
                                       "0",
                                       "\xc3\xa4\xc3\xa4"};
    static const char *const moved[] = {"/a", "/b/c", "/b/\xc3\xa4/d", "/\xc3\xa4",
                                        "/\xf0\x9f\x98\x80/e"};
    char from[64], to[64];
    for (size_t i = 0; i < 4; i++)
        (void)put(common, kept[i], (uint8_t)(10 + i));
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(from, sizeof(from), "\xc3\xa4%s", moved[i]);
        (void)put(common, from, (uint8_t)(20 + i));
    }
    size_t below = count_below(common, "\xc3\xa4", true), top = count_below(common, "", false);
    size_t events = contract_event_count(&store, common);
    struct moved m = move(common, "\xc3\xa4", common, "x/y", false, NULL);
    assert_int_equal(SG_OK, m.err);
    assert_int_equal(SG_ENTRY_DIRECTORY, m.entry.type);
    assert_string_equal("x/y", m.entry.path);
    assert_int_equal(0, m.entry.version);
    for (size_t i = 0; i < 5; i++) {
        (void)snprintf(to, sizeof(to), "x/y%s", moved[i]);
        assert_int_equal(20 + i, look(to));
        (void)snprintf(from, sizeof(from), "\xc3\xa4%s", moved[i]);
        assert_int_equal(0, look(from));
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(10 + i, look(kept[i]));
    assert_int_equal(below, count_below(common, "x/y", true));
    assert_int_equal(2, count_below(common, "x/y/b", false));
    assert_int_equal(top, count_below(common, "", false));
    assert_int_equal(events + 1, contract_event_count(&store, common));
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_MOVED, "\"directory\":true");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_MOVED, "\"path\":\"x/y\"");
    assert_int_equal(SG_OK, move_err("x/y/b", "x/b")); /* out of it again, and the empty rest */
    assert_int_equal(20 + 1, look("x/b/c"));
    bool created;
    char empty_path[] = "empty";
    struct entry_record empty = {.path = empty_path, .owner = "x"};
    assert_int_equal(SG_OK, FILES(mkdir, common, &empty, NULL, &created));
    assert_int_equal(SG_OK, move_err("empty", "x/empty"));
    assert_int_equal(255, look("x/empty"));
}

static void test_across_spaces(void **state)
{
    (void)state;
    (void)put(common, "f", 1);
    (void)put(common, "d/g", 2);
    (void)put(own, "f", 3);
    size_t here = contract_event_count(&store, common), there = contract_event_count(&store, own);
    assert_int_equal(SG_ERR_CONFLICT, move(common, "f", own, "f", false, NULL).err);
    assert_int_equal(SG_OK, move(common, "f", own, "f", true, NULL).err);
    assert_int_equal(1, look_in(own, "f"));
    assert_int_equal(0, look("f"));
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_DELETED, "\"path\":\"f\"");
    contract_event_expect(&store, own, 0, SG_EVENT_FILE_STORED, "\"path\":\"f\"");
    contract_event_expect(&store, own, 0, SG_EVENT_FILE_STORED, "\"version\":2");
    assert_int_equal(SG_OK, move(common, "d", own, "d", false, NULL).err); /* the same path */
    assert_int_equal(2, look_in(own, "d/g"));
    assert_int_equal(0, look("d/g"));
    assert_int_equal(0, look("d"));
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_DELETED, "\"directory\":true");
    contract_event_expect(&store, own, 0, SG_EVENT_FILE_MOVED, "\"directory\":true");
    assert_int_equal(SG_OK, move(own, "d", common, "d/in/itself", false, NULL).err);
    assert_int_equal(2, look("d/in/itself/g"));
    assert_int_equal(here + 3, contract_event_count(&store, common));
    assert_int_equal(there + 3, contract_event_count(&store, own));
}

/* What could not be asked for at its new place is not moved there. */
static void test_too_long(void **state)
{
    (void)state;
    char deep[2 * SG_PATH_SIZE] = "d", target[SG_PATH_SIZE] = "t", name[256];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (unsigned i = 0; i < 8; i++)
        (void)snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "/%s", name);
    for (unsigned i = 0; i < 8; i++)
        (void)snprintf(target + strlen(target), sizeof(target) - strlen(target), "/%s", name);
    (void)put(common, deep, 1);
    assert_int_equal(SG_ERR_BAD_PATH, move_err("d", target));
    assert_int_equal(0, look("t"));
    *strrchr(target, '/') = '\0';
    assert_int_equal(SG_OK, move_err("d", target));
    (void)snprintf(deep, sizeof(deep), "e");
    (void)snprintf(target, sizeof(target), "f");
    for (unsigned i = 1; i < 64; i++) {
        (void)snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep), "/%u", i);
        (void)snprintf(target + strlen(target), sizeof(target) - strlen(target), "/%u", i);
    }
    (void)put(common, deep, 1);
    /* 64 segments of the target and 63 below are as many as may be. */
    assert_int_equal(SG_OK, move_err("e", target));
    assert_int_equal(SG_ERR_BAD_PATH, move_err("f", "g/h"));
    assert_int_equal(SG_OK, move_err("f", "g"));
}

/* -- events and links ---------------------------------------------------------------------------
 */

static void test_events(void **state)
{
    (void)state;
    bool created;
    char path[] = "made/dir";
    struct entry_record dir = {.path = path, .owner = "x"};
    (void)put(common, "d/a", 5);
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_STORED, "\"path\":\"d/a\"");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_STORED, "\"media_type\":\"x/y\"");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_STORED, "\"sha256\":\"0505");
    (void)put(common, "d/a", 6);
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_STORED, "\"version\":2");
    assert_int_equal(2, contract_event_count(&store, common));
    assert_int_equal(SG_OK, FILES(mkdir, common, &dir, NULL, &created));
    assert_int_equal(2, contract_event_count(&store, common));
    assert_int_equal(SG_OK, FILES(remove, common, "d/a", false, NULL, &contract_actor));
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_DELETED, "\"path\":\"d/a\"");
    (void)put(common, "d/e/f", 7);
    assert_int_equal(SG_OK, FILES(remove, common, "d", true, NULL, &contract_actor));
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_DELETED, "\"directory\":true");
    contract_event_expect(&store, common, 0, SG_EVENT_FILE_DELETED, "\"path\":\"d\"");
    assert_int_equal(5, contract_event_count(&store, common));
    /* What is refused is no event. */
    const struct entry_condition create = {.must_not_exist = true};
    assert_int_equal(SG_ERR_NOT_FOUND, FILES(remove, common, "d", true, NULL, &contract_actor));
    assert_int_equal(SG_ERR_PRECONDITION,
                     FILES(remove, common, "made", true, &create, &contract_actor));
    assert_int_equal(5, contract_event_count(&store, common));
}

static unsigned linked(const char *path, uint64_t version)
{
    struct entry_record got;
    enum sg_err err =
        store.events.vt->linked_file(store.events.self, common, path, version, arena, &got);
    assert_true(err == SG_OK || err == SG_ERR_NOT_FOUND);
    return err ? 0 : got.sha256[0];
}

static bool is_used(uint8_t content)
{
    uint8_t sha256[SG_DIGEST_SIZE];
    bool used = false;
    memset(sha256, content, sizeof(sha256));
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
    return used;
}

/* A version that a message links means the same content as long as it is linked. */
static void test_links(void **state)
{
    (void)state;
    (void)put(common, "a", 1);
    uint64_t seq = contract_say(&store, common, &bob, "see", "a");
    assert_int_equal(SG_OK, FILES(remove, common, "a", false, NULL, &contract_actor));
    assert_true(is_used(1));
    assert_int_equal(1, linked("a", 1));
    assert_int_equal(2, put(common, "a", 2));
    assert_int_equal(1, linked("a", 1));
    assert_int_equal(0, linked("a", 2));
    (void)put(common, "b", 3);
    (void)contract_say(&store, common, &bob, "see", "b");
    assert_int_equal(SG_OK, move_err("b", "c"));
    assert_int_equal(3, linked("b", 1));
    (void)put(common, "d/b", 4);
    struct moved m = move(common, "d/b", common, "b", false, NULL);
    assert_int_equal(2, m.entry.version);
    (void)put(common, "d/b", 5);
    (void)contract_say(&store, common, &bob, "see", "d/b");
    assert_int_equal(SG_OK, FILES(remove, common, "d", true, NULL, &contract_actor));
    (void)put(common, "e/b", 6);
    assert_int_equal(SG_OK, move_err("e", "d"));
    struct entry_record got;
    assert_int_equal(SG_OK, FILES(get, common, "d/b", arena, &got));
    assert_int_equal(2, got.version);
    assert_int_equal(5, linked("d/b", 1));
    /* With the message goes its link. */
    struct event *event = NULL;
    struct event_revision gone = {
        .space_id = common, .target = seq, .actor_id = bob.id, .actor = bob.name, .now_ns = 2000};
    assert_int_equal(SG_OK, store.events.vt->revise(store.events.self, &gone, &event));
    event_unref(event);
    assert_int_equal(0, linked("a", 1));
    assert_false(is_used(1));
    assert_true(is_used(3));
}

/* -- at the same time ---------------------------------------------------------------------------
 */

static void move_back_and_forth(void *ctx, size_t index)
{
    atomic_size_t *bad = ctx;
    struct arena *mine = arena_new(65536);
    for (unsigned i = 0; i < 50; i++) {
        struct entry_record entry;
        uint8_t old[SG_DIGEST_SIZE];
        bool there = (index + i) % 2;
        enum sg_err err =
            FILES(move, there ? common : own, there ? "d" : "x/d", there ? own : common,
                  there ? "x/d" : "d", false, NULL, &contract_actor, mine, &entry, old);
        if (err && err != SG_ERR_NOT_FOUND)
            atomic_fetch_add(bad, 1);
    }
    arena_free(mine);
}

static void test_move_race(void **state)
{
    (void)state;
    atomic_size_t bad = 0;
    (void)put(common, "d/a", 1);
    (void)put(common, "d/e/b", 2);
    contract_threads(8, move_back_and_forth, &bad);
    assert_int_equal(0, bad);
    assert_int_equal(1, look("d/a") + look_in(own, "x/d/a"));
    assert_int_equal(2, look("d/e/b") + look_in(own, "x/d/e/b"));
    assert_int_equal(255, look("d") + look_in(own, "x/d"));
}

int contract_files_move(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_move_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_overwrite, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_across_spaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_links, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move_race, setup, teardown),
    };
    tested = engine;
    print_message("moving contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("moving contract", tests, NULL, NULL);
}
