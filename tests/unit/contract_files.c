/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of file trees: rules, conditions, races, crashes, a full disk. Order and paging:
 * contract_files_order.c. */
#include "contract.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static struct contract_store store;
static const struct contract_engine *tested;
static int64_t common;
static struct arena *arena;

#define FILES(call, ...) store.files.vt->call(store.files.self, __VA_ARGS__)

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    common = contract_space_id(&store, "common", 0);
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

struct result {
    enum sg_err err;
    bool created;
    struct entry_record entry;
    uint8_t old[SG_DIGEST_SIZE];
};

/* Content is named by one byte. Usable in threads. */
static struct result put(int64_t space, const char *path, uint8_t content,
                         const struct entry_condition *condition)
{
    char copy[SG_PATH_SIZE];
    struct result r = {.entry = {.path = copy, .size = content, .modified_ns = 1000 + content}};
    (void)snprintf(copy, sizeof(copy), "%s", path);
    memset(r.entry.sha256, content, SG_DIGEST_SIZE);
    (void)snprintf(r.entry.owner, sizeof(r.entry.owner), "writer%u", content);
    (void)snprintf(r.entry.media_type, sizeof(r.entry.media_type), "x/%u", content);
    r.err = FILES(put, space, &r.entry, condition, &contract_actor, &r.created, r.old);
    r.entry.path = NULL;
    return r;
}

static enum sg_err put_err(const char *path, uint8_t content,
                           const struct entry_condition *condition)
{
    return put(common, path, content, condition).err;
}

static enum sg_err mkdir_err(const char *path, const struct entry_condition *condition,
                             bool *ret_created)
{
    char copy[SG_PATH_SIZE];
    struct entry_record entry = {.path = copy, .modified_ns = 7, .owner = "maker"};
    (void)snprintf(copy, sizeof(copy), "%s", path);
    return FILES(mkdir, common, &entry, condition, ret_created);
}

/* Content of a file; 0: none, 255: a directory. */
static unsigned look(const char *path)
{
    struct entry_record got;
    enum sg_err err = FILES(get, common, path, arena, &got);
    if (err == SG_ERR_NOT_FOUND)
        return 0;
    assert_int_equal(SG_OK, err);
    assert_string_equal(path, got.path);
    return got.type == SG_ENTRY_DIRECTORY ? 255 : got.sha256[0];
}

static void test_spaces(void **state)
{
    (void)state;
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_GUEST);
    int64_t own = contract_space_id(&store, "~bob", bob.id);
    /* The same path in two spaces is two entries. */
    assert_int_equal(SG_OK, put(own, "a", 1, NULL).err);
    assert_int_equal(0, look("a"));
    assert_int_equal(SG_ERR_NOT_FOUND, put(4711, "a", 1, NULL).err);
    assert_int_equal(SG_ERR_NOT_FOUND, put(4711, "d/a", 1, NULL).err);
}

static void test_put_and_get(void **state)
{
    (void)state;
    struct entry_record got;
    struct result r = put(common, "docs/2026/a.txt", 1, NULL);
    assert_int_equal(SG_OK, r.err);
    assert_true(r.created);
    assert_int_equal(1, r.entry.version);
    assert_int_equal(0, r.old[0]);
    r = put(common, "docs/2026/a.txt", 2, NULL);
    assert_false(r.created);
    assert_int_equal(2, r.entry.version);
    assert_int_equal(1, r.old[0]);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(SG_OK, FILES(get, common, "docs/2026/a.txt", arena, &got));
        assert_string_equal("docs/2026/a.txt", got.path);
        assert_int_equal(SG_ENTRY_FILE, got.type);
        assert_int_equal(2, got.size);
        assert_int_equal(2, got.sha256[31]);
        assert_int_equal(1002, got.modified_ns);
        assert_int_equal(2, got.version);
        assert_string_equal("writer2", got.owner);
        assert_string_equal("x/2", got.media_type);
        assert_int_equal(SG_OK, FILES(get, common, "docs/2026", arena, &got));
        assert_int_equal(SG_ENTRY_DIRECTORY, got.type);
        assert_int_equal(0, got.size);
        assert_int_equal(0, got.version);
        assert_int_equal(1001, got.modified_ns);
        assert_string_equal("writer1", got.owner);
        assert_int_equal(SG_OK, FILES(get, common, "", arena, &got));
        assert_int_equal(SG_ENTRY_DIRECTORY, got.type);
        contract_store_reopen(&store);
    }
    assert_int_equal(0, look("docs/2026/a"));
    assert_int_equal(0, look("docs/2026/a.txt/x"));
}

static void test_tree_rules(void **state)
{
    (void)state;
    bool created = true;
    assert_int_equal(SG_OK, put_err("a", 1, NULL));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, put_err("a/b", 1, NULL));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, put_err("a/b/c/d", 1, NULL));
    assert_int_equal(0, look("a/b"));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, mkdir_err("a/b", NULL, &created));
    assert_int_equal(SG_ERR_CONFLICT, mkdir_err("a", NULL, &created));
    assert_int_equal(SG_OK, mkdir_err("d/e", NULL, &created));
    assert_true(created);
    assert_int_equal(255, look("d"));
    assert_int_equal(SG_OK, mkdir_err("d/e", NULL, &created));
    assert_false(created);
    assert_int_equal(SG_OK, mkdir_err("", NULL, &created));
    assert_false(created);
    assert_int_equal(SG_ERR_IS_DIRECTORY, put_err("d", 1, NULL));
    assert_int_equal(SG_ERR_IS_DIRECTORY, put_err("", 1, NULL));
    assert_int_equal(SG_OK, put_err("d/e/f", 1, NULL));

    assert_int_equal(SG_ERR_NOT_FOUND, FILES(remove, common, "x", false, NULL, &contract_actor));
    assert_int_equal(SG_ERR_CONFLICT, FILES(remove, common, "", true, NULL, &contract_actor));
    assert_int_equal(SG_ERR_NOT_EMPTY, FILES(remove, common, "d", false, NULL, &contract_actor));
    assert_int_equal(SG_OK, FILES(remove, common, "d/e/f", true, NULL, &contract_actor));
    assert_int_equal(SG_OK, FILES(remove, common, "d/e", false, NULL, &contract_actor));
    assert_int_equal(SG_OK, FILES(remove, common, "d", false, NULL, &contract_actor));
    assert_int_equal(0, look("d"));
    /* Neighbours in byte order survive the removal of a tree. */
    static const char *const kept[] = {"t-", "t!x", "t0", "t.a/b", "t0/a", "s", "tt"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (put_err(kept[i], 9, NULL) == SG_ERR_IS_DIRECTORY)
            fail();
        else if (i == 3)
            assert_int_equal(SG_OK, FILES(remove, common, "t0", false, NULL, &contract_actor));
    assert_int_equal(SG_OK, put_err("t/a/b/c", 1, NULL));
    assert_int_equal(SG_OK, put_err("t/z", 1, NULL));
    assert_int_equal(SG_OK, FILES(remove, common, "t", true, NULL, &contract_actor));
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        assert_int_equal(i == 2 ? 255 : 9, look(kept[i]));
    assert_int_equal(0, look("t/a/b"));
    assert_int_equal(0, look("t"));
}

static struct entry_condition match(uint8_t first, uint8_t second)
{
    struct entry_condition c = {.match_count = 2};
    memset(c.match[0], first, SG_DIGEST_SIZE);
    memset(c.match[1], second, SG_DIGEST_SIZE);
    return c;
}

static void test_conditions(void **state)
{
    (void)state;
    const struct entry_condition create = {.must_not_exist = true}, exist = {.must_exist = true};
    struct entry_condition one = match(1, 2), other = match(8, 9);
    bool created;
    assert_int_equal(SG_ERR_PRECONDITION, put_err("p/f", 1, &exist));
    assert_int_equal(SG_ERR_PRECONDITION, put_err("p/f", 1, &one));
    assert_int_equal(0, look("p")); /* nothing of it stays */
    assert_int_equal(SG_OK, put_err("p/f", 1, &create));
    assert_int_equal(SG_ERR_PRECONDITION, put_err("p/f", 2, &create));
    assert_int_equal(SG_ERR_PRECONDITION, put_err("p/f", 2, &other));
    assert_int_equal(1, look("p/f"));
    assert_int_equal(SG_OK, put_err("p/f", 2, &one));
    assert_int_equal(SG_OK, put_err("p/f", 3, &exist));
    /* What would fail anyway keeps its own error. */
    assert_int_equal(SG_ERR_IS_DIRECTORY, put_err("p", 1, &create));
    assert_int_equal(SG_ERR_NOT_DIRECTORY, put_err("p/f/x", 1, &exist));
    assert_int_equal(SG_ERR_NOT_FOUND, FILES(remove, common, "p/x", false, &one, &contract_actor));
    assert_int_equal(SG_ERR_PRECONDITION,
                     FILES(remove, common, "p/f", false, &one, &contract_actor));
    assert_int_equal(SG_ERR_PRECONDITION, FILES(remove, common, "p", true, &one, &contract_actor));
    assert_int_equal(SG_ERR_PRECONDITION, mkdir_err("p", &create, &created));
    assert_int_equal(SG_ERR_PRECONDITION, mkdir_err("q", &exist, &created));
    assert_int_equal(SG_OK, mkdir_err("p", &exist, &created));
    one = match(3, 3);
    assert_int_equal(SG_OK, FILES(remove, common, "p/f", false, &one, &contract_actor));
}

static void test_blob_used(void **state)
{
    (void)state;
    uint8_t sha256[SG_DIGEST_SIZE];
    bool used = true;
    memset(sha256, 5, sizeof(sha256));
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
    assert_false(used);
    assert_int_equal(SG_OK, put_err("a", 5, NULL));
    assert_int_equal(SG_OK, put_err("b", 5, NULL));
    assert_int_equal(SG_OK, FILES(remove, common, "a", false, NULL, &contract_actor));
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
    assert_true(used);
    assert_int_equal(SG_OK, put_err("b", 6, NULL));
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
    assert_false(used);
    memset(sha256, 0, sizeof(sha256)); /* directories refer to nothing */
    assert_int_equal(SG_OK, put_err("d/e", 5, NULL));
    assert_int_equal(SG_OK, FILES(blob_used, sha256, &used));
    assert_false(used);
}

/* -- at the same time ---------------------------------------------------------------------------
 */

struct race {
    struct entry_condition condition;
    atomic_size_t won, refused, other;
    atomic_size_t winner;
};

static void race_put(void *ctx, size_t index)
{
    struct race *race = ctx;
    enum sg_err err = put_err("deep/dir/file", (uint8_t)(10 + index), &race->condition);
    if (!err)
        atomic_store(&race->winner, 10 + index);
    atomic_fetch_add(!err                         ? &race->won
                     : err == SG_ERR_PRECONDITION ? &race->refused
                                                  : &race->other,
                     1);
}

static void test_put_race(void **state)
{
    (void)state;
    struct race create = {.condition = {.must_not_exist = true}};
    contract_threads(16, race_put, &create);
    assert_int_equal(1, create.won);
    assert_int_equal(15, create.refused);
    assert_int_equal(create.winner, look("deep/dir/file"));
    assert_int_equal(SG_OK, put_err("deep/dir/file", 1, NULL));
    for (unsigned round = 0; round < 20; round++) { /* compare and swap: exactly one each time */
        unsigned before = look("deep/dir/file");
        struct race swap = {.condition = match((uint8_t)before, (uint8_t)before)};
        contract_threads(8, race_put, &swap);
        assert_int_equal(1, swap.won);
        assert_int_equal(7, swap.refused);
        assert_int_equal(swap.winner, look("deep/dir/file"));
        assert_int_equal(SG_OK, put_err("deep/dir/file", (uint8_t)(100 + round), NULL));
    }
}

/* Files and a directory of the same name: whoever comes first, the tree stays a tree. */
static void race_tree(void *ctx, size_t index)
{
    atomic_size_t *bad = ctx;
    for (unsigned i = 0; i < 50; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), index % 2 ? "n%u" : "n%u/x", i);
        enum sg_err err = put_err(path, (uint8_t)(index + 1), NULL);
        if (err && err != SG_ERR_NOT_DIRECTORY && err != SG_ERR_IS_DIRECTORY)
            atomic_fetch_add(bad, 1);
    }
}

static void test_tree_race(void **state)
{
    (void)state;
    atomic_size_t bad = 0;
    contract_threads(8, race_tree, &bad);
    assert_int_equal(0, bad);
    for (unsigned i = 0; i < 50; i++) {
        char file[32], child[32];
        (void)snprintf(file, sizeof(file), "n%u", i);
        (void)snprintf(child, sizeof(child), "n%u/x", i);
        unsigned at = look(file), below = look(child);
        assert_true(at != 0 && (at == 255) == (below != 0));
    }
}

/* -- crashes and full disks ---------------------------------------------------------------------
 */

struct ack {
    uint32_t thread, number;
};

struct crash {
    const char *dir;
    unsigned round;
    int fd;
};

static void crash_path(char ret[64], unsigned round, struct ack ack)
{
    (void)snprintf(ret, 64, "r%u/t%u/f%u", round, ack.thread, ack.number);
}

static void crash_writer(void *ctx, size_t index)
{
    const struct crash *crash = ctx;
    for (uint32_t i = 0;; i++) {
        struct ack ack = {.thread = (uint32_t)index, .number = i};
        char path[64];
        crash_path(path, crash->round, ack);
        if (put_err(path, (uint8_t)(i % 250 + 1), NULL) != SG_OK)
            _exit(1);
        if (write(crash->fd, &ack, sizeof(ack)) != (ssize_t)sizeof(ack))
            _exit(1);
    }
}

static void crash_child(void *ctx, int fd)
{
    struct crash *crash = ctx;
    void *handle = NULL;
    crash->fd = fd;
    if (tested->open(crash->dir, &handle) != SG_OK)
        _exit(1);
    store.files = tested->files(handle);
    contract_threads(4, crash_writer, crash);
}

static void test_crash(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        struct crash crash = {.dir = store.dir, .round = round};
        size_t count = 0;
        tested->close(store.handle);
        uint8_t *acks =
            contract_crash(crash_child, &crash, sizeof(struct ack), 50 + 40 * round, &count);
        assert_int_equal(SG_OK, tested->open(store.dir, &store.handle));
        store.files = tested->files(store.handle);
        for (size_t i = 0; i < count; i++) {
            struct ack ack;
            char path[64];
            memcpy(&ack, acks + i * sizeof(ack), sizeof(ack));
            crash_path(path, round, ack);
            assert_int_equal(ack.number % 250 + 1, look(path));
        }
        free(acks);
        arena_free(arena);
        arena = arena_new((size_t)8 << 20);
    }
}

static void test_full_disk(void **state)
{
    (void)state;
    char path[300];
    size_t stored = 0;
    enum sg_err err = SG_OK;
    tested->close(store.handle);
    bool mounted = contract_disk_mount(store.dir, (size_t)3 << 20);
    char *ballast = file_join(store.dir, "ballast");
    if (mounted) {
        uint8_t block[4096] = {1};
        SG_FD_CLEANUP int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        for (unsigned i = 0; i < 256; i++)
            assert_int_equal(SG_OK, file_write_all(fd, block, sizeof(block)));
    }
    assert_int_equal(SG_OK, tested->open(store.dir, &store.handle));
    store.files = tested->files(store.handle);
    for (; mounted && !err && stored < 100000; stored++) {
        (void)snprintf(path, sizeof(path), "%0200zu", stored);
        err = put_err(path, 1, NULL);
    }
    if (mounted) {
        stored--;
        print_message("%zu entries until the disk was full\n", stored);
        assert_int_equal(SG_ERR_NO_SPACE, err);
        assert_int_equal(SG_ERR_NO_SPACE, put_err(path, 1, NULL));
        assert_int_equal(SG_ERR_NO_SPACE, tested->status(store.handle));
        assert_int_equal(0, look(path));
        (void)snprintf(path, sizeof(path), "%0200zu", stored - 1);
        assert_int_equal(1, look(path));
        assert_int_equal(0, unlink(ballast)); /* room again: it goes on, without help */
        assert_int_equal(SG_OK, put_err("after", 3, NULL));
        assert_int_equal(SG_OK, tested->status(store.handle));
        contract_store_reopen(&store);
        for (size_t i = 0; i < stored; i++) {
            (void)snprintf(path, sizeof(path), "%0200zu", i);
            assert_int_equal(1, look(path));
        }
        assert_int_equal(3, look("after"));
        tested->close(store.handle);
        contract_disk_unmount(store.dir);
        assert_int_equal(SG_OK, tested->open(store.dir, &store.handle));
    }
    free(ballast);
}

int contract_files(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_spaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_and_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conditions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blob_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tree_race, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    tested = engine;
    print_message("files contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("files contract", tests, NULL, NULL);
}
