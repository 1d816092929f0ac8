/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of listings: a random tree against a plain model of it, every order, page size and
 * prefix. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES     1000
#define MODEL_MAX   4000
#define PATH_MAX_   160
#define ARENA_BYTES ((size_t)16 << 20)

struct model_entry {
    char path[PATH_MAX_];
    bool directory;
    uint64_t size;
    int64_t modified_ns;
};

static struct contract_store store;
static const struct contract_engine *tested;
static int64_t common;
static struct model_entry model[MODEL_MAX];
static size_t model_count;
static uint64_t seed = 20261120;

#define FILES(call, ...) store.files.vt->call(store.files.self, __VA_ARGS__)

static struct model_entry *model_find(const char *path)
{
    for (size_t i = 0; i < model_count; i++)
        if (strcmp(model[i].path, path) == 0)
            return &model[i];
    return NULL;
}

static struct model_entry *model_add(const char *path)
{
    assert_true(model_count < MODEL_MAX);
    struct model_entry *e = &model[model_count++];
    memset(e, 0, sizeof(*e));
    (void)snprintf(e->path, sizeof(e->path), "%s", path);
    return e;
}

/* What a put must do, on the model. */
static enum sg_err model_put(const char *path, uint64_t size, int64_t modified_ns)
{
    char above[PATH_MAX_];
    struct model_entry *there = model_find(path);
    if (there && there->directory)
        return SG_ERR_IS_DIRECTORY;
    (void)snprintf(above, sizeof(above), "%s", path);
    for (char *slash = strchr(above, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        struct model_entry *dir = model_find(above);
        if (dir && !dir->directory)
            return SG_ERR_NOT_DIRECTORY;
        *slash = '/';
    }
    for (char *slash = strchr(above, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!model_find(above)) {
            struct model_entry *dir = model_add(above);
            dir->directory = true;
            dir->modified_ns = modified_ns;
        }
        *slash = '/';
    }
    if (!there)
        there = model_add(path);
    there->size = size;
    there->modified_ns = modified_ns;
    return SG_OK;
}

static void random_path(char ret[PATH_MAX_])
{
    static const char *const names[] = {"a",  "b",  "c",        "a-b", "a.b", "a!",
                                        "a0", "ab", "\xc3\xa4", "z",   "A",   "\xf0\x9f\x98\x80",
                                        "~",  "a b"};
    unsigned depth = 1 + contract_random(&seed) % 4;
    size_t len = 0;
    for (unsigned i = 0; i < depth; i++) {
        bool last = i + 1 == depth;
        len += (size_t)snprintf(ret + len, PATH_MAX_ - len, "%s%s", i ? "/" : "",
                                names[contract_random(&seed) % (last ? 14 : 6)]);
        if (last && contract_random(&seed) % 4)
            (void)snprintf(ret + len, PATH_MAX_ - len, "%u", contract_random(&seed) % 500);
    }
}

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    common = contract_space_id(&store, "common", 0);
    /* Another space must never show up. */
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    int64_t own = contract_space_id(&store, "~bob", bob.id);
    print_message("random tree from seed %llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < ENTRIES; i++) {
        char path[PATH_MAX_];
        bool created;
        uint8_t old[SG_DIGEST_SIZE];
        random_path(path);
        struct entry_record entry = {.path = path,
                                     .size = contract_random(&seed) % 20,
                                     .modified_ns = (int64_t)(contract_random(&seed) % 40) - 20,
                                     .sha256 = {1}};
        enum sg_err expected = model_put(path, entry.size, entry.modified_ns);
        assert_int_equal(expected,
                         FILES(put, common, &entry, NULL, &contract_actor, &created, old));
        if (i % 10 == 0) {
            enum sg_err err = FILES(put, own, &entry, NULL, &contract_actor, &created, old);
            assert_true(err == SG_OK || err == SG_ERR_IS_DIRECTORY || err == SG_ERR_NOT_DIRECTORY);
        }
    }
    print_message("%zu entries\n", model_count);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    contract_store_fini(&store);
    return 0;
}

/* -- the reference ------------------------------------------------------------------------------
 */

static enum entry_sort by;

static int compare(const void *left, const void *right)
{
    const struct model_entry *a = *(struct model_entry *const *)left;
    const struct model_entry *b = *(struct model_entry *const *)right;
    if (by == SG_SORT_SIZE && a->size != b->size)
        return a->size < b->size ? -1 : 1;
    if (by == SG_SORT_MODIFIED && a->modified_ns != b->modified_ns)
        return a->modified_ns < b->modified_ns ? -1 : 1;
    return strcmp(a->path, b->path);
}

static size_t reference(const struct entry_query *q, struct model_entry **ret)
{
    size_t count = 0, dir = strlen(q->dir);
    for (size_t i = 0; i < model_count; i++) {
        const char *path = model[i].path;
        if (dir > 0 && (strncmp(path, q->dir, dir) != 0 || path[dir] != '/'))
            continue;
        const char *below = path + (dir ? dir + 1 : 0);
        if (!q->recursive && strchr(below, '/'))
            continue;
        if (strncmp(below, q->prefix, strlen(q->prefix)) == 0)
            ret[count++] = &model[i];
    }
    by = q->sort;
    qsort(ret, count, sizeof(struct model_entry *), compare);
    for (size_t i = 0; q->descending && i < count / 2; i++) {
        struct model_entry *other = ret[i];
        ret[i] = ret[count - 1 - i];
        ret[count - 1 - i] = other;
    }
    return count;
}

/* Pages through a listing and compares every row. */
static void check_listing(struct entry_query q, size_t limit)
{
    static struct model_entry *expected[MODEL_MAX];
    static struct entry_record page[1000];
    size_t count = reference(&q, expected), seen = 0, got = 0;
    struct arena *arena = arena_new(ARENA_BYTES);
    bool more = true;
    q.limit = limit;
    while (more) {
        assert_int_equal(SG_OK, FILES(list, &q, arena, page, &got, &more));
        assert_true(got <= limit && seen + got <= count && (got == limit || !more));
        for (size_t i = 0; i < got; i++) {
            const struct model_entry *e = expected[seen++];
            assert_string_equal(e->path, page[i].path);
            assert_int_equal(e->directory, page[i].type == SG_ENTRY_DIRECTORY);
            assert_int_equal(e->size, page[i].size);
            assert_int_equal(e->modified_ns, page[i].modified_ns);
        }
        if (got > 0) {
            q.after_path = page[got - 1].path;
            q.after_size = page[got - 1].size;
            q.after_modified_ns = page[got - 1].modified_ns;
        }
    }
    assert_int_equal(count, seen);
    arena_free(arena);
}

static void test_all_orders(void **state)
{
    (void)state;
    static const char *const dirs[] = {"", "a", "a/b", "a-b", "c/a"};
    static const char *const prefixes[] = {"", "a", "a-", "b/a", "\xc3", "zz"};
    static const size_t limits[] = {1, 2, 7, 100, 999, 1000};
    size_t listings = 0;
    for (unsigned d = 0; d < 5; d++)
        for (unsigned p = 0; p < 6; p++)
            for (unsigned order = 0; order < 12; order++)
                for (unsigned l = 0; l < 6; l++) {
                    struct model_entry *dir = model_find(dirs[d]);
                    if (d > 0 && (!dir || !dir->directory))
                        continue;
                    if (limits[l] < 7 && d == 0 && p == 0 && order % 3 != 0)
                        continue; /* one row at a time: by name is enough for the whole tree */
                    struct entry_query q = {.space_id = common,
                                            .dir = dirs[d],
                                            .prefix = prefixes[p],
                                            .sort = (enum entry_sort)(order % 3),
                                            .descending = order / 3 % 2,
                                            .recursive = order / 6};
                    check_listing(q, limits[l]);
                    listings++;
                }
    print_message("%zu listings compared\n", listings);
    assert_true(listings > 1000);
}

static void test_errors(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct entry_record page[4];
    size_t count;
    bool more;
    const char *file = NULL;
    for (size_t i = 0; i < model_count && !file; i++)
        file = model[i].directory ? NULL : model[i].path;
    struct entry_query q = {.space_id = common, .dir = "none/there", .prefix = "", .limit = 4};
    assert_int_equal(SG_ERR_NOT_FOUND, FILES(list, &q, arena, page, &count, &more));
    q.dir = file;
    assert_int_equal(SG_ERR_NOT_DIRECTORY, FILES(list, &q, arena, page, &count, &more));
    q.dir = "";
    q.space_id = 4711;
    assert_int_equal(SG_ERR_NOT_FOUND, FILES(list, &q, arena, page, &count, &more));
    arena_free(arena);
}

/* Rows that come and go while somebody pages never hide or repeat the others. */
static void test_changes_between_pages(void **state)
{
    (void)state;
    struct arena *arena = arena_new(ARENA_BYTES);
    struct entry_record page[2];
    size_t count = 0;
    bool more = true, created;
    uint8_t old[SG_DIGEST_SIZE];
    char names[][8] = {"m/1", "m/3", "m/5", "m/7", "m/9"};
    for (unsigned i = 0; i < 5; i++) {
        struct entry_record entry = {.path = names[i]};
        assert_int_equal(SG_OK, FILES(put, common, &entry, NULL, &contract_actor, &created, old));
    }
    struct entry_query q = {.space_id = common, .dir = "m", .prefix = "", .limit = 2};
    assert_int_equal(SG_OK, FILES(list, &q, arena, page, &count, &more));
    assert_string_equal("m/3", page[1].path);
    q.after_path = page[1].path;
    struct entry_record before = {.path = (char[]){"m/2"}}, after = {.path = (char[]){"m/4"}};
    assert_int_equal(SG_OK, FILES(put, common, &before, NULL, &contract_actor, &created, old));
    assert_int_equal(SG_OK, FILES(put, common, &after, NULL, &contract_actor, &created, old));
    assert_int_equal(SG_OK, FILES(remove, common, "m/3", false, NULL,
                                  &contract_actor)); /* the cursor's own row */
    assert_int_equal(SG_OK, FILES(list, &q, arena, page, &count, &more));
    assert_int_equal(2, count);
    assert_string_equal("m/4", page[0].path);
    assert_string_equal("m/5", page[1].path);
    assert_true(more);
    arena_free(arena);
}

int contract_files_order(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_orders),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_changes_between_pages),
    };
    tested = engine;
    model_count = 0;
    print_message("listing contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("listing contract", tests, setup, teardown);
}
