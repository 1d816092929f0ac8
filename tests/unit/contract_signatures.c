/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of the index of signatures: batches as they were given, pages by everything that can
 * be asked for, gaps, events of the same write, and what 10,000 rows cost. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LARGE   10000
#define HOUR_NS (INT64_C(3600) * 1000000000)

static struct contract_store store;
static const struct contract_engine *tested;
static struct arena *arena;
static const struct space_actor nobody = {.user_id = 0, .name = "", .now_ns = 0};

#define SIGNATURES(call, ...) store.signatures.vt->call(store.signatures.self, __VA_ARGS__)

static int setup(void **state)
{
    (void)state;
    contract_store_init(&store, tested);
    arena = arena_new(256 << 20);
    return arena == NULL;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    contract_store_fini(&store);
    return 0;
}

/* A row with everything derived from its number. */
static struct signature_row row_of(uint64_t index, const char *key, int64_t ns)
{
    struct signature_row row = {.index = index, .timestamp_ns = ns, .key = key};
    row.sha256[0] = (uint8_t)(index % 7);
    row.package = index % 2 ? "odd" : "even";
    row.record = arena_printf(arena, "{\"n\":%llu}", (unsigned long long)index);
    assert_non_null(row.record);
    row.record_len = strlen(row.record);
    row.signature = (const uint8_t *)"sig\0nature";
    row.signature_len = 10;
    return row;
}

static struct signature_batch batch_of(uint64_t first, size_t count, const char *key, int64_t ns)
{
    struct signature_row *rows = arena_alloc(arena, count * sizeof(*rows));
    assert_non_null(rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = row_of(first + i, key, ns);
    return (struct signature_batch){.first = first,
                                    .rows = rows,
                                    .count = count,
                                    .key = key,
                                    .timestamp_ns = ns,
                                    .tree_size = first + count,
                                    .actor = nobody};
}

static void add(uint64_t first, size_t count, const char *key, int64_t ns)
{
    struct signature_batch batch = batch_of(first, count, key, ns);
    assert_int_equal(SG_OK, SIGNATURES(add, &batch));
}

static void test_get(void **state)
{
    (void)state;
    struct signature_batch batch = batch_of(40, 3, "release", 77);
    struct signature_row *rows = arena_alloc(arena, sizeof(*rows) * 3), got;
    const char *note = NULL;
    uint64_t size = 0;
    memcpy(rows, batch.rows, sizeof(*rows) * 3);
    batch.rows = rows;
    rows[1].formats[0] = (struct signature_format){(const uint8_t *)"raw\0", 4};
    rows[1].formats[5] = (struct signature_format){(const uint8_t *)"{}\n", 3};
    rows[1].formats[7] = (struct signature_format){(const uint8_t *)"", 0};
    rows[1].place =
        (struct signature_place){.directory = "dist", .manifest = 42, .position = 7, .files = 9};
    rows[2].place = (struct signature_place){
        .directory = "dist", .manifest = 42, .files = 9, .lines = "a\nb\n", .lines_len = 4};
    rows[0].signature = NULL;
    batch.note = "a note\n\nsigned\n";
    batch.note_len = strlen(batch.note);
    assert_int_equal(SG_OK, SIGNATURES(add, &batch));
    contract_store_reopen(&store);

    assert_int_equal(SG_OK, SIGNATURES(get, 41, arena, &got, &note, &size));
    assert_int_equal(41, got.index);
    assert_int_equal(77, got.timestamp_ns);
    assert_string_equal("release", got.key);
    assert_string_equal("odd", got.package);
    assert_memory_equal(rows[1].sha256, got.sha256, SG_DIGEST_SIZE);
    assert_int_equal(rows[1].record_len, got.record_len);
    assert_string_equal(rows[1].record, got.record);
    assert_int_equal(10, got.signature_len);
    assert_memory_equal("sig\0nature", got.signature, 10);
    assert_int_equal(4, got.formats[0].len);
    assert_memory_equal("raw\0", got.formats[0].data, 4);
    assert_null(got.formats[1].data);
    assert_memory_equal("{}\n", got.formats[5].data, got.formats[5].len);
    assert_non_null(got.formats[7].data);
    assert_int_equal(0, got.formats[7].len);
    assert_string_equal("dist", got.place.directory);
    assert_int_equal(42, got.place.manifest);
    assert_int_equal(7, got.place.position);
    assert_int_equal(9, got.place.files);
    assert_null(got.place.lines);
    assert_string_equal("a note\n\nsigned\n", note);
    assert_int_equal(43, size);

    assert_int_equal(SG_OK, SIGNATURES(get, 42, arena, &got, &note, &size));
    assert_int_equal(4, got.place.lines_len);
    assert_memory_equal("a\nb\n", got.place.lines, 4);
    assert_int_equal(SG_OK, SIGNATURES(get, 40, arena, &got, &note, &size));
    assert_null(got.signature);
    assert_null(got.place.directory);
    add(43, 1, "release", 78);
    assert_int_equal(SG_OK, SIGNATURES(get, 43, arena, &got, &note, &size));
    assert_null(note); /* that of its own batch, not of the one before */
    assert_int_equal(44, size);
    assert_int_equal(SG_ERR_NOT_FOUND, SIGNATURES(get, 39, arena, &got, &note, &size));
    assert_int_equal(SG_ERR_NOT_FOUND, SIGNATURES(get, 44, arena, &got, &note, &size));
    assert_int_equal(SG_ERR_NOT_FOUND, SIGNATURES(get, UINT64_MAX, arena, &got, &note, &size));
}

/* All or nothing, and no number twice. */
static void test_conflict(void **state)
{
    (void)state;
    struct signature_row got;
    const char *note;
    uint64_t size;
    add(10, 5, "a", 1);
    static const struct {
        uint64_t first;
        size_t count;
    } wrong[] = {{10, 1}, {14, 3}, {8, 3}, {5, 20}, {12, 1}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct signature_batch batch = batch_of(wrong[i].first, wrong[i].count, "b", 2);
        assert_int_equal(SG_ERR_CONFLICT, SIGNATURES(add, &batch));
    }
    assert_int_equal(SG_ERR_NOT_FOUND, SIGNATURES(get, 8, arena, &got, &note, &size));
    assert_int_equal(SG_ERR_NOT_FOUND, SIGNATURES(get, 15, arena, &got, &note, &size));
    assert_int_equal(SG_OK, SIGNATURES(get, 12, arena, &got, &note, &size));
    assert_string_equal("a", got.key);
    add(8, 2, "b", 2);
    add(15, 1, "b", 2);
}

static void expect_gap(uint64_t from, uint64_t first, uint64_t count)
{
    uint64_t at = 0, missing = 0;
    assert_int_equal(SG_OK, SIGNATURES(gap, from, &at, &missing));
    assert_int_equal(first, at);
    assert_int_equal(count, missing);
}

static void test_gap(void **state)
{
    (void)state;
    expect_gap(0, 0, UINT64_MAX);
    expect_gap(9, 9, UINT64_MAX - 9);
    add(2, 3, "a", 1);
    add(5, 1, "a", 1);
    add(9, 1, "b", 1);
    expect_gap(0, 0, 2);
    expect_gap(1, 1, 1);
    expect_gap(2, 6, 3);
    expect_gap(4, 6, 3);
    expect_gap(7, 7, 2);
    expect_gap(9, 10, UINT64_MAX - 10);
    add(6, 3, "b", 1);
    add(0, 2, "b", 1);
    expect_gap(0, 10, UINT64_MAX - 10);
}

static void expect_cut(uint64_t from, uint64_t count)
{
    uint64_t gone = UINT64_MAX;
    assert_int_equal(SG_OK, SIGNATURES(cut, from, &gone));
    assert_int_equal(count, gone);
}

/* What is cut off is free again; a batch may be cut through. */
static void test_cut(void **state)
{
    (void)state;
    struct signature_row got;
    const char *note;
    uint64_t size;
    expect_cut(0, 0);
    add(0, 3, "a", 1);
    add(3, 5, "b", 2);
    add(8, 2, "a", 3);
    expect_cut(10, 0);
    expect_gap(0, 10, UINT64_MAX - 10);
    expect_cut(5, 5);
    expect_gap(0, 5, UINT64_MAX - 5);
    assert_int_equal(SG_OK, SIGNATURES(get, 4, arena, &got, &note, &size));
    assert_string_equal("b", got.key);
    assert_int_equal(SG_ERR_NOT_FOUND, SIGNATURES(get, 5, arena, &got, &note, &size));
    add(5, 4, "c", 4);
    expect_gap(0, 9, UINT64_MAX - 9);
    assert_int_equal(SG_OK, SIGNATURES(get, 8, arena, &got, &note, &size));
    assert_string_equal("c", got.key);
    expect_cut(0, 9);
    expect_gap(0, 0, UINT64_MAX);
    uint64_t gone;
    assert_int_equal(SG_ERR_BAD_FIELD, SIGNATURES(cut, UINT64_MAX, &gone));
}

/* The indexes of what is asked for, in the order of the answer: "9 8 3 ". */
static void expect_list(struct signature_query query, const char *expected)
{
    static struct signature_row rows[1001];
    char text[256] = "";
    size_t count = 0, at = 0;
    if (query.limit == 0)
        query.limit = 1001;
    if (query.before == 0)
        query.before = UINT64_MAX;
    if (query.until_ns == 0)
        query.until_ns = INT64_MAX;
    if (query.since_ns == 0)
        query.since_ns = INT64_MIN;
    assert_int_equal(SG_OK, SIGNATURES(list, &query, arena, rows, &count));
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%llu ",
                               (unsigned long long)rows[i].index);
        assert_int_equal(10, rows[i].signature_len);
        assert_null(rows[i].formats[0].data);
        assert_true(rows[i].timestamp_ns >= query.since_ns);
    }
    assert_string_equal(expected, text);
}

static void test_list(void **state)
{
    (void)state;
    const uint8_t two[SG_DIGEST_SIZE] = {2}, none[SG_DIGEST_SIZE] = {9};
    expect_list((struct signature_query){0}, "");
    add(0, 4, "a", 10 * HOUR_NS);
    add(4, 2, "b", 11 * HOUR_NS);
    add(6, 4, "a", 12 * HOUR_NS);
    add(10, 1, "a", 12 * HOUR_NS - 1); /* numbers and times may cross a little */
    add(11, 1, "b", 13 * HOUR_NS);
    expect_list((struct signature_query){0}, "11 10 9 8 7 6 5 4 3 2 1 0 ");
    expect_list((struct signature_query){.limit = 3}, "11 10 9 ");
    expect_list((struct signature_query){.limit = 3, .before = 9}, "8 7 6 ");
    expect_list((struct signature_query){.sha256 = two}, "9 2 ");
    expect_list((struct signature_query){.sha256 = two, .before = 9}, "2 ");
    expect_list((struct signature_query){.sha256 = none}, "");
    expect_list((struct signature_query){.package = "odd"}, "11 9 7 5 3 1 ");
    expect_list((struct signature_query){.package = "odd", .limit = 2, .before = 7}, "5 3 ");
    expect_list((struct signature_query){.package = "Odd"}, "");
    expect_list((struct signature_query){.key = "a"}, "10 9 8 7 6 3 2 1 0 ");
    expect_list((struct signature_query){.key = "a", .limit = 4, .before = 8}, "7 6 3 2 ");
    expect_list((struct signature_query){.key = "b"}, "11 5 4 ");
    expect_list((struct signature_query){.key = "c"}, "");
    expect_list((struct signature_query){.key = "a", .package = "odd", .sha256 = two}, "9 ");
    expect_list((struct signature_query){.key = "b", .package = "odd"}, "11 5 ");
    expect_list((struct signature_query){.since_ns = 12 * HOUR_NS}, "11 9 8 7 6 ");
    expect_list((struct signature_query){.since_ns = 12 * HOUR_NS - 1}, "11 10 9 8 7 6 ");
    expect_list((struct signature_query){.until_ns = 11 * HOUR_NS}, "3 2 1 0 ");
    expect_list((struct signature_query){.since_ns = 11 * HOUR_NS, .until_ns = 12 * HOUR_NS},
                "10 5 4 ");
    expect_list((struct signature_query){.since_ns = 12 * HOUR_NS, .key = "a"}, "9 8 7 6 ");
    expect_list((struct signature_query){.since_ns = 14 * HOUR_NS}, "");
    expect_list((struct signature_query){.until_ns = 10 * HOUR_NS}, "");
}

/* Numbers that are far apart. */
static void test_far(void **state)
{
    (void)state;
    const uint8_t one[SG_DIGEST_SIZE] = {1};
    add(0, 3, "a", 1);
    add(32767, 2, "a", 2);  /* % 7: 0, 1 */
    add(100003, 2, "b", 3); /* 1, 2 */
    add(999999, 3, "a", 4); /* 0, 1, 2 */
    expect_list((struct signature_query){.sha256 = one}, "1000000 100003 32768 1 ");
    expect_list((struct signature_query){.sha256 = one, .limit = 2}, "1000000 100003 ");
    expect_list((struct signature_query){.sha256 = one, .before = 100003}, "32768 1 ");
    expect_list((struct signature_query){.sha256 = one, .before = 32768}, "1 ");
    expect_list((struct signature_query){.sha256 = one, .key = "b"}, "100003 ");
    expect_list((struct signature_query){.package = "odd"}, "1000001 999999 100003 32767 1 ");
    expect_list((struct signature_query){.package = "even", .limit = 3, .before = 1000000},
                "100004 32768 2 ");
    expect_list((struct signature_query){.package = "even", .before = 1}, "0 ");
}

static void test_events(void **state)
{
    (void)state;
    struct user_record bob = contract_user_add(&store, "bob", SG_ROLE_MEMBER);
    int64_t common = contract_space_id(&store, "common", bob.id);
    const struct signature_event events[] = {
        {.space_id = common, .path = "dist", .key = "a", .key_version = 2, .index = 5, .count = 2},
        {.space_id = 4711, .path = "gone", .key = "a", .key_version = 2, .index = 7, .count = 1},
        {.space_id = common, .path = "", .key = "a", .key_version = 2, .index = 7, .count = 1}};
    struct signature_batch batch = batch_of(5, 3, "a", 1);
    struct signature_row got;
    const char *note;
    uint64_t size;
    batch.events = events;
    batch.event_count = 3;
    batch.actor = (struct space_actor){.user_id = bob.id, .name = bob.name, .now_ns = 5000};
    assert_int_equal(SG_OK, SIGNATURES(add, &batch));
    assert_int_equal(2, contract_event_count(&store, common));
    contract_event_expect(&store, common, 1, SG_EVENT_SIGNATURE_CREATED, "\"count\":2,\"id\":");
    contract_event_expect(&store, common, 1, SG_EVENT_SIGNATURE_CREATED,
                          "\"index\":5,\"key\":\"a\",\"key_version\":2,\"path\":\"dist\","
                          "\"sender\":\"bob\"");
    contract_event_expect(&store, common, 0, SG_EVENT_SIGNATURE_CREATED,
                          "\"key_version\":2,\"sender\":\"bob\"");
    /* A write that is undone leaves no event. */
    assert_int_equal(SG_ERR_CONFLICT, SIGNATURES(add, &batch));
    assert_int_equal(2, contract_event_count(&store, common));
    assert_int_equal(SG_OK, SIGNATURES(get, 7, arena, &got, &note, &size));
}

/* The writer has other things to do: 10,000 signatures must not hold it up. */
static void test_large(void **state)
{
    (void)state;
    int64_t best_ns = INT64_MAX;
    char record[640];
    memset(record, 'x', sizeof(record));
    for (unsigned round = 0; round < 5; round++) {
        struct signature_batch batch = batch_of((uint64_t)round * LARGE, LARGE, "a", round + 1);
        struct signature_row *rows = arena_alloc(arena, LARGE * sizeof(*rows));
        uint64_t seed = round;
        memcpy(rows, batch.rows, LARGE * sizeof(*rows));
        for (size_t i = 0; i < LARGE; i++) {
            for (size_t b = 0; b < SG_DIGEST_SIZE; b++)
                rows[i].sha256[b] = (uint8_t)contract_random(&seed);
            rows[i].package = arena_printf(arena, "package-%u", contract_random(&seed) % 5000);
            rows[i].record = record;
            rows[i].record_len = sizeof(record);
            rows[i].signature = (const uint8_t *)record;
            rows[i].signature_len = 64;
        }
        batch.rows = rows;
        int64_t begin_ns = clock_monotonic_ns();
        assert_int_equal(SG_OK, SIGNATURES(add, &batch));
        int64_t took_ns = clock_monotonic_ns() - begin_ns;
        if (took_ns < best_ns)
            best_ns = took_ns;
    }
    print_message("10,000 signatures in one write: %.1f ms\n", (double)best_ns / 1e6);
    expect_gap(0, 5 * LARGE, UINT64_MAX - 5 * LARGE);
}

int contract_signatures(const struct contract_engine *engine)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_get, setup, teardown),
        cmocka_unit_test_setup_teardown(test_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_far, setup, teardown),
        cmocka_unit_test_setup_teardown(test_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large, setup, teardown),
    };
    tested = engine;
    print_message("signatures contract on %s\n", engine->name);
    return cmocka_run_group_tests_name("signatures contract", tests, NULL, NULL);
}
